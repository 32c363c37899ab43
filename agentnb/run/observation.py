"""What a model is told after its code ran: outputs, value, changes, error; cut at head and tail, never twice."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from agentnb.kernel.namespace.digest import digest_changes
from agentnb.kernel.port import Outcome
from agentnb.record.document import Change, Error
from agentnb.record.limits import cut_text
from agentnb.run.prompts import as_data

OUTPUT_LIMIT = 6_000
"""Characters of all outputs of a step together that a model is told."""
TRACEBACK_LIMIT = 1_500
MAX_IMAGES = 4
_PREFERRED = ("text/markdown", "text/latex", "text/plain", "application/json")


def observation(
    number: int,
    outputs: Sequence[dict[str, Any]],
    outcome: Outcome,
    notes: Sequence[str] = (),
    told: Callable[[str], bool] = lambda text: False,
) -> tuple[str, tuple[bytes, ...]]:
    """Return the text for the model and the PNG images that go with it.

    ``told`` says whether a text stands in the conversation already; a table's columns are told once.
    """
    images = [image for output in outputs if (image := _image(output)) is not None]
    shown = text_of_outputs(outputs)
    parts = [f"Step {number}:"]
    if shown:
        parts.append(as_data("output", cut_text(shown.rstrip(), limit=OUTPUT_LIMIT)))
    elif outcome.report is None:
        parts.append("It ran and printed nothing.")
    if outcome.changes:
        parts.append(f"Changed: {digest_changes(outcome.changes, told=told)}")
    if outcome.report is not None:
        parts.append(f"It failed:\n{as_data('error', _error(outcome.report))}")
    parts += [f"Note: {note}." for note in notes]
    return "\n".join(parts), tuple(images[:MAX_IMAGES])


def step_line(number: int, thought: str, changes: Sequence[Change], report: Error | None) -> str:
    """Return the one line that may stand for a step when its conversation is drawn together."""
    changed = ", ".join(change.name for change in changes)
    came = f"failed: {report.message}" if report else f"changed {changed}" if changed else "done"
    return f"step {number}: {thought[:90]} ({came})"


def text_of_outputs(outputs: Sequence[dict[str, Any]]) -> str:
    """Return what outputs say as text."""
    return "\n".join(filter(None, map(_text, outputs)))


def _text(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return str(output["text"]).rstrip("\n")
    data = output.get("data", {})
    if any(mime.startswith("image/") for mime in data):
        return f"[a figure, shown to the person: {data.get('text/plain', 'image')}]"
    plain = next((str(data[mime]) for mime in ("text/plain", *_PREFERRED) if mime in data), "")
    for mime in _PREFERRED:
        if mime in data and mime != "text/plain" and plain.startswith("<IPython."):
            return str(data[mime])
    return plain


def _image(output: dict[str, Any]) -> bytes | None:
    encoded = output.get("data", {}).get("image/png")
    if not isinstance(encoded, str):
        return None
    try:
        return base64.b64decode(encoded)
    except (binascii.Error, ValueError):
        return None


def _error(error: Error) -> str:
    return cut_text("\n".join(error.traceback) or f"{error.name}: {error.message}", limit=TRACEBACK_LIMIT)
