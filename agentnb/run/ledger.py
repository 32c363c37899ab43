"""The tasks of a run: who owns which, on what it depends, and how it stands; and whether work repeats itself."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

from agentnb.record.document import Error, Task, TaskStatus
from agentnb.record.events import TaskAdded, TaskChanged
from agentnb.run.recorder import Recorder


class Ledger:
    """The tasks by id, in the order they were given."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._numbers = itertools.count(1)
        self._results: list[tuple[Any, str]] = []  # the objects themselves, so that their ids stay taken
        self._waits: Counter[str] = Counter()

    @property
    def tasks(self) -> list[Task]:
        """All tasks as recorded."""
        return self._recorder.record.tasks

    def number_after(self, tasks: Iterable[Task]) -> None:
        """Number the next tasks after those that were taken over from another run."""
        numbers = [int(task.id[1:]) for task in tasks if task.id[1:].isdigit()]
        self._numbers = itertools.count(max(numbers, default=0) + 1)

    def add(
        self, agent: str, brief: str, *, parent: str | None, step: str | None, depends_on: Iterable[str] = ()
    ) -> str:
        """Enter a task as pending and return its id."""
        task = f"t{next(self._numbers)}"
        self._recorder.emit(
            TaskAdded(
                task=task, agent=agent, brief=brief, parent=parent, parent_step=step, depends_on=sorted(set(depends_on))
            )
        )
        return task

    def move(
        self, task: str, status: TaskStatus, *, result: dict[str, Any] | None = None, error: Error | None = None
    ) -> None:
        """Put a task into another state."""
        self._recorder.emit(TaskChanged(task=task, status=status, result=result, error=error))

    def wait(self, task: str | None) -> None:
        """The task waits for another one or for the person: it is blocked until ``go_on`` was called as often."""
        if task is not None:
            self._waits[task] += 1
            if self._waits[task] == 1:
                self.move(task, "blocked")

    def go_on(self, task: str | None) -> None:
        """What the task waited for is there."""
        if task is not None:
            self._waits[task] -= 1
            if not self._waits[task]:
                self.move(task, "in_progress")

    def keep_result(self, task: str, value: Any) -> None:
        """Remember which task an object came from."""
        if value is not None and not isinstance(value, bool | int | float | str | bytes):
            self._results.append((value, task))

    def origins(self, values: Iterable[Any]) -> list[str]:
        """Return the tasks whose results are among ``values``: what a new task with these arguments depends on."""
        return [task for value in values for result, task in self._results if result is value]


class Repetition:
    """Notices that an agent does again what it did before: the same code for the same task.

    After a repetition the agent is asked for another plan, after ``worker.MAX_REPEATS`` of them the task ends.
    """

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def count(self, agent: str, task: str, code: str) -> int:
        """Return how often this was done before."""
        lines = [line.rstrip() for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        key = hashlib.sha256("\0".join([agent, task, *lines]).encode("utf-8", "replace")).hexdigest()
        self._seen[key] += 1
        return self._seen[key] - 1
