"""Records out of notebooks and files: old ones and damaged ones as well as can be, newer ones as a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from agentnb.errors import RecordError
from agentnb.record.codec import to_plain
from agentnb.record.document import MIME_TYPE, VERSION, RunRecord
from agentnb.record.outputs import bundle_of, text_of, tidy
from agentnb.record.repair import repair
from agentnb.record.seal import is_edited
from agentnb.record.upgrade import upgrade

_TELLING = ("run_id", "steps", "tasks", "roster")


class Summary(msgspec.Struct, kw_only=True, frozen=True):
    """What can be said of a record that this version cannot read; to look at only.

    ``status`` is the run's where it is known, ``"unreadable"`` where nothing is; ``text`` is for the person: why it is
    only a summary, and the result where there is one.
    """

    version: int
    task: str = ""
    status: str = "unreadable"
    text: str = ""


def read_record(data: Mapping[str, Any] | bytes | str) -> RunRecord | Summary:
    """Read a record from its JSON, or from that JSON already parsed.

    Fields that are missing or of a wrong type get defaults, ids are made unique. A record of a newer version comes back
    as a ``Summary``. Raises ``RecordError`` where ``data`` is no record at all.
    """
    fields = _parse(data)
    version = _version(fields)
    if version > VERSION:
        return _summary(fields, version)
    record = _convert({**fields, "version": version})
    record.version = VERSION
    _unique_ids(record)
    for step in record.steps:
        step.outputs = [output for output in map(tidy, step.outputs) if output is not None]
    return record


def records_of(notebook: Mapping[str, Any]) -> list[tuple[int, RunRecord | Summary]]:
    """Return the records of a notebook (an ``nbformat`` node of version 4), each with the index of its cell.

    A damaged one becomes a ``Summary`` whose text is the reason and the output's plain text. Raises nothing.
    """
    return [(index, _record_in(bundle)) for index, bundle, _ in _bundles(notebook) if MIME_TYPE in bundle]


def raw_records(notebook: Mapping[str, Any]) -> list[tuple[int, Any]]:
    """Return what stands for records in a notebook as it is, each with the index of its cell."""
    return [(index, bundle[MIME_TYPE]) for index, bundle, _ in _bundles(notebook) if MIME_TYPE in bundle]


def edited_cells(notebook: Mapping[str, Any]) -> list[int]:
    """Return the indexes of the cells whose records are not as their runs left them: they were edited by hand."""
    found = _bundles(notebook)
    return [index for index, bundle, meta in found if is_edited(bundle.get(MIME_TYPE), meta.get(MIME_TYPE))]


def _record_in(bundle: Mapping[str, Any]) -> RunRecord | Summary:
    data = bundle[MIME_TYPE]
    plain_text = text_of(bundle.get("text/plain"))
    try:
        found = read_record(data if isinstance(data, Mapping | bytes | str) else text_of(data))
    except RecordError as error:
        return Summary(version=0, text=f"{error}\n{plain_text}".strip())
    if isinstance(found, Summary) and plain_text and plain_text not in found.text:
        return msgspec.structs.replace(found, text=f"{found.text}\n{plain_text}")
    return found


def _bundles(notebook: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield the index of the cell, the bundle and its metadata of each output that shows something."""
    for index, cell in enumerate(_items(notebook, "cells")):
        for output in _items(cell, "outputs"):
            data = output.get("data") if isinstance(output, Mapping) else None
            if isinstance(data, Mapping):
                metadata = output.get("metadata")
                yield index, data, metadata if isinstance(metadata, Mapping) else {}


def _items(node: Any, name: str) -> list[Any]:
    items = node.get(name) if isinstance(node, Mapping) else None
    return items if isinstance(items, list) else []


def _parse(data: Mapping[str, Any] | bytes | str) -> Mapping[str, Any]:
    if isinstance(data, bytes | str):
        try:
            data = msgspec.json.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise RecordError(
                f"This record is damaged ({error}); run the cell again to make a new one, or take the run's journal."
            ) from error
    if not isinstance(data, Mapping):
        raise RecordError("This is not a record of an agentnb run; name a notebook that holds one.")
    plain: dict[str, Any] = to_plain(data)  # parsers other than ours let NaN through
    return plain


def _version(fields: Mapping[str, Any]) -> int:
    version = fields.get("version")
    telling = any(name in fields for name in _TELLING)
    if isinstance(version, int | float) and not isinstance(version, bool) and version >= 1 and version == version // 1:
        if telling or version > VERSION:
            return int(version)
    elif telling:
        return VERSION
    raise RecordError("This is not a record of an agentnb run; name a notebook that holds one.")


def _convert(fields: dict[str, Any]) -> RunRecord:
    try:
        return msgspec.convert(upgrade(fields), RunRecord)
    except Exception:  # whatever an upgrade or a type made of damaged data
        pass
    try:
        fields = upgrade(fields)
    except Exception:  # the fields as they were are the best there is
        fields = {**fields, "version": VERSION}
    return repair(fields, RunRecord)


def _unique_ids(record: RunRecord) -> None:
    named: tuple[tuple[str, list[Any]], ...] = (("task", record.tasks), ("step", record.steps))
    for kind, entries in named:
        names = _unique([entry.id or f"{kind}-{number}" for number, entry in enumerate(entries, 1)])
        for entry, name in zip(entries, names, strict=True):
            entry.id = name


def _unique(names: list[str]) -> list[str]:
    taken, copies, unique = set(names), Counter[str](), []
    for name in names:
        copies[name] += 1
        new = name
        while copies[name] > 1 and new in taken:
            new = f"{name}~{copies[name]}"
            copies[name] += new in taken
        taken.add(new)
        unique.append(new)
    return unique


def _summary(fields: Mapping[str, Any], version: int) -> Summary:
    task, status = fields.get("task"), fields.get("status")
    result = text_of(bundle_of(fields.get("result")).get("text/plain"))
    said = (
        f"Recorded by a newer agentnb (version {version} of the record; this one reads {VERSION}): "
        "type `pip install -U agentnb` to open it in full."
    )
    return Summary(
        version=version,
        task=task if isinstance(task, str) else "",
        status=status if isinstance(status, str) else "unknown",
        text=f"{said}\n{result}".strip(),
    )
