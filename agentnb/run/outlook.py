"""What a run that was cut short had finished, and what it left open, in a sentence."""

from __future__ import annotations

from agentnb.record.document import RunRecord, Task

_SHOWN = 5


def outlook(record: RunRecord) -> str:
    """Return for instance ``finished: ingest; open: reporter (draw the chart)``."""
    handed_out = [task for task in record.tasks if task.parent is not None]
    finished = [task.agent for task in handed_out if task.status == "completed"]
    left = [task for task in handed_out if task.status not in ("completed", "failed")]
    if not finished and not left:
        steps = len(record.steps)
        return f"the task is open after {steps} step{'' if steps == 1 else 's'}"
    parts = [f"finished: {_listed(finished)}"] if finished else []
    parts.append(f"open: {_listed([_shown(task) for task in left]) if left else 'the answer itself'}")
    return "; ".join(parts)


def _shown(task: Task) -> str:
    brief = " ".join(task.brief.split())
    return f"{task.agent} ({brief if len(brief) <= 60 else brief[:59] + '…'})"


def _listed(items: list[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else "")
