"""Keeps texts, outputs and records within their sizes; what was left out is said where it stood."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from agentnb.record.codec import encode, to_plain
from agentnb.record.document import RunRecord, Step
from agentnb.record.outputs import is_text, text_of

TEXT_LIMIT = 20_000  # characters of one text
RICH_LIMIT = 500_000  # characters of HTML, SVG or JSON, which cannot be cut in the middle
RECORD_LIMIT = 5_000_000  # bytes of JSON
GROWTH = 1.5
"""A record that is told again and again is told when it has grown by this factor: the sum stays linear."""

_NOTE_ROOM = 80
_CUTTABLE = frozenset({"text/plain", "text/markdown"})
_LARGE = 10_000  # bytes of an output that goes first
_LISTED = 40  # cuts named one by one


def cut_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return at most ``limit`` characters: head and tail, and between them how much was left out.

    Below 100 characters there is room for a head only.
    """
    if len(text) <= limit:
        return text
    if limit <= _NOTE_ROOM + 20:
        return text[: max(0, limit - 1)] + "…"[:limit]
    room = limit - _NOTE_ROOM
    head, tail = text[: room * 2 // 3], text[-(room - room * 2 // 3) :]
    # At the ends of lines, where these are near.
    head = head[: head.rfind("\n") + 1] if head.rfind("\n") > len(head) * 3 // 4 else head
    tail = tail[tail.find("\n") + 1 :] if 0 <= tail.find("\n") < len(tail) // 4 else tail
    out = text[len(head) : len(text) - len(tail)]
    note = f"… {len(out):,} characters ({out.count(chr(10)):,} lines) left out …"
    return f"{head.removesuffix(chr(10))}\n{note}\n{tail}"


def cut_output(output: dict[str, Any], limit: int = TEXT_LIMIT) -> dict[str, Any]:
    """Return an nbformat output with its texts cut to ``limit`` characters, images kept.

    HTML (over ``limit`` where it is a table), SVG and JSON that are too large go in favour of the plain text.
    """
    kind = output.get("output_type")
    if kind == "stream":
        return {**output, "text": cut_text(text_of(output.get("text")), limit)}
    if kind == "error":
        trace = cut_text("\n".join(map(text_of, output.get("traceback") or [])), limit)
        evalue = cut_text(text_of(output.get("evalue")), limit // 4)
        return {**output, "evalue": evalue, "traceback": trace.split("\n") if trace else []}
    if isinstance(output.get("data"), dict):
        return {**output, "data": cut_bundle(output["data"], limit)}
    return output


def cut_bundle(bundle: dict[str, Any], limit: int = TEXT_LIMIT) -> dict[str, Any]:
    """Return a MIME bundle cut as ``cut_output`` says."""
    kept: dict[str, Any] = {}
    dropped: list[str] = []
    for mime, data in bundle.items():
        if mime in _CUTTABLE:
            kept[mime] = cut_text(text_of(data), limit)
        elif (mime.startswith("image/") and not is_text(mime)) or _size(data) <= _limit_of(mime, data, limit):
            kept[mime] = data
        else:
            dropped.append(f"{mime} of {_size(data):,} characters")
    if dropped:
        note = f"[{', '.join(dropped)} left out]"
        kept["text/plain"] = f"{kept['text/plain']}\n{note}" if kept.get("text/plain") else note
    return kept


def _limit_of(mime: str, data: Any, limit: int) -> int:
    is_table = mime == "text/html" and "<table" in text_of(data).lower()
    return limit if is_table else max(limit, RICH_LIMIT)


def _size(data: Any) -> int:
    return len(data) if isinstance(data, str) else len(str(to_plain(data)))


def bound_record(record: RunRecord, max_bytes: int = RECORD_LIMIT) -> RunRecord:
    """Return ``record`` itself where its JSON is within ``max_bytes``, else a copy that is cut until it is.

    The oldest large outputs go first, then images, small outputs, long thoughts and the results of tasks. The run's
    result and all code are kept, so a record of nothing else may stay above the limit; ``cut`` says what went.
    """
    excess = len(encode(record)) - max_bytes
    if excess <= 0:
        return record
    bounded = copy.copy(record)
    bounded.steps = [copy.copy(step) for step in record.steps]
    bounded.tasks = [copy.copy(task) for task in record.tasks]
    done: list[str] = []
    excess += _LISTED * 100  # room for the list of what was cut
    for cuts in _PASSES:
        for what, saved in cuts(bounded):
            done.append(what)
            excess -= saved
            if excess <= 0:
                break
        if excess <= 0:
            break
    more = [f"and {len(done) - _LISTED:,} more"] if len(done) > _LISTED else []
    bounded.cut = [*record.cut, *done[:_LISTED], *more]
    return bounded


_Cuts = Iterator[tuple[str, int]]


def _outputs(record: RunRecord, wanted: Callable[[dict[str, Any], int], bool]) -> _Cuts:
    for step in record.steps:
        for index, output in enumerate(step.outputs):
            size = _weight(output)
            if not _is_stub(output) and wanted(output, size):
                step.outputs = [*step.outputs[:index], _stub(output, size), *step.outputs[index + 1 :]]
                yield f"{_place(step)}: output of {size:,} bytes", size - _weight(step.outputs[index])


def _large_texts(record: RunRecord) -> _Cuts:
    return _outputs(record, lambda output, size: size > _LARGE and not _has_image(output))


def _images(record: RunRecord) -> _Cuts:
    return _outputs(record, lambda output, size: size > _LARGE)


def _small_outputs(record: RunRecord) -> _Cuts:
    return _outputs(record, lambda output, size: size > 500)


def _thoughts(record: RunRecord) -> _Cuts:
    for step in record.steps:
        saved = len(step.thought) - 1000
        if saved > 0:
            step.thought = cut_text(step.thought, 1000)
            yield f"{_place(step)}: {saved:,} characters of its thought", saved


def _results(record: RunRecord) -> _Cuts:
    for task in record.tasks:
        size = _weight(task.result)
        if size > 500 and task.result is not None:
            task.result = {"text/plain": cut_text(text_of(task.result.get("text/plain")), 200)}
            yield f"task {task.id}: {size:,} bytes of its result", size - _weight(task.result)


def _briefs(record: RunRecord) -> _Cuts:
    for task in record.tasks:
        saved = len(task.brief) - 1000
        if saved > 0:
            task.brief = cut_text(task.brief, 1000)
            yield f"task {task.id}: {saved:,} characters of its brief", saved


_PASSES = (_large_texts, _images, _small_outputs, _thoughts, _results, _briefs)


def _place(step: Step) -> str:
    return f"step {step.number} of {step.agent}"


def _is_stub(output: dict[str, Any]) -> bool:
    metadata = output.get("metadata")
    return isinstance(metadata, dict) and "agentnb_cut" in metadata


def _has_image(output: dict[str, Any]) -> bool:
    data = output.get("data")
    return isinstance(data, dict) and any(str(mime).startswith("image/") for mime in data)


def _weight(value: Any) -> int:
    return len(msgspec.json.encode(to_plain(value)))


def _stub(output: dict[str, Any], size: int) -> dict[str, Any]:
    """Return what stands in an output's place: the beginning of its text, and how much there was."""
    data = output.get("data")
    text = text_of(data.get("text/plain") if isinstance(data, dict) else output.get("text") or output.get("evalue"))
    return {
        "output_type": "display_data",
        "data": {"text/plain": f"{cut_text(text, 200)}\n[{size:,} bytes left out]".lstrip()},
        "metadata": {"agentnb_cut": True},
    }
