"""One request to a team, from task to result: what a person holds in hand."""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentnb.errors import ModelError, UserError
from agentnb.kernel import interrupt
from agentnb.kernel.capture import safe_bundle
from agentnb.kernel.shell import kernel_of
from agentnb.kernel.stage import tasks_on_stage
from agentnb.record.document import FINAL, Change, Error, RunRecord, RunStatus, Step, Task, Usage
from agentnb.record.events import RunEnded, RunStatusChanged, Said
from agentnb.run.budget import Budget, LimitReached
from agentnb.run.context import RunContext
from agentnb.run.crew import Crew
from agentnb.run.drift import drifts
from agentnb.run.staffing import Staffing
from agentnb.run.worker import TaskLimit

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

    def __init__(self, context: RunContext, crew: Crew, budget: Budget) -> None:
        self._context, self._crew, self._budget = context, crew, budget
        self._result: Any = None
        self._ending: tuple[RunStatus, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._loop = asyncio.get_running_loop()
        self._question: asyncio.Future[str] | None = None
        context.end = self._end

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
    def changes(self) -> list[Change]:
        """What the actions did to the user's variables, in their order."""
        return [change for step in self.steps for change in step.changes if change.scope == "user"]

    @property
    def tasks(self) -> list[Task]:
        """The ledger."""
        return self.record.tasks

    @property
    def steps(self) -> list[Step]:
        """All steps of all agents, in the order they began."""
        return self.record.steps

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

        Answers the question of ``ask_user`` where one is open. Raises ``UserError`` for an agent that is not there.
        """
        lead, roster = self._crew.lead.name, self._crew.roster
        name = lead if to in (None, "coordinator", "manager") else str(to)
        if name != lead:
            roster[name]
        if self.status in FINAL:
            raise UserError(f"the run has ended ({self.status}); ask on with %%agents")

        def say() -> None:
            self._context.recorder.emit(Said(sender="user", to=name, text=text))
            if self._question is not None and not self._question.done():
                self._question.set_result(text)
            else:
                self._context.control.post(name, text)

        self._on_loop(say)

    def undo(self, step: int | None = None) -> None:
        """Put the user's variables back; not in this version, see the error."""
        raise UserError("undo is not available in this version; `run.changes` lists what was changed")

    def subscribe(self, listener: Callable[[Any, RunRecord], None]) -> Callable[[], None]:
        """Call ``listener(event, record)`` after every event, on the kernel's loop; return what ends this."""
        return self._context.recorder.subscribe(listener)

    def tap(self, listener: Callable[[Any, RunRecord], None]) -> Callable[[], None]:
        """As ``subscribe``, but on whatever thread the event comes, while the loop may be held up."""
        return self._context.recorder.tap(listener)

    @property
    def staff(self) -> Staffing:
        """Hires, changes and dismissals in this run. Used on the kernel's loop only."""
        return self._crew.staffing()

    def _on_loop(self, act: Callable[[], None]) -> None:
        if threading.current_thread() is threading.main_thread() and asyncio._get_running_loop() is self._loop:
            act()
        else:
            self._loop.call_soon_threadsafe(act)

    # --- its course ---------------------------------------------------------------------------------------------------

    def start(self, agents: tuple[str, ...] = ()) -> Run:
        """Begin; ``agents``, where given, are asked directly, without the coordinator. Called once, by ``Team``."""
        self._context.ask_person = self._ask_person
        self._task = self._context.spawn(self._live(agents))
        return self

    def __await__(self) -> Generator[Any, Any, Run]:
        return self._wait().__await__()

    async def _wait(self) -> Run:
        assert self._task is not None
        try:
            with self._context.gate.open(), interrupt.caught():
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
        deadline = None
        if self._budget.seconds is not None:
            used_up = f"the budget of {self._budget.seconds:g} s is used up"
            left = max(0.0, self._budget.seconds - recorder.now)  # a resumed run has used some of it
            deadline = self._loop.call_later(left, self._end, "limit", used_up)
            self._context.deadline = time.perf_counter() + left
        try:
            with tasks_on_stage(self._loop):
                status, reason, error = await self._work(agents)
        finally:
            if not agents:  # a coordinator led; this run may have ended before it came to that
                self._crew.memory.leading = False
            if deadline is not None:
                deadline.cancel()
            stop_listening()
        shown = (
            safe_bundle(self._context.shell, self._result) if status == "done" and self._result is not None else None
        )
        self._tell_drifts()
        recorder.emit(RunEnded(status=status, reason=reason, result=shown, error=error))
        recorder.close()

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
        except (ModelError, UserError) as error:
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
        context.ledger.move(task, "completed", result=safe_bundle(context.shell, result))
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

    async def _ask_person(self, agent: str, question: str) -> str:
        from agentnb.kernel.ask import ask_at_prompt

        self._context.recorder.emit(Said(sender=agent, to="user", text=question))
        self._question = self._loop.create_future()
        try:
            # as a task of the run's: on the stage of the agent's code there is no standard input
            answer: str = await self._context.spawn(ask_at_prompt(self._context.shell, question, self._question))
            return answer
        finally:
            self._question = None
