"""One agent on one task: ask the model, run its code, tell it what came of it, until it gives its answer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agentnb.errors import AgentnbError, ContextOverflow, ModelError
from agentnb.kernel.port import Outcome, Place
from agentnb.models import Chat, Reply, Retry
from agentnb.record.document import Error, StepStatus
from agentnb.record.events import ActionStarted, Noted, ReplyDelta, ReplyEnded, StepEnded, StepStarted
from agentnb.record.redact_stream import StreamRedactor
from agentnb.run import prompts
from agentnb.run.context import RunContext
from agentnb.run.history import History, Turn
from agentnb.run.observation import observation, step_line
from agentnb.run.parse import Parsed, parse_reply
from agentnb.run.recorder import StepSink

MAX_REPAIRS = 3
"""Replies in a row without code that can be run, after which the task ends."""
MAX_REPEATS = 2
MAX_FAILURES = 8
REPLAN_AFTER = 4
EXPECTED_REPLY = 600
"""Tokens reserved for a reply; the longest one so far where that was longer."""


class TaskLimit(AgentnbError):
    """The agent did not come to an end within its limits; the message says which one."""


@dataclass
class Assignment:
    """A task in an agent's hands: who, where its code runs, what it sees, and with which model."""

    agent: str
    task: str
    place: Place
    chat: Chat
    history: History
    names: dict[str, Any]
    max_steps: int
    timeout: float | None
    lane: str | None = None
    number: int = 0  # of the task's last step so far: a resumed one goes on from there
    news: Callable[[], list[str]] = list
    settle: Callable[[], Any] | None = None  # awaited after a failed action, returns what to say of others' work


