"""A record as plain cells: the agents' code in the order it ran, without agentnb.

The coordinator's steps become ordinary cells. A specialist's steps become cells that start with ``%%step TASK``: they
are kept, and run in the specialist's own scope when the coordinator's cell calls it, as in the run.
"""

from __future__ import annotations

import re

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from agentnb.record.document import RunRecord, Step, Task
from agentnb.views.notebook_runner import runner_source
from agentnb.views.notebook_source import plain_cell, uses_host
from agentnb.views.outline import StepNode, TaskNode, outline
from agentnb.views.words import one_line, reason


def code_cell(source: str) -> NotebookNode:
    """Give a code cell without outputs."""
    cell: NotebookNode = new_code_cell(source)  # type: ignore[no-untyped-call]
    return cell


def markdown_cell(source: str) -> NotebookNode:
    """Give a markdown cell."""
    cell: NotebookNode = new_markdown_cell(source)  # type: ignore[no-untyped-call]
    return cell


def export_cells(record: RunRecord) -> list[NotebookNode]:
    """Give the cells that do what the run of ``record`` did and bind its result to ``record.result_name``."""
    return _Export(record).cells()


class _Export:
    def __init__(self, record: RunRecord) -> None:
        self.record = record
        self.name = record.result_name if record.result_name.isidentifier() else "agents_run"
        self.tree = outline(record)
        self.handed_out = [node for depth, node in self.tree.walk() if depth > 0]
        self.names = _name_tasks([node.task for node in self.handed_out])
        self.needs_runner = bool(self.handed_out)

    def cells(self) -> list[NotebookNode]:
        body: list[NotebookNode] = []
        for root in self.tree.roots:
            for step in root.steps:
                body += self._step(step)
        head = [markdown_cell(f"**Task**\n\n{_quoted(self.record.task)}")]
        if any(re.search(r"\basyncio\b", cell.source) for cell in body if cell.cell_type == "code"):
            head.append(code_cell("import asyncio"))  # agents' code has the name without an import
        if self.needs_runner:
            head += self._runner()
        if self.record.status != "done":
            why = reason(self.record)
            words = f"The run ended **{self.record.status}**" + (f": {why}" if why else ".")
            body.append(markdown_cell(words))
        return head + body

    def _runner(self) -> list[NotebookNode]:
        tasks = {
            self.names[node.task.id]: {"agent": node.task.agent, "brief": node.task.brief, "gives": _gives(node)}
            for node in self.handed_out
        }
        coordinators = {root.task.agent for root in self.tree.roots}
        specialists = [member.name for member in self.record.roster if member.name not in coordinators]
        specialists += [node.task.agent for node in self.handed_out]
        sources = runner_source(tasks, list(dict.fromkeys(specialists)), _answers(self.record))
        return [code_cell(source) for source in sources]

    def _step(self, node: StepNode) -> list[NotebookNode]:
        step = node.step
        cells = [markdown_cell(step.thought)] if step.thought.strip() else []
        for child in node.tasks:
            cells += self._task(child)
        if not _ran(step):
            return cells
        cell = plain_cell(step.code or "", name=self.name, failed=step.status != "done")
        self.needs_runner = self.needs_runner or cell.needs_runner or uses_host(cell.source)
        return [*cells, code_cell(cell.source)]

    def _task(self, node: TaskNode) -> list[NotebookNode]:
        """Give a handed-out task: the cells to keep, those of its own sub-tasks before the steps that call them."""
        title = f"**{node.task.agent}**: {one_line(node.task.brief, 300)}"
        cells: list[NotebookNode] = [markdown_cell(title)]
        for step in node.steps:
            for child in step.tasks:
                cells += self._task(child)
            if step.step.thought.strip():
                cells.append(markdown_cell(step.step.thought))
            if _ran(step.step):
                mark = "" if step.step.status == "done" else " failed"
                code = (step.step.code or "").strip("\n")
                cells.append(code_cell(f"%%step {self.names[node.task.id]}{mark}\n{code}"))
        for child in node.tasks:
            cells += self._task(child)
        return cells


def _ran(step: Step) -> bool:
    """Tell whether the step's code was run: not if it was refused, or cut short before it started."""
    if not (step.code or "").strip() or step.status in {"rejected", "thinking"}:
        return False
    return step.status == "done" or step.timing.code_started_at is not None


def _name_tasks(tasks: list[Task]) -> dict[str, str]:
    names: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for task in tasks:
        agent = "".join(char if char.isalnum() or char == "_" else "_" for char in task.agent) or "task"
        numbers[agent] = numbers.get(agent, 0) + 1
        names[task.id] = f"{agent}-{numbers[agent]}"
    return names


def _gives(node: TaskNode) -> list[str]:
    """Name the notebook's variables that a specialist's task assigned (one that ran live, or a merged branch)."""
    given = {
        change.name: change.kind
        for step in node.steps
        for change in step.step.changes
        if change.scope == "user" and change.name.isidentifier()
    }
    return [name for name, kind in given.items() if kind in {"added", "rebound"}]


def _answers(record: RunRecord) -> dict[str, str]:
    """Pair each question of an agent with the person's answer; in older records, the next thing said to that agent."""
    answers: dict[str, str] = {}
    for index, question in enumerate(record.messages):
        reply = next((said for said in record.messages[index + 1 :] if said.to == question.sender), None)
        if reply is not None:
            answers.setdefault(question.text, reply.text)
    asked = [request for request in record.requests if request.kind == "question" and request.status == "answered"]
    return answers | {request.text: request.answer for request in asked}


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.strip().splitlines()) or "> (none)"
