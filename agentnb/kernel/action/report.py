"""How an action's error is shown: its own frames, not the host's."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from agentnb.kernel.action.cell import PREFIX
from agentnb.record.document import Error

_Part = TypeVar("_Part", BaseException, traceback.TracebackException)

_ENDS = 1000
"""Frames at either end of a traceback that are looked at; where a recursion limit was lifted, there may be millions."""
_MOST_CHAINED = 100
_HOST = str(Path(__file__).resolve().parent.parent)


def report(error: BaseException) -> Error:
    """Return the error's name, message and traceback lines, without the frames of agentnb around the agent's code."""
    for each in islice(_chain(error), _MOST_CHAINED):
        each.__traceback__ = _cut(each.__traceback__)
    shown = traceback.TracebackException.from_exception(error, capture_locals=False)
    for part in _chain(shown):
        frames = [frame for frame in part.stack if not _is_host(frame.filename)]
        if isinstance(error, SyntaxError) and not any(frame.filename.startswith(PREFIX) for frame in frames):
            frames = []  # it did not compile: no code of the agent's ran, the compiler's own frames tell nothing
        part.stack = traceback.StackSummary.from_list(frames)
    lines = "".join(shown.format()).splitlines()
    return Error(name=type(error).__name__, message=_message(error), traceback=lines)


def _message(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # a class of the agent's own whose __str__ fails
        return type(error).__name__


def _is_host(filename: str) -> bool:
    return filename.startswith(_HOST)


def _cut(trace: TracebackType | None) -> TracebackType | None:
    nodes = []
    node = trace
    while node is not None:
        nodes.append(node)
        node = node.tb_next
    if len(nodes) <= 2 * _ENDS:
        return trace
    cut = nodes[-_ENDS]
    for node in reversed(nodes[:_ENDS]):
        cut = TracebackType(cut, node.tb_frame, node.tb_lasti, node.tb_lineno)
    return cut


def _chain(part: _Part) -> Iterator[_Part]:
    """Yield an exception, or how it is shown, and those that led to it."""
    todo, seen = [part], set[int]()
    while todo:
        part = todo.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield part
            others = (part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ()))
            todo += [other for other in others if other is not None]
