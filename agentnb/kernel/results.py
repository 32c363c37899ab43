"""How a result is shown, whatever its class does when it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentnb.kernel.action.capture import bundle_of, encoded
from agentnb.kernel.action.interrupt import bounded
from agentnb.record.limits import cut_bundle

SECONDS = 10.0
"""The time that an object has to represent itself."""


@dataclass(frozen=True)
class Shown:
    """A MIME bundle; ``whole`` is False where the object failed to represent itself or where something was left out."""

    data: dict[str, Any]
    whole: bool


def show_result(shell: InteractiveShell, value: Any) -> Shown:
    """Return how ``value`` is shown; one whose representations fail, or never end, is described instead.

    A text is shown as what it says, not as its ``repr``: agents answer with reports in Markdown. Raises nothing.
    """
    errors: list[str] = []
    if isinstance(value, str):
        data: dict[str, Any] = {"text/plain": str(value), "text/markdown": str(value)}
    else:
        data, errors = _formatted(shell, value)
    if "text/plain" not in data:
        data = {**data, "text/plain": f"<{type(value).__name__} that cannot be shown: {'; '.join(errors)}>"}
    cut = cut_bundle(encoded(data))
    return Shown(cut, whole=not errors and cut == encoded(data))


def _formatted(shell: InteractiveShell, value: Any) -> tuple[dict[str, Any], list[str]]:
    errors: list[str] = []
    before = shell.__dict__.get("_showtraceback")
    shell.__dict__["_showtraceback"] = lambda etype, error, stb: errors.append(_said(error, etype))
    try:
        data, _ = bounded(SECONDS, f"the representation of a {type(value).__name__}", lambda: bundle_of(shell, value))
    except BaseException as error:  # of code of the agent's or the user's: also SystemExit must not end the kernel
        errors.append(_said(error, type(error)))
        data = {}
    finally:
        shell.__dict__.pop("_showtraceback", None)
        if before is not None:
            shell.__dict__["_showtraceback"] = before
    return data, errors


def _said(error: object, kind: type) -> str:
    try:
        return f"{kind.__name__}: {error}"[:500]
    except Exception:
        return kind.__name__
