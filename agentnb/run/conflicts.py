"""Two agents that change one variable of the person's at the same time: seen, put in order, told."""

from __future__ import annotations

from collections.abc import Iterable

from agentnb.record.document import Change, RunRecord, Task


class Conflicts:
    """Who changed which of the person's variables in this run."""

    def __init__(self) -> None:
        self._changes: dict[str, list[tuple[float, str, str]]] = {}  # name: when, by which task, in which step

    def note(self, record: RunRecord, task: str, step: str, changes: Iterable[Change], at: float) -> list[str]:
        """Take in what a step changed; return what is to be told of changes by others since its task began.

        Not told are those of tasks that asked for this one, or were asked by it: they know of each other.
        """
        told = []
        tasks = {each.id: each for each in record.tasks}
        own = tasks.get(task)
        for name in [change.name for change in changes if change.scope == "user"]:
            earlier = self._changes.setdefault(name, [])
            others = [(other, place) for when, other, place in earlier if own and _overlaps(own, when, other, tasks)]
            if others:
                agents = {place: tasks[other].agent for other, place in others}
                order = ", then ".join(f"{agent} in step {place}" for place, agent in agents.items())
                told.append(
                    f"conflict: `{name}` was changed by {order}, and now by this step, while both were at work; "
                    "what stands is what this step made of it"
                )
            earlier.append((at, task, step))
        return told


def _overlaps(own: Task, when: float, other: str, tasks: dict[str, Task]) -> bool:
    if other == own.id or other not in tasks or own.started_at is None or when < own.started_at:
        return False
    return other not in _above(own, tasks) and own.id not in _above(tasks[other], tasks)


def _above(task: Task, tasks: dict[str, Task]) -> set[str]:
    found: set[str] = set()
    parent = task.parent
    while parent is not None and parent in tasks and parent not in found:
        found.add(parent)
        parent = tasks[parent].parent
    return found
