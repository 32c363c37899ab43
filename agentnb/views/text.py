"""A record as plain text: what a terminal, a diff or a reader without HTML gets. No colours, no control characters."""

from __future__ import annotations

import textwrap
import unicodedata

from agentnb.record.document import Request, RunRecord, Step
from agentnb.views.outline import StepNode, TaskNode, outline
from agentnb.views.outputs_html import cut, joined
from agentnb.views.safe_html import plain
from agentnb.views.words import (
    STATE_MARKS,
    answered,
    asked,
    change,
    duration,
    one_line,
    plural,
    reason,
    spent,
    tokens,
    totals,
    unmarked,
)

_MAX_STEPS = 60
"""Steps listed for one task: the first few and the newest."""

_MAX_LINES = 600


def render_text(record: RunRecord, *, width: int = 100) -> str:
    """Give ``record`` as a readable tree: state, result, team, tasks and steps in a line each, totals.

    ``width`` is in characters; only the result may be wider. Ends without a line break.
    """
    width = max(40, width)
    lines = [*_head(record, width), *_requests(record, width), *_result(record)]
    lines += [*_team(record, width), *_work(record, width)]
    return printable("\n".join(line.rstrip() for line in lines))


def printable(text: str) -> str:
    """Strip ``text`` of escape sequences and of every control character but tabs and line breaks."""
    return "".join(char for char in plain(text) if char in "\n\t" or unicodedata.category(char) != "Cc")


def _head(record: RunRecord, width: int) -> list[str]:
    mark = STATE_MARKS.get(record.status, "")
    first = f"{mark} {record.status}: {one_line(record.task, 10_000) or '(no task)'}"
    lines = textwrap.wrap(first, width, subsequent_indent="  ", max_lines=4, placeholder=" …")
    why = reason(record)
    if why and record.status != "done":
        lines += textwrap.wrap(one_line(plain(why), 1_000), width, initial_indent="  ", subsequent_indent="  ")
    return [*lines, "  " + " · ".join(totals(record))]


def _requests(record: RunRecord, width: int) -> list[str]:
    """What waits for the person, in full; what was answered, a line each."""
    waiting = [request for request in record.requests if request.status == "open"]
    over = [request for request in record.requests if request.status != "open"]
    lines = ["", "Waits for you"] if waiting else []
    for request in waiting[:20]:
        lines.append("  " + one_line(f"{STATE_MARKS['open']} {_asks(request)}", width - 2))
        below = cut(request.code, 2_000).split("\n") if request.code else []
        below += [f"{item.agent}: {item.brief}" for item in request.plan[:20]]
        below += [change(item) for item in request.changes[:20]]
        lines += [f"      {line[: width - 6]}" for line in below]
    lines += ["", "Asked"] if over else []
    for request in over[-20:]:
        mark = STATE_MARKS.get(request.status, "")
        lines.append("  " + one_line(f"{mark} {one_line(_asks(request), 60)} · {answered(request)}", width - 2))
    return lines


def _asks(request: Request) -> str:
    if request.text.startswith(request.agent):  # a sentence of its own, but for questions and older records
        return request.text
    return f"{request.agent} {asked(request)}" + (f": {request.text}" if request.text else "")


def _result(record: RunRecord) -> list[str]:
    if not record.result:
        return []
    text = joined(record.result.get("text/plain") or record.result.get("text/markdown"))
    if not text:
        text = "(" + ", ".join(record.result) + ")"
    name = f" ({record.result_name})" if record.result_name else ""
    return ["", f"Result{name}", *("  " + line for line in cut(text, 6_000).split("\n"))]


def _team(record: RunRecord, width: int) -> list[str]:
    if len(record.roster) < 2:
        return []
    lines = ["", "Team"]
    for member in record.roster[:40]:
        facts = [member.role, member.model, member.mode]
        if member.joined_at > 0.05:
            facts.append(f"hired at {duration(member.joined_at)}")
        if member.left_at is not None:
            facts.append(f"dismissed at {duration(member.left_at)}")
        lines.append(one_line(f"{member.name}: {' · '.join(fact for fact in facts if fact)}", width - 2))
    return [*lines[:2], *("  " + line for line in lines[2:])]


def _work(record: RunRecord, width: int) -> list[str]:
    lines: list[str] = []
    for node in outline(record).roots:
        lines += _task(node, "  ", width)
    if not lines:
        return []
    if len(lines) > _MAX_LINES:
        left = len(lines) - _MAX_LINES
        lines = [*lines[: _MAX_LINES // 2], f"  … {plural(left, 'line')} …", *lines[-_MAX_LINES // 2 :]]
    return ["", "Work", *lines]


def _task(node: TaskNode, indent: str, width: int) -> list[str]:
    task = node.task
    facts = ", ".join(part for part in (spent(task.started_at, task.ended_at), tokens(task.usage)) if part)
    head = f"{STATE_MARKS.get(task.status, '')} {task.agent}" + (f" ({facts})" if facts else "")
    brief = f": {task.brief}" if task.brief else ""
    lines = [indent + one_line(head + brief, width - len(indent))]
    skipped = max(0, len(node.steps) - _MAX_STEPS)
    for index, step in enumerate(node.steps):
        if skipped and 5 <= index < 5 + skipped:
            if index == 5:
                lines.append(f"{indent}  … {plural(skipped, 'step')} …")
            continue
        lines += _step(step, indent + "  ", width)
    for child in node.tasks:
        lines += _task(child, indent + "  ", width)
    if task.error is not None and not any(step.step.error for step in node.steps[-1:]):
        lines.append(
            indent + "  " + one_line(f"{task.error.name}: {plain(task.error.message)}", width - len(indent) - 2)
        )
    return lines


def _step(node: StepNode, indent: str, width: int) -> list[str]:
    step = node.step
    undone = "(undone) " if step.undone else ""
    head = f"{STATE_MARKS.get(step.status, '')} {step.number}. {undone}{_gist(step)}"
    room = width - len(indent) - 3
    lines = [indent + one_line(head, width - len(indent))]
    for child in node.tasks:
        lines += _task(child, indent + "   ", width)
    below = [line for item in step.changes[:12] for line in (change(item), *(f"· {each}" for each in item.detail[:6]))]
    if len(step.changes) > 12:
        below.append(f"{len(step.changes) - 12} more changes")
    below += [f"note: {note}" for note in step.notes[:5]]
    if step.error is not None:
        below.append(f"{step.error.name}: {plain(step.error.message)}")
    return [*lines, *(f"{indent}   {one_line(line, room)}" for line in below)]


def _gist(step: Step) -> str:
    words = unmarked(step.thought) or next((line for line in (step.code or "").splitlines() if line.strip()), "")
    if words:
        return words
    return {"thinking": "asking the model", "waiting": "waits for you", "acting": "running"}.get(
        step.status, step.status
    )
