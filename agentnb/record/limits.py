"""Bounds: long texts are cut in the middle, outputs and whole records kept within their sizes."""

from __future__ import annotations

from typing import Any

import msgspec

from agentnb.record.document import RunRecord

TEXT_LIMIT = 20_000
"""Characters of one text output that a record keeps."""
HTML_LIMIT = 100_000
MAX_BYTES = 5_000_000


def cut_text(text: str, *, limit: int = TEXT_LIMIT) -> str:
    """Return ``text``, or its head and tail with the count of what was left out between them."""
    if len(text) <= limit:
        return text
    head = text[: limit * 2 // 3]
    tail = text[len(text) - limit // 3 :]
    # whole lines read better, where there are some near the cut
    head = head[: head.rfind("\n") + 1] if head.rfind("\n") > len(head) // 2 else head
    at = tail.find("\n")
    tail = tail[at + 1 :] if 0 <= at < len(tail) // 2 else tail
    left_out = text[len(head) : len(text) - len(tail)]
    lines = left_out.count("\n")
    size = f"{lines:,} lines" if lines > 1 else f"{len(left_out):,} characters"
    return f"{head.rstrip()}\n[… {size} left out …]\n{tail}"


def cut_output(output: dict[str, Any]) -> dict[str, Any]:
    """Return an output of nbformat's form within the limits: texts cut, images kept, an oversized table as text."""
    if output.get("output_type") == "stream":
        return {**output, "text": cut_text(str(output.get("text", "")))}
    data = output.get("data")
    if not isinstance(data, dict):
        return output
    kept = {mime: _cut_value(mime, value) for mime, value in data.items()}
    return {**output, "data": {mime: value for mime, value in kept.items() if value is not None}}


def _cut_value(mime: str, value: Any) -> Any:
    if not isinstance(value, str) or mime.startswith("image/") and mime != "image/svg+xml":
        return value
    if mime in ("text/html", "image/svg+xml", "text/latex"):
        return value if len(value) <= HTML_LIMIT else None  # half a table is no table; the plain text stays
    return cut_text(value)


def bound_record(record: RunRecord, *, max_bytes: int = MAX_BYTES) -> RunRecord:
    """Return a record of ``max_bytes`` as JSON at most, as far as its outputs allow; thoughts and code are kept.

    The outputs of the oldest steps go first, the large ones before the small ones; ``cut`` says which went.
    """
    size = len(msgspec.json.encode(record))
    if size <= max_bytes:
        return record
    steps, cut = list(record.steps), list(record.cut)
    for least in (50_000, 2_000, 0):
        for index, step in enumerate(steps):
            if size <= max_bytes:
                break
            kept = [output for output in step.outputs if len(msgspec.json.encode(output)) <= least]
            freed = len(msgspec.json.encode(step.outputs)) - len(msgspec.json.encode(kept))
            if freed > 0:
                size -= freed
                cut.append(f"{len(step.outputs) - len(kept)} outputs of step {step.id}")
                steps[index] = msgspec.structs.replace(step, outputs=kept)
    return msgspec.structs.replace(record, steps=steps, cut=cut)
