"""One request to a team, from task to result: what a person holds in hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentnb.errors import Correction, UserError
from agentnb.kernel.action import interrupt
from agentnb.kernel.action.stage import current_stage
from agentnb.kernel.turn import Gate, kernel_lock
from agentnb.kernel.undo.store import Checkpoint
from agentnb.record.document import FINAL, Request, RunRecord, RunStatus, Step, Task, Usage
from agentnb.record.events import RunStatusChanged, Said
from agentnb.run.approvals.requests import Answer, check_answer
from agentnb.run.budget import Budget
from agentnb.run.context import RunContext
from agentnb.run.course import Course
from agentnb.run.crew import Crew
from agentnb.run.speculation.tries import Tries
from agentnb.run.staffing import Staffing
from agentnb.run.undo import UndoReport, told_to_agents
from agentnb.team.roster import Roster
from agentnb.views.changes import Changes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Run:
    """A run under way or ended; ``await run`` waits for its end and returns it.

    ``status`` is ``running`` or ``paused``, and at the end exactly one of ``done``, ``failed``, ``limit``,
    ``cancelled``, ``crashed``. ``result`` is the live object that the team answered with, None until then.
    All methods may be called from any thread and at any time.
    """

    def __init__(self, context: RunContext, crew: Crew) -> None:
        self._context, self._crew, self._course = context, crew, Course(context, crew)
        self._course.holder = self
        self._loop = asyncio.get_running_loop()

    # --- what there is to see -----------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The run's id, as in its record."""
        return self._context.id

    @property
    def record(self) -> RunRecord:
        """All that happened so far."""
        return self._context.recorder.record

    @property
    def status(self) -> RunStatus:
        """How the run stands."""
        return self.record.status

    @property
    def result(self) -> Any:
        """The object the team answered with."""
        return self._course.result

    @property
    def presentable(self) -> bool:
        """Whether the result can be shown as it is: it is no secret, and ends when it is asked how it looks."""
        return self._course.presentable

    @property
    def usage(self) -> Usage:
        """Tokens, calls and money of the whole team so far."""
        return self.record.usage

    @property
    def changes(self) -> Changes:
        """What the actions did to the user's variables, in their order: a list that is shown as text."""
        return Changes(change for step in self.steps for change in step.changes if change.scope == "user")

    @property
    def tasks(self) -> list[Task]:
        """The ledger."""
        return self.record.tasks

    @property
    def steps(self) -> list[Step]:
        """All steps of all agents, in the order they began."""
        return self.record.steps

    @property
    def usage_by_agent(self) -> dict[str, Usage]:
        """What each agent took so far, in the order of their first steps."""
        shares: dict[str, Usage] = {}
        for step in self.steps:
            shares.setdefault(step.agent, Usage()).add(step.usage)
        return shares

    @property
    def partial(self) -> dict[str, Any]:
        """The objects that specialists have brought so far, by name: what there is of a run that was cut short."""
        agents = {task.agent for task in self.tasks}
        return {name: value for name, value in self._context.results.items() if name in agents}

    @property
    def requests(self) -> list[Request]:
        """What waits for the person: questions, actions and plans to allow, branches to merge; see ``answer``."""
        return [request for request in self.record.requests if request.status == "open"]

    def plot(self) -> Figure:
        """Return the run's time line as a matplotlib figure: a lane an agent, model and code time, delegations."""
        from agentnb.views.timeline import plot_timeline

        return plot_timeline(self.record)

    def export(self, path: str | Path) -> Path:
        """Write a notebook of plain cells that reproduces the result without agentnb; return its path."""
        import nbformat

        from agentnb.views.notebook import export_cells

        target = Path(path)
        nbformat.write(nbformat.v4.new_notebook(cells=export_cells(self.record)), target)  # type: ignore[no-untyped-call]
        return target

    def view(self) -> Any:
        """Return a widget that shows the run and takes commands; raises ``UserError`` where there can be none."""
        from agentnb.page.view import view

        return view(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        from agentnb.views.bundle import bundle

        return bundle(self.record, live=self.status not in FINAL)

    def __repr__(self) -> str:
        usage = self.usage
        return f"<Run {self.id} {self.status}: {len(self.steps)} steps, {usage.tokens:,} tokens>"

    # --- what one can do ----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the whole team at once; the run ends ``cancelled``."""
        self._context.gate.close()  # at once: the loop may be held up by an agent's code
        self._on_loop(lambda: self._course.end("cancelled", "stopped by the person"))
        interrupt.look()

    def pause(self) -> None:
        """Let every agent wait before its next model call or action."""

        def pause() -> None:
            if self.status == "running":
                self._context.control.pause()
                self._context.recorder.emit(RunStatusChanged(status="paused", by="user"))

        self._on_loop(pause)

    def resume(self) -> None:
        """Go on after a pause."""

        def resume() -> None:
            if self.status == "paused":
                self._context.recorder.emit(RunStatusChanged(status="running", by="user"))
                self._context.control.resume()

        self._on_loop(resume)

    def say(self, text: str, to: str | None = None) -> None:
        """Tell the coordinator, or the agent ``to``, something; it reads it with its next step.

        Answers a question of that agent's where one is open. Raises ``UserError`` for an agent that is not there.
        """
        lead, roster = self._crew.lead.name, self._crew.roster
        name = lead if to in (None, "coordinator", "manager") else str(to)
        if name != lead:
            roster[name]
        if self.status in FINAL:
            raise UserError(f"the run has ended ({self.status}); ask on with %%agents")

        def say() -> None:
            asked = [each for each in self._context.requests.open if each.kind == "question"]
            question = next((each for each in asked if to is None or each.agent == name), None)
            if question is not None:
                self._context.requests.answer(question.id, Answer("answered", text, by="user"))
                return
            self._context.recorder.emit(Said(sender="user", to=name, text=text))
            self._context.control.post(name, f"The person says to you now:\n{text}")

        self._on_loop(say)

    def undo(self, step: int | str | None = None, *, force: bool = False, by: str = "user") -> UndoReport:
        """Put the user's variables back to before ``step``, or to before the run; return what came of it.

        ``step`` is the number that a step is shown with (the coordinator's, where several agents have it), or its id in
        the record, such as ``"t1.2"``. What began after it is taken back with it. Objects are put back in place, so
        every name for them shows it. A variable that was changed after the steps is left alone and named in
        ``collisions``; with ``force`` it is put back as well. Files, the network and the like are never undone.

        From another thread this waits for a turn between two cells. Raises ``UserError`` where there is nothing to take
        back, its checkpoint was let go, or a step of the run is at work.
        """
        refuse_agents("undo")
        if threading.current_thread() is threading.main_thread():
            return self._undo(step, force, by)
        return asyncio.run_coroutine_threadsafe(self._undo_in_turn(step, force, by), self._loop).result()

    async def _undo_in_turn(self, step: int | str | None, force: bool, by: str) -> UndoReport:
        release = await Gate(kernel_lock(self._context.shell)).acquire()
        try:
            return self._undo(step, force, by)
        finally:
            release()

    def _undo(self, step: int | str | None, force: bool, by: str) -> UndoReport:
        report = self._context.undo.back(step, force=force, by=by)
        for agent, text in told_to_agents(self.record, report).items():
            if self.status in FINAL:
                self._crew.tell_later(agent, text)
            else:
                self._context.control.post(agent, text)
        return report

    def bind(self, name: str, variables: dict[str, Any]) -> None:
        """Make the result the variable ``name``; an undo of the run takes that back, too."""
        if variables is self._context.namespace:
            self._context.undo.bind(name, self._course.result)
        else:
            variables[name] = self._course.result

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """The steps that can be undone, the oldest first, with the bytes that are held for each."""
        return self._context.undo.checkpoints

    def answer(
        self,
        request_id: str,
        status: str,
        text: str = "",
        code: str | None = None,
        plan: Sequence[Any] | None = None,
        for_run: bool = False,
        by: str = "user",
    ) -> None:
        """Answer one of ``requests``; the first answer counts.

        ``status`` is ``answered`` for a question, ``allowed`` or ``denied`` for the rest; ``text`` is the answer, or
        the reason of a denial, which the agent is told. ``code`` and ``plan`` (of ``PlanItem`` or dicts) are allowed
        in the place of what was asked for; ``for_run`` allows the like for the rest of the run. Raises ``UserError``
        where the request does not wait, or the answer does not fit.
        """
        refuse_agents("answer what waits for the person")
        answer = check_answer(
            self.record.requests, request_id, status, text=text, code=code, plan=plan, for_run=for_run, by=by
        )
        if answer.code is not None:
            self._context.requests.check_edit(request_id, answer.code)
        self._on_loop(lambda: self._context.requests.answer(request_id, answer))

    def attend(self) -> Callable[[], None]:
        """Tell that a view is there in which the person can answer; return the function that ends this.

        Where nobody attends and the cell has no prompt either, what would wait is denied at once.
        """
        left: list[Callable[[], None]] = []
        self._on_loop(lambda: left.append(self._context.requests.attend()))
        return lambda: self._on_loop(lambda: left.pop()() if left else None)

    def set_budget(self, spec: str | Budget | None, by: str = "user") -> None:
        """Put other limits in the place of the run's, such as ``"100k, 10m"``; an empty ``spec`` lifts them all.

        They count from the run's start, for the next step at the latest. Raises ``OptionError`` for a spec that is not
        understood, and ``UserError`` where the run has ended, or where a model has no known price for a limit in money.
        """
        refuse_agents("change the budget")
        if self.status in FINAL:
            raise UserError(f"the run has ended ({self.status}); give a budget to the next one: %%agents -b SPEC")
        budget = Budget.parse(spec)
        self._on_loop(lambda: self._course.change_budget(budget, by))

    def subscribe(self, listener: Callable[[Any, RunRecord], None]) -> Callable[[], None]:
        """Call ``listener(event, record)`` after every event, on the kernel's loop; return what ends this."""
        return self._context.recorder.subscribe(listener)

    def tap(self, listener: Callable[[Any, RunRecord], None]) -> Callable[[], None]:
        """As ``subscribe``, but on whatever thread the event comes, while the loop may be held up."""
        return self._context.recorder.tap(listener)

    @property
    def team(self) -> Roster:
        """The team at work; who is hired to it now is there for the next step."""
        return self._crew.roster

    @property
    def staff(self) -> Staffing:
        """Hires, changes and dismissals in this run. Used on the kernel's loop only."""
        return self._crew.staffing()

    def _on_loop(self, act: Callable[[], object]) -> None:
        if threading.current_thread() is threading.main_thread() and asyncio._get_running_loop() is self._loop:
            act()
        else:
            self._loop.call_soon_threadsafe(act)

    # --- its course ---------------------------------------------------------------------------------------------------

    def start(self, agents: tuple[str, ...] = (), tries: Tries | None = None) -> Run:
        """Begin; ``agents``, where given, are asked directly, without the coordinator. Called once, by ``Team``.

        With ``tries`` one agent does the task several times.
        """
        self._course.begin(agents, tries)
        return self

    def __await__(self) -> Generator[Any, Any, Run]:
        return self._wait().__await__()

    async def _wait(self) -> Run:
        await self._course.wait()
        return self


def refuse_agents(what: str) -> None:
    """Raise ``Correction`` where an agent's code calls what is the person's to do."""
    if current_stage.get() is not None:
        raise Correction(f"only the person can {what}; go on without it")
