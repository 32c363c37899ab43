"""A model's reply to thought and code: prose, then one block between ``<code>`` and ``</code>`` or a python fence."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPEN = re.compile(r"<code>[ \t]*\n?")
_CLOSE_LINE = re.compile(r"^[ \t]*</code>[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^```[ \t]*(?:python|py|ipython|tool_code)?[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_INNER_FENCE = re.compile(r"\A\s*```[ \t]*\w*[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Parsed:
    """``code`` is None where the reply holds none. ``more`` tells that a second block was left out."""

    thought: str
    code: str | None
    more: bool = False


def parse_reply(text: str) -> Parsed:
    """Split a reply into its prose and its code.

    The closing tag is the first that stands on a line of its own, else the last one: code may hold ``</code>`` in a
    string. A block that is not closed reaches to the end (some servers swallow the closing tag as a stop sequence).
    """
    opening = _OPEN.search(text)
    if opening is None:
        return _fenced(text)
    rest = text[opening.end() :]
    closing = _CLOSE_LINE.search(rest)
    if closing is not None:
        code, after = rest[: closing.start()], rest[closing.end() :]
    else:
        code, _, after = rest.rpartition("</code>") if "</code>" in rest else (rest, "", "")
    return Parsed(text[: opening.start()].strip(), _tidy(code), more=_OPEN.search(after) is not None)


def _fenced(text: str) -> Parsed:
    fences = list(_FENCE.finditer(text))
    if not fences:
        return Parsed(text.strip(), None)
    first = fences[0]
    return Parsed(text[: first.start()].strip(), _tidy(first.group(1)), more=len(fences) > 1)


def _tidy(code: str) -> str | None:
    inner = _INNER_FENCE.match(code)
    code = (inner.group(1) if inner else code).strip("\n").rstrip()
    return code if code.strip() else None
