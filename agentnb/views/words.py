"""How figures and states are worded, the same in every view."""

from __future__ import annotations

import re

from agentnb.record.document import Change, Request, RunRecord, Usage

STATE_MARKS: dict[str, str] = {
    "pending": "○",
    "in_progress": "▸",
    "blocked": "⊘",
    "completed": "✓",
    "thinking": "▸",
    "acting": "▸",
    "waiting": "?",
    "open": "?",
    "answered": "✓",
    "allowed": "✓",
    "denied": "✗",
    "expired": "◐",
    "withdrawn": "■",
    "rejected": "✗",
    "running": "▸",
    "paused": "‖",
    "done": "✓",
    "failed": "✗",
    "limit": "◐",
    "cancelled": "■",
    "crashed": "✗",
}
"""One character for each state of runs, tasks, steps and requests."""

_ASKS: dict[str, str] = {
    "question": "asks",
    "action": "wants to run this code",
    "plan": "proposes this plan",
    "merge": "wants to bring these changes into your variables",
}

CHANGE_MARKS: dict[str, str] = {"added": "+", "rebound": "~", "mutated": "~", "deleted": "\u2212"}


def duration(seconds: float | None) -> str:
    """Word a duration: ``340 ms``, ``4.2 s``, ``3 min 05 s``, ``1 h 02 min``; empty for None."""
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def spent(start: float | None, end: float | None) -> str:
    """Word the time from ``start`` to ``end``; empty while one of them is not known."""
    return duration(end - start) if start is not None and end is not None else ""


def count(number: int) -> str:
    """Word a large count: ``950``, ``12.4k``, ``3.1M``."""
    if number < 1000:
        return str(number)
    if number < 999_950:
        return f"{number / 1000:.1f}k"
    return f"{number / 1_000_000:.1f}M"


def plural(number: int, noun: str) -> str:
    """Give ``1 step``, ``2 steps``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def tokens(usage: Usage) -> str:
    """Word the tokens of ``usage``, with ``~`` where they are estimated; empty where there are none."""
    if not usage.tokens:
        return ""
    return f"{'~' if usage.estimated else ''}{count(usage.tokens)} tokens"


def money(usage: Usage) -> str:
    """Word the cost in US dollars; empty where it is not known."""
    if usage.cost is None:
        return ""
    return f"${usage.cost:.2f}" if usage.cost >= 0.1 or usage.cost == 0 else f"${usage.cost:.4f}"


def change(item: Change) -> str:
    """Word a change on one line: ``+ clean: DataFrame 388x10``."""
    mark = CHANGE_MARKS.get(item.kind, "~")
    what = item.after if item.after is not None else ""
    if item.kind in {"rebound", "mutated"} and item.before and item.after and item.before != item.after:
        what = f"{item.before} → {item.after}"
    head = f"{mark} {item.name}" + (" in place" if item.kind == "mutated" else "")
    return f"{head}: {what}" if what else head


def one_line(text: str, width: int) -> str:
    """Squeeze ``text`` into one line of at most ``width`` characters, with an ellipsis where it was cut."""
    line = " ".join(text[: width * 4 + 200].split())
    return line if len(line) <= width else line[: max(0, width - 1)].rstrip() + "…"


def unmarked(text: str) -> str:
    """Drop the commonest marks of Markdown (emphasis, code, headings), for a line that is not rendered."""
    return re.sub(r"\*\*|__|`+|^#+ |(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)", "", text, flags=re.MULTILINE)


def asked(request: Request) -> str:
    """Word what a request asks for, to follow the agent's name: ``wants to run this code``."""
    return _ASKS.get(request.kind, request.kind)


def answered(request: Request) -> str:
    """Word what came of a request: ``allowed by user with changes, for the whole run: fine``."""
    words: str = request.status
    if request.by:
        words += f" by {request.by}"
    if request.edited:
        words += " with changes"
    if request.for_run:
        words += ", for the whole run"
    return f"{words}: {request.answer}" if request.answer else words


def totals(record: RunRecord) -> list[str]:
    """List the figures of a run's head line, with the limits that they are held to; unknown ones are left out."""
    names = {member.name for member in record.roster}
    limits = record.limits
    limited = any(getattr(limits, name) is not None for name in limits.__struct_fields__)
    parts = [
        duration(record.timing.elapsed) + _of(duration(limits.seconds)),
        _tokens_of(record),
        (money(record.usage) or ("$0.00" if limits.money is not None else "")) + _of(_dollars(limits.money)),
        f"budget {record.budget}" if record.budget and not limited else "",
        _agents(record) if limits.agents is not None else plural(len(names), "agent") if names else "",
        plural(len(record.tasks), "task") if len(record.tasks) > 1 else "",
        f"{len(record.steps):,} of {plural(limits.steps, 'step')}"
        if limits.steps is not None
        else plural(len(record.steps), "step")
        if record.steps
        else "",
        "replayed" if record.replayed else "",
        f"goes on from run {record.resumes}" if record.resumes else "",
    ]
    return [part for part in parts if part]


def _of(limit: str) -> str:
    """Word a limit, without the places of a round one that are zero."""
    short = re.sub(r"\.0(?=[kM])| 00 s$", "", limit)
    return f" of {short}" if limit else ""


def _dollars(limit: float | None) -> str:
    return "" if limit is None else f"${limit:.2f}"


def _tokens_of(record: RunRecord) -> str:
    limit = record.limits.tokens
    if limit is None:
        return tokens(record.usage)
    return f"{'~' if record.usage.estimated else ''}{count(record.usage.tokens)}{_of(count(limit))} tokens"


def _agents(record: RunRecord) -> str:
    """Those who were put to work, as the limit counts them: the coordinator too."""
    return f"{len({task.agent for task in record.tasks})} of {plural(record.limits.agents or 0, 'agent')}"


def reason(record: RunRecord) -> str:
    """Say in one sentence why the run did not end ``done``; empty where there is nothing to say."""
    if record.reason:
        return record.reason
    if record.error is not None:
        return f"{record.error.name}: {record.error.message}"
    return ""
