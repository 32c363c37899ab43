"""How an action's error is shown: its own frames, not the host's."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

from agentnb.kernel.action.cell import PREFIX
from agentnb.record.document import Error

_HOST = str(Path(__file__).resolve().parent.parent)


def report(error: BaseException) -> Error:
    """Return the error's name, message and traceback lines, without the frames of agentnb around the agent's code."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=False)
    for part in _chain(shown, set()):
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


def _chain(part: traceback.TracebackException, seen: set[int]) -> Iterator[traceback.TracebackException]:
    if id(part) in seen:
        return
    seen.add(id(part))
    yield part
    for other in (part.__cause__, part.__context__, *(part.exceptions or ())):
        if other is not None:
            yield from _chain(other, seen)
