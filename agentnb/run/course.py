"""How a run goes: it begins, is waited for, and comes to exactly one end, whatever ends it."""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import Any

from agentnb.errors import ModelError, UserError
from agentnb.kernel.action import interrupt
from agentnb.kernel.action.children import end_run
from agentnb.kernel.action.stage import tasks_on_stage
from agentnb.kernel.branch.away import BranchLost
from agentnb.kernel.results import show_result
from agentnb.kernel.shell import kernel_of
from agentnb.record.document import FINAL, Error, RunStatus
from agentnb.record.events import BudgetChanged, RunEnded, Said
from agentnb.run.approvals.prompting import prompting
from agentnb.run.budget import WARN_AT, Budget, LimitReached
from agentnb.run.context import RunContext
from agentnb.run.crew import Crew
from agentnb.run.errand import Errand, carry_out
from agentnb.run.outlook import outlook
from agentnb.run.replay.drift import drifts
from agentnb.run.speculation.tries import Tries
from agentnb.run.worker import TaskLimit

SECOND_CANCEL = 0.5
"""Seconds after which a run that did not end when it was stopped is cancelled again."""


class Course:
    """The course of one run. ``result`` is what the team answered with, ``presentable`` whether it may be shown whole.

    Everything here is called on the kernel's loop, but for what a signal's handler calls.
    """

    def __init__(self, context: RunContext, crew: Crew) -> None:
        self._context, self._crew = context, crew
        self.result: Any = None
        self.presentable = True
        self.holder: Any = None  # the run: %agents finds it as long as anything of it is there
        self._ending: tuple[RunStatus, str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._tries: Tries | None = None
        self._loop = asyncio.get_running_loop()
        self._deadline: list[asyncio.TimerHandle] = []
        context.end = self.end
        context.meter.warn = self._warn

    @property
    def has_ended(self) -> bool:
        """Whether the run came to its end."""
        return self._context.recorder.record.status in FINAL

    def begin(self, agents: tuple[str, ...], tries: Tries | None = None) -> None:
        """Start; ``agents``, where given, are asked directly, without the coordinator, with ``tries`` several times."""
        self._tries = tries
        self._task = self._context.spawn(self._live(agents))

    async def wait(self) -> None:
        """Wait for the end, as the cell that holds the run; an interrupt of that cell stops the run."""
        assert self._task is not None
        try:
            with self._context.gate.open(), interrupt.caught():
                async with prompting(self._context.shell, self._context.requests):
                    await asyncio.shield(self._task)
        except asyncio.CancelledError:  # the cell that waits is interrupted: the person wants all of it to stop
            self.end("cancelled", "stopped by the person")
            await asyncio.wait({self._task})
            raise

    async def _live(self, agents: tuple[str, ...]) -> None:
        self._begun = True
        recorder = self._context.recorder
        stop_listening = interrupt.listen(self._on_interrupt, kernel_of(self._context.shell))
        self._set_deadline()
        try:
            with tasks_on_stage(self._loop):
                status, reason, error = await self._work(agents)
            if status == "limit":
                reason = f"{reason}; {outlook(self._context.recorder.record)}"
            result = self._shown() if status == "done" and self.result is not None else None
        finally:
            if not agents:  # a coordinator led; this run may have ended before it came to that
                self._crew.memory.leading = False
            self._drop_deadline()
            stop_listening()
            if self._ending is not None:  # it did not come to its end by itself
                end_run(self._context.id, self._context.processes)
            if self._context.cluster is not None:
                self._context.cluster.forget()
        self._tell_drifts()
        recorder.emit(RunEnded(status=status, reason=reason, result=result, error=error))
        recorder.close()

    def change_budget(self, budget: Budget, by: str) -> None:
        """Put other limits in the place of the run's, as far as its policy allows."""
        if self.has_ended:
            return
        budget = self._context.rules.capped(budget)
        self._context.meter.change(budget)
        self._context.recorder.emit(BudgetChanged(budget=str(budget), limits=budget.limits(), by=by))
        self._set_deadline()

    def _set_deadline(self) -> None:
        """Let the run end when the time of its budget, which counts from its start, is used up."""
        self._drop_deadline()
        context, seconds = self._context, self._context.meter.budget.seconds
        if seconds is None:
            context.deadline = None
            return
        left = max(0.0, seconds - context.recorder.now)
        call_later = self._loop.call_later
        self._deadline.append(call_later(left, self.end, "limit", f"the budget of {seconds:g} s is used up"))
        warn_in = WARN_AT * seconds - context.recorder.now
        if warn_in > 0:
            self._deadline.append(call_later(warn_in, self._warn, f"{WARN_AT * seconds:g} of {seconds:g} s are used"))
        context.deadline = time.perf_counter() + left

    def _warn(self, text: str) -> None:
        """Tell the person and the coordinator that a limit comes near."""
        if not self.has_ended:
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
        shown = show_result(self._context.shell, self.result)
        redacted: dict[str, Any] = self._context.recorder.redactor.redact_value(shown.data)
        self.presentable = shown.whole and redacted == shown.data
        return redacted

    def _tell_drifts(self) -> None:
        """In a replay, say where it came out differently."""
        context = self._context
        if context.recording is None:
            return
        for text in [*context.models.drifts, *drifts(context.recording, self._context.recorder.record, context.lanes)]:
            context.recorder.emit(Said(sender="agentnb", to="user", text=f"the replay differs: {text}"))

    async def _work(self, agents: tuple[str, ...]) -> tuple[RunStatus, str | None, Error | None]:
        try:
            if self._ending is not None:
                return *self._ending, None
            self.result = await self._solve(agents)
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
        context, crew = self._context, self._crew
        if self._tries is not None:
            return await self._tries.carry_out(context, crew)
        if not agents:
            return await carry_out(context, crew, Errand(crew.lead, context.task))
        names = list(dict.fromkeys(agents))
        errands = [carry_out(context, crew, Errand(crew.roster[name], context.task)) for name in names]
        answers = await asyncio.gather(*errands, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):  # the others have come to their end, their tasks show what they found
                raise answer
        return answers[0] if len(names) == 1 else dict(zip(names, answers, strict=True))

    def _on_interrupt(self) -> None:
        """Stop, from a signal handler: it may strike anywhere, and a loop that waits for events must be woken up."""
        self._context.gate.close()  # at once: another specialist's action may be due before the loop gets to the rest
        self._loop.call_soon_threadsafe(self.end, "cancelled", "stopped by the person")

    def end(self, status: RunStatus, reason: str) -> None:
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
        self._loop.call_later(SECOND_CANCEL, self.end, status, reason)
