"""A record as a tree: tasks hold steps, a step holds the tasks that its code asked for.

Records may come from anywhere, so links may dangle, cross or run in circles: every task and every step is placed
exactly once, and whatever has no proper place becomes a root.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from agentnb.record.document import RunRecord, Step, Task

MAX_DEPTH = 12
"""Deeper delegations are listed at the top level: views nest, and browsers and people do not go deeper."""


@dataclass
class StepNode:
    """A step with the tasks that its code gave out."""

    step: Step
    tasks: list[TaskNode] = field(default_factory=list)


@dataclass
class TaskNode:
    """A task with its steps in order; ``tasks`` are those whose parent step is not known."""

    task: Task
    steps: list[StepNode] = field(default_factory=list)
    tasks: list[TaskNode] = field(default_factory=list)


@dataclass
class Outline:
    """The roots of the tree: usually one, the coordinator's task."""

    roots: list[TaskNode]

    def walk(self) -> list[tuple[int, TaskNode]]:
        """List all tasks with their depth, each before those below it."""
        found: list[tuple[int, TaskNode]] = []
        stack = [(0, node) for node in reversed(self.roots)]
        while stack:
            depth, node = stack.pop()
            found.append((depth, node))
            below = [child for step in node.steps for child in step.tasks] + node.tasks
            stack.extend((depth + 1, child) for child in reversed(below))
        return found


def outline(record: RunRecord) -> Outline:
    """Arrange the tasks and steps of ``record``; steps of unknown tasks come under a task made up for them."""
    nodes: dict[str, TaskNode] = {}
    for task in record.tasks:
        nodes.setdefault(task.id, TaskNode(task))
    steps: dict[str, StepNode] = {}
    for step in record.steps:
        home = nodes.get(step.task)
        if home is None:
            home = nodes[step.task] = TaskNode(Task(id=step.task, agent=step.agent, brief="", status="pending"))
        node = StepNode(step)
        steps.setdefault(step.id, node)
        home.steps.append(node)
    return Outline(_place(nodes, steps))


def _place(nodes: dict[str, TaskNode], steps: dict[str, StepNode]) -> list[TaskNode]:
    below: dict[str | None, list[str]] = {}
    for name, node in nodes.items():
        below.setdefault(_owner(node.task, nodes, steps), []).append(name)
    roots: list[TaskNode] = []
    depths: dict[str, int] = {}
    for start in [*below.get(None, []), *nodes]:  # the second part finds circles, which no root leads to
        if start in depths:
            continue
        roots.append(nodes[start])
        depths[start] = 0
        queue = deque([start])
        while queue:
            parent = queue.popleft()
            for name in below.get(parent, []):
                if name in depths:
                    continue
                depths[name] = (depths[parent] + 1) % MAX_DEPTH
                queue.append(name)
                siblings = _siblings(nodes[name], nodes[parent], steps) if depths[name] else roots
                siblings.append(nodes[name])
    return roots


def _siblings(node: TaskNode, parent: TaskNode, steps: dict[str, StepNode]) -> list[TaskNode]:
    step = steps.get(node.task.parent_step or "")
    return step.tasks if step is not None and step.step.task == parent.task.id else parent.tasks


def _owner(task: Task, nodes: dict[str, TaskNode], steps: dict[str, StepNode]) -> str | None:
    step = steps.get(task.parent_step or "")
    parent = step.step.task if step is not None else task.parent
    return parent if parent is not None and parent in nodes and parent != task.id else None