@dataclass
class Worker:
    """Runs one assignment."""

    run: RunContext
    job: Assignment
    step: str = ""
    number: int = 0
    _repairs: int = 0
    _failures: int = 0
    _longest_reply: int = EXPECTED_REPLY
    _leftovers: set[asyncio.Task[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.number = self.job.number

    async def work(self) -> Any:
        """Return what the agent gave to ``final_answer``.

        Raises ``TaskLimit``, ``LimitReached`` (the run's budget), or ``ModelError``.
        """
        try:
            while self.number < self.job.max_steps:
                outcome = await self._step()
                if outcome is not None and outcome.final:
                    return outcome.value
            raise TaskLimit(f"{self.job.agent} did not finish within {self.job.max_steps} steps")
        finally:
            for task in self._leftovers:
                task.cancel()

    async def _step(self) -> Outcome | None:
        await self.run.control.checkpoint()
        for letter in self.job.news():  # here and not with the last observation: a pause may lie in between
            self.job.history.tell(self.run.recorder.redact(letter))
        self.number += 1
        self.step = f"{self.job.task}.{self.number}"
        asked, price = self.job.history.tokens, self.job.chat.price
        money = price.at_most(asked, self._longest_reply) if price else 0.0
        reserved = self.run.meter.reserve(asked + self._longest_reply, money)
        self.run.recorder.emit(
            StepStarted(step=self.step, task=self.job.task, agent=self.job.agent, number=self.number)
        )
        reply: Reply | None = None
        try:
            reply = await self._ask()
        except ModelError as error:
            self._end_step("failed", error=Error(name="ModelError", message=str(error)))
            raise
        finally:
            self.run.meter.settle(reserved, reply.usage if reply else None, money)
        self._longest_reply = max(self._longest_reply, reply.usage.output_tokens)
        parsed = parse_reply(reply.text)
        self.run.recorder.emit(ReplyEnded(step=self.step, thought=parsed.thought, code=parsed.code, usage=reply.usage))
        if reply.cut or parsed.code is None:
            self._reject(reply, parsed)
            return None
        self._repairs = 0
        return await self._act(reply, parsed, parsed.code)

    async def _ask(self) -> Reply:
        try:
            return await self._call()
        except ContextOverflow:
            if not self.job.history.compact(0):
                raise
            self._note("the prompt was too long for the model; older steps were drawn together")
            return await self._call()

    async def _call(self) -> Reply:
        recorder, step = self.run.recorder, self.step
        stream = StreamRedactor(recorder.redactor)

        def on_text(text: str) -> None:
            if shown := stream.feed(text):
                recorder.emit(ReplyDelta(step=step, text=shown))

        def on_retry(retry: Retry) -> None:
            nonlocal stream
            stream = StreamRedactor(recorder.redactor)
            self._note(f"{retry.reason}; try {retry.attempt + 1} in {retry.wait:.1f} s")

        return await self.job.chat.ask(self.job.history.messages(), on_text=on_text, on_retry=on_retry)

    # --- replies that are not run -------------------------------------------------------------------------------------

    def _reject(self, reply: Reply, parsed: Parsed) -> None:
        self._repairs += 1
        advice = prompts.CUT if reply.cut else prompts.NO_CODE
        self._note("the reply was cut off at the length limit" if reply.cut else "the reply held no code")
        self._end_step("rejected")
        self._tell(reply.text, advice, f"step {self.number}: nothing was run")
        if self._repairs > MAX_REPAIRS:
            raise TaskLimit(f"{self.job.agent} gave {self._repairs} replies in a row that could not be run")

    # --- replies that are run -----------------------------------------------------------------------------------------

    async def _act(self, reply: Reply, parsed: Parsed, code: str) -> Outcome | None:
        job = self.job
        repeats = self.run.repetition.count(job.agent, job.task, code)
        if repeats > MAX_REPEATS:
            self._end_step("rejected")
            raise TaskLimit(f"{job.agent} did the same thing {repeats + 1} times")
        await self.run.control.checkpoint()
        self.run.recorder.emit(ActionStarted(step=self.step))
        sink = StepSink(self.run.recorder, self.step)
        timeout = self.run.within_budget(job.timeout)
        try:
            outcome = await job.place.execute(code, label=self._label(), names=job.names, sink=sink, timeout=timeout)
        except asyncio.CancelledError:
            self._end_step("cancelled", acted=True)
            raise
        self._leftovers |= outcome.tasks
        if outcome.error is not None and job.settle is not None:
            outcome.notes += await job.settle()
        for note in outcome.notes:
            self._note(note)
        status: StepStatus = "failed" if outcome.error is not None else "done"
        self._end_step(status, acted=True, outcome=outcome)
        if not outcome.final:
            self.run.check_time()
        if outcome.final:
            self._tell(reply.text, "Your answer was taken.", f"step {self.number}: gave the answer")
        else:
            self._report(reply.text, parsed, sink, outcome, repeats)
        return outcome

    def _label(self) -> str:
        # the suffix keeps the source lines of different runs apart in tracebacks
        return f"{self.job.agent}, step {self.number} #{uuid.uuid4().hex[:6]}"

    def _report(self, said: str, parsed: Parsed, sink: StepSink, outcome: Outcome, repeats: int) -> None:
        notes = list(outcome.notes)
        if parsed.more:
            notes.append(prompts.ONE_BLOCK)
        text, images = observation(self.number, sink.outputs, outcome, notes, told=self.job.history.says)
        if repeats:
            text += f"\n{prompts.REPEATED}"
        self._failures = self._failures + 1 if outcome.error is not None else 0
        if self._failures >= MAX_FAILURES:
            raise TaskLimit(f"{self.job.agent} failed {self._failures} steps in a row")
        if self._failures >= REPLAN_AFTER:
            text += "\n" + prompts.STALLED.format(count=self._failures)
        self._tell(said, text, step_line(self.number, parsed.thought, outcome.changes, outcome.report), images)

    def _tell(self, said: str, told: str, line: str, images: tuple[bytes, ...] = ()) -> None:
        redact = self.run.recorder.redact
        self.job.history.add(Turn(redact(said) or "(nothing)", redact(told), redact(line), images))

    def _note(self, text: str) -> None:
        self.run.recorder.emit(Noted(step=self.step, text=text))

    def _end_step(
        self, status: StepStatus, *, acted: bool = False, outcome: Outcome | None = None, error: Error | None = None
    ) -> None:
        came = outcome or Outcome(report=error)
        self.run.recorder.emit(
            StepEnded(
                step=self.step, status=status, acted=acted, changes=came.changes, error=came.report, final=came.final
            )
        )
