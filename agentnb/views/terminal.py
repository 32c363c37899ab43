"""A record in the terminal, with rich: once (``agentnb show``) or live, while a run goes on."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from agentnb.record.document import RunRecord, Step
from agentnb.views.outline import StepNode, TaskNode, outline
from agentnb.views.outputs_html import cut, joined
from agentnb.views.text import printable
from agentnb.views.words import STATE_MARKS, change, one_line, plural, reason, spent, tokens, totals, unmarked

_STYLES = {
    "done": "green",
    "completed": "green",
    "failed": "red",
    "crashed": "red",
    "rejected": "red",
    "limit": "yellow",
    "blocked": "yellow",
    "running": "blue",
    "in_progress": "blue",
    "thinking": "blue",
    "acting": "blue",
    "paused": "magenta",
    "waiting": "magenta",
}
_CHANGE_STYLES = {"added": "green", "rebound": "blue", "mutated": "yellow", "deleted": "red"}
_MAX_STEPS = 40


def render_rich(record: RunRecord, *, code: bool = True) -> RenderableType:
    """Give ``record`` as a rich renderable: state, result, team, tree of the work; ``code`` adds the steps' code.

    Without it, what changed in the agents' own scopes is left out too.
    """
    parts: list[RenderableType] = [_head(record)]
    if record.result:
        parts += [Text(""), Text("Result", style="bold"), Padding(_result(record.result), (0, 0, 0, 2))]
    if len(record.roster) > 1:
        parts += [Text(""), _team(record)]
    if record.tasks or record.steps:
        tree = Tree(Text("Work", style="bold"), guide_style="dim")
        for node in outline(record).roots:
            _grow(tree, node, code=code, results=record.result is None)
        parts += [Text(""), tree]
    return Group(*parts)


class RunProgress:
    """Shows a run in the terminal while it goes on; a context manager that is fed records by ``update``."""

    def __init__(self, console: Console | None = None) -> None:
        """``console`` is where to draw; default is standard error, so that standard output stays for results."""
        self._live = Live(console=console or Console(stderr=True), refresh_per_second=8, transient=True)

    def __enter__(self) -> RunProgress:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._live.stop()

    def update(self, record: RunRecord) -> None:
        """Draw the state of ``record``: its head line, and what every agent at work is doing."""
        self._live.update(progress(record))


def progress(record: RunRecord) -> RenderableType:
    """Give the few lines that show where a run stands: its head, and a line for each task at work."""
    newest: dict[str, Step] = {step.task: step for step in record.steps}
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    at_work = [task for task in record.tasks if task.status == "in_progress"]
    for task in at_work[:16]:
        step = newest.get(task.id)
        doing = (
            {"thinking": "asking the model", "waiting": "waits for you", "acting": "running code"}.get(step.status, "")
            if step
            else ""
        )
        number = f"step {step.number}" if step else ""
        words = " · ".join(part for part in (number, doing, _line(task.brief, 70)) if part)
        table.add_row(_mark(task.status), Text(_line(task.agent, 24), style="bold"), Text(words))
    left = [Text(f"  and {plural(len(at_work) - 16, 'task')} more", style="dim")] if len(at_work) > 16 else []
    return Group(_head(record), Padding(table, (0, 0, 0, 2)), *left)


def _head(record: RunRecord) -> RenderableType:
    style = _STYLES.get(record.status, "white")
    head = Text.assemble(
        (f" {STATE_MARKS.get(record.status, '')} {record.status} ", f"bold reverse {style}"),
        " ",
        (_line(record.task, 200) or "(no task)", "bold"),
    )
    parts: list[RenderableType] = [head]
    why = reason(record)
    if why and record.status != "done":
        parts.append(Text(_line(why, 1_000), style=style))
    parts.append(Text(_line(" · ".join(totals(record)), 200), style="dim"))
    return Group(*parts)


def _result(bundle: dict[str, Any]) -> RenderableType:
    if "text/markdown" in bundle:
        return Markdown(printable(cut(joined(bundle["text/markdown"]), 6_000)), hyperlinks=False)
    return Text(printable(cut(joined(bundle.get("text/plain")), 6_000)))


def _team(record: RunRecord) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", title_justify="left")
    for column in ("agent", "role", "model", "runs in"):
        table.add_column(column)
    for member in record.roster[:40]:
        cells = (Text(_line(text, 80)) for text in (member.role, member.model, member.mode))
        table.add_row(Text(_line(member.name, 40), style="bold"), *cells)
    return table


def _grow(tree: Tree, node: TaskNode, *, code: bool, results: bool) -> None:
    """Add a task; with ``results`` also what came of those below the request, for the run itself has none."""
    task = node.task
    facts = " · ".join(part for part in (spent(task.started_at, task.ended_at), tokens(task.usage)) if part)
    head = Text.assemble(
        _mark(task.status), " ", (_line(task.agent, 40), "bold"), " ", _line(task.brief, 120), " ", (facts, "dim")
    )
    branch = tree.add(head)
    if len(node.steps) > _MAX_STEPS:
        branch.add(Text(f"… {plural(len(node.steps) - _MAX_STEPS, 'step')} before these", style="dim"))
    for step in node.steps[-_MAX_STEPS:]:
        _grow_step(branch, step, code=code, results=results)
    for child in node.tasks:
        _grow(branch, child, code=code, results=results)
    if results and task.parent is not None and task.result:
        branch.add(Text(_line(f"gave {joined(task.result.get('text/plain'))}", 300), style=_STYLES["completed"]))
    if task.error is not None and not any(step.step.error for step in node.steps[-1:]):
        branch.add(Text(_line(f"{task.error.name}: {task.error.message}", 300), style="red"))


def _grow_step(tree: Tree, node: StepNode, *, code: bool, results: bool) -> None:
    step = node.step
    branch = tree.add(
        Text.assemble(
            _mark(step.status),
            f" {step.number}. ",
            "(undone) " if step.undone else "",
            _line(unmarked(step.thought), 200),
        )
    )
    if code and step.code:
        source = printable(cut(step.code, 3_000))
        branch.add(Syntax(source, "python", theme="ansi_dark", background_color="default", word_wrap=True))
    for child in node.tasks:
        _grow(branch, child, code=code, results=results)
    changes = step.changes if code else [item for item in step.changes if item.scope == "user"]
    for item in changes[:20]:
        branch.add(Text(_line(change(item), 160), style=_CHANGE_STYLES.get(item.kind, "")))
    for note in step.notes[:5]:
        branch.add(Text(_line(note, 200), style="dim"))
    if step.error is not None:
        branch.add(Text(_line(f"{step.error.name}: {step.error.message}", 300), style="red"))


def _mark(status: str) -> Text:
    return Text(STATE_MARKS.get(status, "·"), style=_STYLES.get(status, "dim"))


def _line(text: str, width: int) -> str:
    return one_line(printable(text), width)
