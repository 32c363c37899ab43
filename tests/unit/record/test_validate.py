"""What is told of a record that is whole, damaged, newer or torn."""

from __future__ import annotations

import json

import msgspec
import nbformat
import pytest
from hypothesis import given

from agentnb.errors import RecordError
from agentnb.record.codec import encode
from agentnb.record.document import MIME_TYPE
from agentnb.record.events import RunEnded, RunStarted, TaskAdded
from agentnb.record.fold import fold
from agentnb.record.journal import Journal
from agentnb.record.validate import validate, validate_file
from tests.support import records as samples
from tests.unit.record.strategies import sequences


def plain(record=None):
    return json.loads(encode(record or samples.done()))


@pytest.mark.parametrize("name", ["done", "failed", "limit", "running"])
def test_records_out_of_practice_are_valid(name):
    assert validate(plain(getattr(samples, name)())) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data.update(status="splendid"), "splendid"),
        (lambda data: data.update(steps={}), "$.steps"),
        (lambda data: data["steps"][0].update(number="1"), "$.steps[0].number"),
        (lambda data: data["tasks"][0].pop("brief"), "brief"),
        (lambda data: data.update(version=99), "version 99 is newer than 1"),
        (lambda data: data["steps"].append(data["steps"][0]), "is there twice"),
        (lambda data: data["tasks"].append(data["tasks"][0]), "is there twice"),
        (lambda data: data["steps"][0].update(task="gone"), "belongs to task 'gone', which is not there"),
        (lambda data: data["tasks"][0].update(parent="gone"), "refers to task 'gone', which is not there"),
        (lambda data: data["tasks"][0].update(depends_on=["gone"]), "refers to task 'gone'"),
        (lambda data: data["tasks"][0].update(parent_step="gone"), "asked for by step 'gone', which is not there"),
    ],
)
def test_each_fault_is_told(change, told):
    data = plain()
    change(data)
    (fault,) = validate(data)
    assert told in fault


@pytest.mark.parametrize("data", [None, 3, "text", [], {"version": "1"}, {"version": True, "steps": None}])
def test_what_is_no_record_is_a_fault_and_never_raises(data):
    assert len(validate(data)) == 1


@given(sequences)
def test_whatever_a_fold_makes_has_the_right_types(events):
    assert not [fault for fault in validate(plain(fold(events))) if "Expected" in fault]


# --- files ------------------------------------------------------------------------------------------------------------


def notebook_with(path, *bundles):
    cells = [nbformat.v4.new_markdown_cell("#")]
    for bundle in bundles:
        output = nbformat.v4.new_output("display_data", {MIME_TYPE: bundle, "text/plain": "a run"})
        cells.append(nbformat.v4.new_code_cell("%%agents\nDo it.", outputs=[output]))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_notebook_names_the_cell(tmp_path):
    good, bad = plain(), plain() | {"status": "splendid"}
    assert validate_file(notebook_with(tmp_path / "a.ipynb", good, good)) == []
    (fault,) = validate_file(notebook_with(tmp_path / "b.ipynb", good, bad))
    assert fault.startswith("cell 3: ")


def test_a_record_of_its_own(tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(encode(samples.done()))
    assert validate_file(path) == []
    path.write_bytes(encode(samples.done())[:-40])
    with pytest.raises(RecordError, match=r"run\.json cannot be read"):
        validate_file(path)


@pytest.mark.parametrize(
    "text", ['{"nbformat": 4}', '{"nbformat": 4, "cells": 3}', '{"nbformat": 4, "cells": [1, {"outputs": [2, {}]}]}']
)
def test_a_notebook_without_runs_says_so(tmp_path, text):
    path = tmp_path / "none.ipynb"
    path.write_text(text)
    with pytest.raises(RecordError, match="holds no run"):
        validate_file(path)


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """The journal of a run of three events, as it is on disk."""
    monkeypatch.chdir(tmp_path)
    events = [
        RunStarted(run_id="r1", task="Do it.", created="2026-01-01T00:00:00+00:00", generator="agentnb"),
        TaskAdded(task="t1", agent="boss", brief="Do it."),
        RunEnded(status="done"),
    ]
    with Journal.open("r1") as journal:
        for seq, event in enumerate(events):
            journal.append(msgspec.structs.replace(event, seq=seq, at=float(seq)))
    (path,) = tmp_path.rglob("*.jsonl")
    return path


def test_a_whole_journal_is_valid(journal):
    assert validate_file(journal) == []


def test_a_torn_journal_names_the_line(journal):
    journal.write_bytes(journal.read_bytes()[:-9])
    (fault,) = validate_file(journal)
    assert fault.startswith("line 3 is torn")


def test_a_journal_without_its_run_cannot_be_read(journal):
    journal.write_bytes(b"\n".join(journal.read_bytes().split(b"\n")[1:]))
    with pytest.raises(RecordError, match="holds no run"):
        validate_file(journal)
