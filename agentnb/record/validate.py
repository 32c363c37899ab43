"""Checks records against the schema, strictly: for ``agentnb validate`` and for those who write records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from agentnb.errors import RecordError
from agentnb.record.codec import decode_event
from agentnb.record.document import VERSION, RunRecord
from agentnb.record.fold import fold
from agentnb.record.journal import read_journal
from agentnb.record.read import edited_cells, raw_records


def validate_file(path: Path) -> list[str]:
    """Return what is wrong with the records in a notebook, a record's JSON or a journal; empty where all is well.

    Raises ``RecordError`` where the file cannot be read or holds no record.
    """
    if path.suffix == ".jsonl":
        return [*_inconsistent(fold(read_journal(path))), *_torn(path)]
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{path.name} cannot be read: {error}") from None
    found, edited = [("", data)], []
    if isinstance(data, Mapping) and "nbformat" in data:
        found = [(f"cell {cell + 1}: ", record) for cell, record in raw_records(data)]
        edited = [f"cell {cell + 1}: the record was edited after the run" for cell in edited_cells(data)]
    if not found:
        raise RecordError(f"{path.name} holds no run; run its %%agents cells once and save")
    return [f"{where}{fault}" for where, record in found for fault in validate(record)] + edited


def validate(data: Any) -> list[str]:
    """Return what is wrong with one record, given as parsed JSON."""
    if isinstance(data, Mapping) and isinstance(data.get("version"), int) and data["version"] > VERSION:
        return [f"version {data['version']} is newer than {VERSION}, the newest this agentnb knows"]
    try:
        record = msgspec.convert(data, RunRecord, strict=True)
    except msgspec.ValidationError as error:
        return [str(error)]
    return list(_inconsistent(record))


def _inconsistent(record: RunRecord) -> Iterator[str]:
    """What the schema cannot say: ids are unique and what refers to something refers to something that is there."""
    tasks, steps = [task.id for task in record.tasks], [step.id for step in record.steps]
    for kind, ids in (("task", tasks), ("step", steps)):
        yield from (f"{kind} {each!r} is there twice" for each in sorted({each for each in ids if ids.count(each) > 1}))
    known_tasks, known_steps = set(tasks), set(steps)
    for step in record.steps:
        if step.task not in known_tasks:
            yield f"step {step.id!r} belongs to task {step.task!r}, which is not there"
    for task in record.tasks:
        missing = {task.parent, *task.depends_on} - known_tasks - {None}
        yield from (f"task {task.id!r} refers to task {each!r}, which is not there" for each in missing)
        if task.parent_step is not None and task.parent_step not in known_steps:
            yield f"task {task.id!r} was asked for by step {task.parent_step!r}, which is not there"


def _torn(path: Path) -> Iterator[str]:
    """Lines of a journal that reading passes over: the last one where the kernel died as it wrote it."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            if line.strip():
                decode_event(line)
        except RecordError:
            yield f"line {number} is torn or no event that this agentnb knows"
