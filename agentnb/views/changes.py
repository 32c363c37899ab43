"""Changes of variables as text: one line each, what is known in more detail below it."""

from __future__ import annotations

from collections.abc import Iterable

from agentnb.record.document import Change

WORDS = {"added": "new", "rebound": "rebound", "mutated": "changed", "deleted": "deleted"}


class Changes(list[Change]):
    """A list of changes that reads well at a prompt; ``str`` of it is what ``%agents changes`` prints."""

    def __str__(self) -> str:
        return changes_text(self) or "no variable of yours was changed"

    __repr__ = __str__


def changes_text(changes: Iterable[Change]) -> str:
    """Return ``changed df: DataFrame 3 × 2: a int64 → ...`` for each, with its details; empty where there are none."""
    return "\n".join(line for change in changes for line in change_lines(change))


def change_lines(change: Change) -> list[str]:
    """Return a change as lines of text, the first one about the variable as a whole."""
    before = change.before if change.before != change.after else None
    shown = " → ".join(filter(None, (before, change.after)))
    head = f"{WORDS[change.kind]:<8} {change.name}: {shown}"
    return [head, *(f"{'':<8}   {line}" for line in change.detail)]
