"""One request to a team, from task to result: what a person holds in hand."""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentnb.errors import Correction, ModelError, UserError
from agentnb.kernel import interrupt
from agentnb.kernel.branch.place import BranchLost
from agentnb.kernel.children import end as end_processes
from agentnb.kernel.results import show_result
from agentnb.kernel.shell import kernel_of
from agentnb.kernel.stage import current_stage, tasks_on_stage
from agentnb.kernel.turn import Gate, kernel_lock
from agentnb.kernel.undo.store import Checkpoint
from agentnb.record.document import FINAL, Error, Request, RunRecord, RunStatus, Step, Task, Usage
from agentnb.record.events import BudgetChanged, RunEnded, RunStatusChanged, Said
from agentnb.run.budget import WARN_AT, Budget, LimitReached
from agentnb.run.context import RunContext
from agentnb.run.crew import Crew
from agentnb.run.drift import drifts
from agentnb.run.outlook import outlook
from agentnb.run.prompting import prompting
from agentnb.run.requests import Answer, check_answer
from agentnb.run.staffing import Staffing
from agentnb.run.undo import UndoReport, told_to_agents
from agentnb.run.worker import TaskLimit
from agentnb.team.roster import Roster
from agentnb.views.changes import Changes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECOND_CANCEL = 0.5
"""Seconds after which a run that did not end when it was stopped is cancelled again."""


