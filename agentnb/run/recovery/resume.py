"""Going on from a crashed run: its conversation, ledger and spending in a new run, its code again only where agreed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from agentnb.errors import RecordError
from agentnb.models import Chat, RecordedModels, ResumedChat
from agentnb.record.document import RunRecord, Step, Task
from agentnb.record.events import (
    Answered,
    AnyEvent,
    BudgetChanged,
    ReplyDelta,
    RunEnded,
    RunStarted,
    RunStatusChanged,
    Said,
    StepEnded,
    TaskChanged,
)
from agentnb.run.budget import Meter
from agentnb.run.context import Models, RunContext
from agentnb.run.crew import Memory
from agentnb.run.history import History
from agentnb.run.recovery.crash import Crash, Rerun, is_finished, is_open
from agentnb.run.recovery.retell import interruption, letter, turns


class ResumedModels:
    """Conversations that play the recorded steps of their task first, as long as the task that asked does so too."""

    def __init__(self, live: Models, record: RunRecord) -> None:
        self._live, self._recorded = live, RecordedModels(record)
        self._steps = record.steps
        self.chats: dict[str, ResumedChat] = {}

    def open(self, spec: Any, agent: str, brief: str, lane: str | None) -> tuple[Chat, str | None]:
        """Open the recorded lane of this task with a model behind it; a task without one has the model alone."""
        chat, _ = self._live.open(spec, agent, brief, None)
        if lane is not None and not self.chats[lane].playing:
            return chat, None
        try:
            found = self._recorded.chat(agent, brief, lane).task
        except RecordError:
            if lane is not None:
                self._recorded.drifts.append(f"{agent}: no such task was recorded here, so a model does it")
            return chat, None
        steps = [step for step in self._steps if step.task == found]
        self.chats[found] = resumed = ResumedChat(steps, chat)
        return resumed, found

    @property
    def drifts(self) -> list[str]:
        """Where the tasks differ from the recorded ones."""
        return self._recorded.drifts

    def label(self, spec: Any) -> str:
        """The name of the model that goes on."""
        return self._live.label(spec)

    def is_priced(self, spec: Any) -> bool:
        """Whether it is known what the model that goes on costs."""
        return self._live.is_priced(spec)


class Resumption:
    """What a new run takes over from a crashed one; see ``Team.resume`` for the ways.

    Where no code runs again, the events of the crashed run become the first ones of the new run, and the agents are
    told their conversations from there. Otherwise the new run makes both anew, by the recorded replies.
    """

    def __init__(self, crash: Crash, rerun: Rerun) -> None:
        self.crash, self.rerun = crash, rerun
        self._told: set[str] = set()
        self._roots = {task.agent: task for task in crash.roots}
        self._interrupted: dict[str, list[Task]] = {}
        again = {step.task for step in crash.played(rerun)}
        for task in crash.record.tasks:
            if task.parent is not None and is_open(task) and task.id not in again:
                self._interrupted.setdefault(task.agent, []).append(task)

    def memory(self) -> Memory:
        """Return what the team remembers: briefs of completed tasks that are not done again."""
        again = {step.task for step in self.crash.played(self.rerun)}
        tasks = [task for task in self.crash.record.tasks if task.status == "completed" and task.id not in again]
        memory = Memory()
        for task in tasks:
            memory.past.setdefault(task.agent, []).append(" ".join(task.brief.split())[:200])
        return memory

    # --- into the new run ---------------------------------------------------------------------------------------------

    def prepare(self, context: RunContext) -> None:
        """Put recorded replies before the models where code runs again, and count what else was spent."""
        context.resumption = self
        self._context = context
        played = self.crash.played(self.rerun)
        again = {step.id for step in played}
        _spend(context.meter, [step for step in self.crash.record.steps if step.id not in again])
        if self.rerun == "no":
            return
        tasks = {step.task for step in played} | {task.id for task in self.crash.roots}
        recording = copy.copy(self.crash.record)
        recording.steps, recording.tasks = played, [task for task in recording.tasks if task.id in tasks]
        context.models, context.recording = ResumedModels(context.models, recording), recording

    def begin(self) -> None:
        """Take the old events over, once the new run has its first one; the clock goes on where the old one stopped."""
        recorder, record = self._context.recorder, self.crash.record
        recorder.carry([] if self.rerun != "no" else list(_carried(self.crash)), record.timing.elapsed)
        self._context.ledger.number_after(recorder.record.tasks)
        how = {
            "no": "nothing was run again, the variables are as they are",
            "finished": "the code of its finished steps is run again first",
            "all": "the code of its steps is run again first, the interrupted ones too",
        }
        said = f"this run goes on from run {record.run_id}, which crashed; {how[self.rerun]}"
        recorder.emit(Said(sender="agentnb", to="user", text=said))

    # --- into the agents' conversations -------------------------------------------------------------------------------

    def task(self, agent: str) -> str | None:
        """Return the task of the person's that ``agent`` has in hand already."""
        root = self._root(agent)
        return root.id if root is not None and self.rerun == "no" else None

    def _root(self, agent: str) -> Task | None:
        if self.crash.led and agent not in self._roots:  # the coordinator may have another name by now
            return next(iter(self._roots.values()))
        return self._roots.get(agent)

    def take_up(self, history: History, agent: str, task: str) -> int:
        """Tell an agent what it had said and done; return the number of the task's last step so far."""
        root = next((each for each in self._roots.values() if each.id == task and self.rerun == "no"), None)
        if root is not None:
            steps = self.crash.steps_of(root.id)
            self._tell(history, root)
            return max((step.number for step in steps), default=0)
        if self._interrupted.get(agent) and self._context.lanes.get(task) is None:
            before = self._interrupted[agent].pop(0)
            self._tell(history, before)
            history.tell(self._redact(interruption(self.crash, before)))
        return 0

    def letters(self, task: str) -> list[str]:
        """Return what is to be told with a task's next step: once, where it goes on beyond what was recorded."""
        old = self._goes_on(task)
        if old is None or task in self._told:
            return []
        self._told.add(task)
        return [letter(self.crash, old, self.rerun)]

    def _goes_on(self, task: str) -> Task | None:
        """Return the recorded task that ``task`` is, where all that was recorded of it is known to its agent."""
        if self.rerun == "no":
            return next((root for root in self._roots.values() if root.id == task), None)
        lane = self._context.lanes.get(task)
        models = self._context.models
        if lane is None or not isinstance(models, ResumedModels) or not models.chats[lane].over:
            return None
        return next((old for old in self.crash.record.tasks if old.id == lane), None)

    def _tell(self, history: History, task: Task) -> None:
        for turn in turns(self.crash.steps_of(task.id)):
            history.add(turn)

    def _redact(self, text: str) -> str:
        return self._context.recorder.redact(text)


def _spend(meter: Meter, steps: Sequence[Step]) -> None:
    for step in steps:
        meter.usage.add(step.usage)
        meter.agents.add(step.agent)
    meter.steps += len(steps)


def _carried(crash: Crash) -> Iterator[AnyEvent]:
    """Yield the crashed run's events between its first and last, and an end for all that was open but the request."""
    record, end = crash.record, crash.record.timing.elapsed
    for event in crash.events:
        if not isinstance(event, RunStarted | RunEnded | RunStatusChanged | BudgetChanged | ReplyDelta):
            yield event
    for request in record.requests:
        if request.status == "open":
            yield Answered(at=end, request=request.id, status="withdrawn", by="agentnb")
    for step in record.steps:
        if not is_finished(step):
            acted = step.timing.code_started_at is not None
            yield StepEnded(at=end, step=step.id, status="cancelled", acted=acted)
    for task in record.tasks:
        if task.parent is not None and is_open(task):
            yield TaskChanged(at=end, task=task.id, status="cancelled")
