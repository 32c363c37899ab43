"""One agent on one task: ask the model, run its code, tell it what came of it, until it gives its answer."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agentnb.errors import AgentnbError, ContextOverflow, Correction, ModelError
from agentnb.kernel.action import guard
from agentnb.kernel.action.children import marked
from agentnb.kernel.branch.away import AwayPlace
from agentnb.kernel.merge import Bundle
from agentnb.kernel.port import Cancelled, Outcome, Place
from agentnb.models import Chat, Reply, Retry
from agentnb.record.document import Error, PlanItem, Request, StepStatus
from agentnb.record.events import ActionStarted, Noted, ReplyDelta, ReplyEnded, StepEnded, StepStarted
from agentnb.record.redact_stream import StreamRedactor
from agentnb.run import prompts
from agentnb.run.approvals.approval import Permit, Refusal, refusal
from agentnb.run.approvals.plan import plan_line, priced, read_plan
from agentnb.run.branches import merge_for_user
from agentnb.run.context import RunContext
from agentnb.run.history import History, Turn
from agentnb.run.observation import observation, step_line
from agentnb.run.parse import Parsed, parse_reply
from agentnb.run.recorder import StepSink

MAX_REPAIRS = 3
"""Replies in a row without code that can be run, after which the task ends."""
MAX_REPEATS = 2
MAX_FAILURES = 8
MAX_DENIALS = 3
"""Times in a row that the person may say no, after which the task ends."""
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
    tools: frozenset[str] = frozenset()
    ask: bool = False  # whether each action is put to the person
    read_only: bool = False
    plan_due: bool = False  # whether nothing runs before the person allowed a plan
    for_user: bool = False  # the person gave it, no other agent
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
    _denials: int = 0
    _planless: int = 0
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

    def _refuse(self, reply: Reply, refusal: Refusal) -> None:
        self._denials += 1
        self._note(refusal.note)
        self._end_step("rejected")
        self._tell(reply.text, refusal.told, f"step {self.number}: {refusal.note}")
        if self._denials >= MAX_DENIALS:
            raise TaskLimit(f"{self.job.agent} was not allowed to go on {self._denials} times in a row")

    async def _plan(self, reply: Reply, code: str) -> bool:
        """Whether the reply is done with: it held the plan, or should have. Nothing of its code is run."""
        try:
            found = read_plan(code)
        except Correction as error:
            self._amend_plan(reply, str(error))
            return True
        if found is None and self.job.plan_due:
            self._amend_plan(reply, "")
            return True
        if found is None:
            return False
        plan, more = found
        told = await self._put_plan(plan) if self.job.plan_due else prompts.PLAN_NOT_ASKED
        if isinstance(told, Refusal):
            self._refuse(reply, told)
            return True
        self._denials, self.job.plan_due = 0, False
        self._end_step("done")
        self._tell(reply.text, told + (prompts.PLAN_ONLY if more else ""), f"step {self.number}: {told}")
        return True

    def _amend_plan(self, reply: Reply, advice: str) -> None:
        self._planless += 1
        self._note("nothing was run: the plan comes first")
        self._end_step("rejected")
        told = prompts.PLAN_FIRST.format(advice=advice).strip() if self.job.plan_due else advice
        self._tell(reply.text, told, f"step {self.number}: nothing was run")
        if self._planless > MAX_REPAIRS:
            raise TaskLimit(f"{self.job.agent} gave no plan in {self._planless} replies")

    async def _put_plan(self, plan: list[PlanItem]) -> str | Refusal:
        job = self.job
        items = priced(plan, job.chat.price)
        text = f"{job.agent} proposes this plan"
        answer = await self.run.ask(
            Request(id="", kind="plan", agent=job.agent, task=job.task, step=self.step, text=text, plan=items)
        )
        if not answer.allowed:
            return refusal(answer, is_plan=True)
        if answer.plan is None:
            return prompts.PLAN_ALLOWED
        lines = "\n".join(f"  {number}. {plan_line(item)}" for number, item in enumerate(answer.plan, 1))
        return prompts.PLAN_EDITED.format(plan=lines)

    # --- replies that are run -----------------------------------------------------------------------------------------

    async def _act(self, reply: Reply, parsed: Parsed, code: str) -> Outcome | None:
        job = self.job
        if await self._plan(reply, code):
            return None
        repeats = self.run.repetition.count(job.agent, job.task, code)
        if repeats > MAX_REPEATS:
            self._end_step("rejected")
            raise TaskLimit(f"{job.agent} did the same thing {repeats + 1} times")
        await self.run.control.checkpoint()
        permit = await self.run.approver.permit(self.run, job, self.step, code)
        if isinstance(permit, Refusal):
            self._refuse(reply, permit)
            return None
        self._denials = 0
        await self.run.control.checkpoint()  # the person may have paused the run while it waited
        sink = StepSink(self.run.recorder, self.step)
        outcome = await self._run_code(permit, sink)
        if outcome.final:
            self._tell(reply.text, "Your answer was taken.", f"step {self.number}: gave the answer")
        else:
            self._report(reply.text, parsed, sink, outcome, repeats, permit.told)
        return outcome

    async def _run_code(self, permit: Permit, sink: StepSink) -> Outcome:
        job = self.job
        if permit.note:
            self._note(permit.note)
        self.run.recorder.emit(ActionStarted(step=self.step))
        outcome = await self._execute(permit, sink)
        self._leftovers |= outcome.tasks
        self.run.processes += outcome.processes
        if outcome.final and job.for_user and isinstance(job.place, AwayPlace) and job.place.bundle is not None:
            await self._bring(job.place.bundle, outcome)
        if outcome.error is not None and job.settle is not None:
            outcome.notes += await job.settle()
        recorder = self.run.recorder
        outcome.notes += self.run.conflicts.note(recorder.record, job.task, self.step, outcome.changes, recorder.now)
        for note in outcome.notes:
            self._note(note)
        status: StepStatus = "failed" if outcome.error is not None else "done"
        self._end_step(status, acted=True, outcome=outcome)
        if not outcome.final:
            self.run.check_time()
        return outcome

    async def _bring(self, bundle: Bundle, outcome: Outcome) -> None:
        """Merge into the person's variables what the branch brings, unless another try of the task is better."""
        verdict = self.run.verdicts.get(self.job.task)
        if verdict is not None and not await verdict(outcome.value):
            return
        bundle.ask = self.job.ask
        with self.run.undo.recorded(self.step) as adopted:
            changes, notes = await merge_for_user(self.run, bundle, self.job.task, adopted)
        outcome.value = bundle.answer
        outcome.changes += changes
        outcome.notes += notes

    async def _execute(self, permit: Permit, sink: StepSink) -> Outcome:
        job, undo = self.job, self.run.undo
        timeout = self.run.within_budget(job.timeout)
        outcome: Outcome | None = None
        undo.begin(self.step)
        try:
            with guard.read_only(permit.read_only), marked(self.run.id):
                outcome = await job.place.execute(
                    permit.code, label=self._label(), names=job.names, sink=sink, timeout=timeout
                )
        except asyncio.CancelledError as stop:
            outcome = stop.outcome if isinstance(stop, Cancelled) else None
            self._end_step("cancelled", acted=True, outcome=outcome)
            raise
        finally:
            undo.end(self.step, outcome.delta if outcome is not None else None)
        return outcome

    def _label(self) -> str:
        # the suffix keeps the source lines of different runs apart in tracebacks
        return f"{self.job.agent}, step {self.number} #{uuid.uuid4().hex[:6]}"

    def _report(
        self, said: str, parsed: Parsed, sink: StepSink, outcome: Outcome, repeats: int, first: str = ""
    ) -> None:
        notes = list(outcome.notes)
        if parsed.more:
            notes.append(prompts.ONE_BLOCK)
        text, images = observation(self.number, sink.outputs, outcome, notes, told=self.job.history.says)
        if first:
            text = f"{first}\n{text}"
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
