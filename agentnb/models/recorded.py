"""Replay: the replies of a recorded run in the place of a model's.

Each recorded task is a lane of its own, so the replay is the same however parallel tasks interleave.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Iterable, Sequence

from agentnb.errors import PermanentModelError, RecordError
from agentnb.models.port import Message, Reply, Retry
from agentnb.models.prices import Price
from agentnb.record.document import RunRecord, Step, Task, Usage

_WITHOUT_CODE = frozenset({"rejected"})
_AROUND = 30


class RecordedChat:
    """``Chat`` that plays the replies of one recorded task in order; ``task`` is that task's id in the record."""

    def __init__(self, task: Task, replies: Sequence[str]) -> None:
        self.model_id = "recorded"
        self.price: Price | None = None
        self.task = task.id
        self._agent = task.agent
        self._left = list(reversed(replies))

    async def ask(
        self,
        messages: Sequence[Message],
        *,
        on_text: Callable[[str], None],
        on_retry: Callable[[Retry], None],
    ) -> Reply:
        """Return the next recorded reply; what is asked does not matter.

        Raises ``PermanentModelError`` when there is none left.
        """
        await asyncio.sleep(0)
        if not self._left:
            raise PermanentModelError(
                f"The recording has no further reply for {self._agent!r}: the run took another course than the "
                "recorded one; run the cell without --replay to ask a model."
            )
        text = self._left.pop()
        on_text(text)
        return Reply(text, Usage(calls=0))


class RecordedModels:
    """The recorded replies of ``record``, task by task; ``drifts`` tells in sentences where today's tasks differ."""

    def __init__(self, record: RunRecord) -> None:
        self.drifts: list[str] = []
        self._tasks = list(record.tasks)
        self._used: set[str] = set()
        self._steps: dict[str, list[Step]] = {}
        for step in record.steps:
            self._steps.setdefault(step.task, []).append(step)

    def chat(self, agent: str, brief: str, parent: str | None) -> RecordedChat:
        """Open the lane of a task that ``agent`` was given.

        ``parent`` is the recorded id of the task whose code asked for it (``RecordedChat.task``), None for the first.
        The recorded task is the first unused one of the same parent, agent and brief, else the one with the nearest
        brief, which is noted in ``drifts``. Raises ``RecordError`` where there is none.
        """
        lanes = [task for task in self._tasks if (task.parent, task.agent) == (parent, agent)]
        free = [task for task in lanes if task.id not in self._used]
        task = next((task for task in free if task.brief == brief), None)
        if task is None:
            if not free:
                raise RecordError(self._nothing_for(agent, brief, lanes))
            task = _nearest(brief, free)
            self.drifts.append(f"{agent}: {_difference(task.brief, brief)}")
        self._used.add(task.id)
        steps = sorted(self._steps.get(task.id, []), key=lambda step: step.number)
        return RecordedChat(task, [reply_of(step) for step in steps if _was_answered(step)])

    def _nothing_for(self, agent: str, brief: str, lanes: Sequence[Task]) -> str:
        asked = f"The recording has no task for {agent!r} here that begins {_short(brief)}"
        pool = lanes or [task for task in self._tasks if task.agent == agent] or self._tasks
        if not pool:
            return f"{asked}: it holds no tasks at all; run the cell without --replay to record it."
        near = _nearest(brief, pool)
        used = "already replayed" if near.id in self._used else "under another parent"
        return (
            f"{asked}; the nearest is {near.agent!r} with {_short(near.brief)} ({used}). "
            "Run the cell without --replay to record it anew."
        )


def reply_of(step: Step) -> str:
    """Return the model's reply as it was: the thought and, where it had code that was let run, the code block."""
    if step.code is None or step.status in _WITHOUT_CODE:
        return step.thought
    return f"{step.thought}\n<code>\n{step.code}\n</code>"


def _was_answered(step: Step) -> bool:
    return bool(step.thought or step.code is not None or step.timing.replied_at is not None)


def _nearest(brief: str, tasks: Iterable[Task]) -> Task:
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(brief)

    def nearness(task: Task) -> float:
        matcher.set_seq1(task.brief)
        return matcher.ratio()

    return max(tasks, key=nearness)


def _difference(recorded: str, now: str) -> str:
    """Tell in one sentence where two briefs begin to differ."""
    pairs = zip(recorded, now, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(recorded), len(now)))
    start = max(0, at - _AROUND)
    end = at + _AROUND
    return (
        f"the task differs from the recorded one at character {at}: {recorded[start:end]!r} is now {now[start:end]!r}"
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else f"{line[:60]}…")