class Run:
    """A run under way or ended; ``await run`` waits for its end and returns it.

    ``status`` is ``running`` or ``paused``, and at the end exactly one of ``done``, ``failed``, ``limit``,
    ``cancelled``, ``crashed``. ``result`` is the live object that the team answered with, None until then.
    All methods may be called from any thread and at any time.
    """

    def __init__(self, context: RunContext, crew: Crew) -> None:
        self._context, self._crew = context, crew
        self._result: Any = None
        self.presentable = True  # whether the result can be shown as it is: it is no secret, and ends when it is asked
        self._ending: tuple[RunStatus, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._loop = asyncio.get_running_loop()
        self._deadline: list[asyncio.TimerHandle] = []
        context.end = self._end
        context.meter.warn = self._warn

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
        return self._result

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
        self._on_loop(lambda: self._end("cancelled", "stopped by the person"))
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
            self._context.undo.bind(name, self._result)
        else:
            variables[name] = self._result

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
        self._on_loop(lambda: self._change_budget(budget, by))

    def _change_budget(self, budget: Budget, by: str) -> None:
        if self.status in FINAL:
            return
        budget = self._context.rules.capped(budget)
        self._context.meter.change(budget)
        self._context.recorder.emit(BudgetChanged(budget=str(budget), limits=budget.limits(), by=by))
        self._set_deadline()

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

    def start(self, agents: tuple[str, ...] = ()) -> Run:
        """Begin; ``agents``, where given, are asked directly, without the coordinator. Called once, by ``Team``."""
        self._task = self._context.spawn(self._live(agents))
        return self

    def __await__(self) -> Generator[Any, Any, Run]:
        return self._wait().__await__()

    async def _wait(self) -> Run:
        assert self._task is not None
        try:
            with self._context.gate.open(), interrupt.caught():
                async with prompting(self._context.shell, self._context.requests):
                    await asyncio.shield(self._task)
        except asyncio.CancelledError:  # the cell that waits is interrupted: the person wants all of it to stop
            self._end("cancelled", "stopped by the person")
            await asyncio.wait({self._task})
            raise
        return self

    async def _live(self, agents: tuple[str, ...]) -> None:
        self._begun = True
        recorder = self._context.recorder
        stop_listening = interrupt.listen(self._on_interrupt, kernel_of(self._context.shell))
        self._set_deadline()
        try:
            with tasks_on_stage(self._loop):
                status, reason, error = await self._work(agents)
            if status == "limit":
                reason = f"{reason}; {outlook(self.record)}"
            result = self._shown() if status == "done" and self._result is not None else None
        finally:
            if not agents:  # a coordinator led; this run may have ended before it came to that
                self._crew.memory.leading = False
            self._drop_deadline()
            stop_listening()
            if self._ending is not None:  # it did not come to its end by itself
                end_processes(self._context.processes)
        self._tell_drifts()
        recorder.emit(RunEnded(status=status, reason=reason, result=result, error=error))
        recorder.close()

    def _set_deadline(self) -> None:
        """Let the run end when the time of its budget, which counts from its start, is used up."""
        self._drop_deadline()
        context, seconds = self._context, self._context.meter.budget.seconds
        if seconds is None:
            context.deadline = None
            return
        left = max(0.0, seconds - context.recorder.now)
        call_later = self._loop.call_later
        self._deadline.append(call_later(left, self._end, "limit", f"the budget of {seconds:g} s is used up"))
        warn_in = WARN_AT * seconds - context.recorder.now
        if warn_in > 0:
            self._deadline.append(call_later(warn_in, self._warn, f"{WARN_AT * seconds:g} of {seconds:g} s are used"))
        context.deadline = time.perf_counter() + left

    def _warn(self, text: str) -> None:
        """Tell the person and the coordinator that a limit comes near."""
        if self.status not in FINAL:
            self._context.recorder.emit(
                Said(sender="agentnb", to="user", text=f"{text}; %agents budget SPEC changes it")
            )
            self._context.control.post(
                self._crew.lead.name, f"Of the budget, {text}. Come to an end with what you have."
            )

    def _drop_deadline(self) -> None:
        while self._deadline:
            self._deadline.pop().cancel()

    def _shown(self) -> dict[str, Any]:
        """Return the result as it goes into the record, and remember whether that is all of it."""
        shown = show_result(self._context.shell, self._result)
        redacted: dict[str, Any] = self._context.recorder.redactor.redact_value(shown.data)
        self.presentable = shown.whole and redacted == shown.data
        return redacted

    def _tell_drifts(self) -> None:
        """In a replay, say where it came out differently."""
        context = self._context
        if context.recording is None:
            return
        for text in [*context.models.drifts, *drifts(context.recording, self.record, context.lanes)]:
            context.recorder.emit(Said(sender="agentnb", to="user", text=f"the replay differs: {text}"))

    async def _work(self, agents: tuple[str, ...]) -> tuple[RunStatus, str | None, Error | None]:
        try:
            if self._ending is not None:
                return *self._ending, None
            self._result = await self._solve(agents)
            return "done", None, None
        except asyncio.CancelledError:
            return *(self._ending or ("cancelled", "stopped by the person")), None
        except (LimitReached, TaskLimit) as limit:
            return "limit", str(limit), None
        except (ModelError, UserError, BranchLost) as error:
            return "failed", str(error), Error(name=type(error).__name__, message=str(error))
        except Exception as error:
            lines = traceback.format_exc().splitlines()
            name = type(error).__name__
            return "failed", f"{name}: {error}", Error(name=name, message=str(error), traceback=lines)

    async def _solve(self, agents: tuple[str, ...]) -> Any:
        if not agents:
            return await self._entrust(self._crew.lead.name)
        names = list(dict.fromkeys(agents))
        answers = await asyncio.gather(*map(self._entrust, names), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):  # the others have come to their end, their tasks show what they found
                raise answer
        return answers[0] if len(names) == 1 else dict(zip(names, answers, strict=True))

    async def _entrust(self, name: str) -> Any:
        """Give the person's task to one agent as it stands."""
        context, crew = self._context, self._crew
        task = None if context.resumption is None else context.resumption.task(name)
        if task is None:
            task = context.ledger.add(name, context.task, parent=None, step=None)
        context.meter.admit(name)
        context.ledger.move(task, "in_progress")
        handed: dict[str, Any] = {"task": task, "asked_by": "", "lane": None}
        try:
            if name == crew.lead.name:
                result = await crew.coordinate(context.task, {}, **handed)
            else:
                result = await crew.perform(crew.roster[name], context.task, {}, **handed)
        except asyncio.CancelledError:
            context.ledger.move(task, "cancelled")
            raise
        except Exception as error:
            context.ledger.move(task, "failed", error=Error(name=type(error).__name__, message=str(error)))
            raise
        context.ledger.move(task, "completed", result=show_result(context.shell, result).data)
        return result

    def _on_interrupt(self) -> None:
        """Stop, from a signal handler: it may strike anywhere, and a loop that waits for events must be woken up."""
        self._context.gate.close()  # at once: another specialist's action may be due before the loop gets to the rest
        self._loop.call_soon_threadsafe(self._end, "cancelled", "stopped by the person")

    def _end(self, status: RunStatus, reason: str) -> None:
        """End the run from outside of its course; the first reason counts."""
        if self._task is None or self._task.done():
            return
        self._context.gate.close()
        if self._ending is None:
            self._ending = (status, reason)
            self._context.control.resume()
        if not self._begun:  # a task cancelled before its first step would end without a word in the record
            return
        self._task.cancel()
        # code that swallows the cancellation gets another one
        self._loop.call_later(SECOND_CANCEL, self._end, status, reason)


def refuse_agents(what: str) -> None:
    """Raise ``Correction`` where an agent's code calls what is the person's to do."""
    if current_stage.get() is not None:
        raise Correction(f"only the person can {what}; go on without it")
