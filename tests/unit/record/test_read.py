import copy
import json
from pathlib import Path

import msgspec
import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentnb.errors import RecordError
from agentnb.record.codec import encode, to_dict
from agentnb.record.document import MIME_TYPE, RunRecord
from agentnb.record.outputs import tidy
from agentnb.record.read import Summary, read_record, records_of
from agentnb.record.upgrade import upgrade

STORED = Path(__file__).parents[2] / "data" / "record_v1.json"
DATA = json.loads(STORED.read_text("utf-8"))


def changed(**fields):
    return {**copy.deepcopy(DATA), **fields}


def paths(node, at=()):
    """Every place in a JSON document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from paths(value, (*at, key))


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({}), st.just([[{}]])
)
MUTATION = st.tuples(st.sampled_from(sorted(paths(DATA), key=str)), st.sampled_from(["drop", "junk", "twice"]), JUNK)


def mutate(data, place, how, junk):
    *parents, last = place
    for key in parents:
        data = data[key] if isinstance(data, dict | list) else None
        if data is None:
            return
    if how == "drop":
        del data[last]
    elif how == "twice" and isinstance(data, list):
        data.append(copy.deepcopy(data[last]))
    else:
        data[last] = junk


def holds(new, old):
    """Whether all that ``old`` says is in ``new`` too; fields that came later may be there as well."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and holds(new[key], value) for key, value in old.items())
    if isinstance(old, list):
        return isinstance(new, list) and len(new) == len(old) and all(map(holds, new, old))
    return bool(new == old)


@pytest.mark.parametrize("path", [STORED, STORED.with_name("record_v1_requests.json")], ids=["first", "requests"])
def test_the_stored_records_of_version_1_open_for_ever(path):
    record, data = read_record(path.read_bytes()), json.loads(path.read_text("utf-8"))
    assert isinstance(record, RunRecord)
    assert holds(to_dict(record), data)
    assert read_record(data) == read_record(path.read_text("utf-8")) == record


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MUTATION, min_size=1, max_size=6))
def test_damaged_records_open(mutations):
    data = copy.deepcopy(DATA)
    for mutation in mutations:
        try:
            mutate(data, *mutation)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier one took the place away
    try:
        found = read_record(data)
    except RecordError:
        assert not isinstance(data.get("version"), int) or data["version"] < 1 or isinstance(data["version"], bool)
        return
    if isinstance(found, RunRecord):
        assert msgspec.json.decode(encode(found), type=RunRecord) == found
        ids = [step.id for step in found.steps]
        assert len(set(ids)) == len(ids)
        assert all(tidy(output) == output for step in found.steps for output in step.outputs)


def test_damage_costs_only_the_field():
    data = changed(status="splendid", usage=3)
    data["steps"][0]["number"] = "one"
    data["steps"][1] = 7
    data["tasks"][0].pop("agent")
    record = read_record(data)
    assert (record.status, record.usage.tokens) == ("crashed", 0)
    assert record.steps[0].thought == DATA["steps"][0]["thought"]
    assert len(record.steps) == len(DATA["steps"]) - 1
    assert record.tasks[0].agent == ""
    assert record.tasks[0].brief == DATA["tasks"][0]["brief"]
    assert record.result == DATA["result"]


def test_ids_become_unique_and_are_never_empty():
    data = changed()
    for step in data["steps"]:
        step["id"] = "s1"
    data["steps"][0]["id"] = ""
    ids = [step.id for step in read_record(data).steps]
    assert ids[:2] == ["step-1", "s1"]
    assert len(set(ids)) == len(data["steps"])


def test_a_newer_version_is_summed_up():
    found = read_record({"version": 999, "task": "Fit it", "status": "done", "result": {"text/plain": "0.07"}})
    assert isinstance(found, Summary)
    assert (found.version, found.task, found.status) == (999, "Fit it", "done")
    assert "pip install -U agentnb" in found.text
    assert found.text.endswith("0.07")


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"version": 1', b"[]", b"3", {}, {"version": 1}, {"version": "x"}, [], b"\xff\xfe", "[" * 10**5],
)
def test_no_record(data):
    with pytest.raises(RecordError):
        read_record(data)


def test_upgrades_are_a_chain():
    steps = {1: lambda data: {**data, "b": data["a"] + 1}, 2: lambda data: {**data, "c": data["b"] + 1}}
    old = {"version": 1, "a": 1}
    assert upgrade(old, upgrades=steps, to=3) == {"version": 3, "a": 1, "b": 2, "c": 3}
    assert upgrade({"version": 3}, upgrades=steps, to=3) == {"version": 3}
    assert old == {"version": 1, "a": 1}
    with pytest.raises(KeyError):
        upgrade(old, upgrades={}, to=2)


def notebook(*bundles):
    outputs = [nbformat.v4.new_output("display_data", data) for data in bundles]
    cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("%%agents\nDo it", outputs=outputs)]
    return nbformat.reads(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), as_version=4)


def test_the_records_of_a_notebook():
    found = records_of(notebook({"text/plain": "1"}, {MIME_TYPE: DATA}, {MIME_TYPE: {"version": 999}}))
    assert [(index, type(record)) for index, record in found] == [(1, RunRecord), (1, Summary)]
    assert holds(to_dict(found[0][1]), DATA)


def test_a_damaged_record_leaves_the_text():
    ((_, found),) = records_of(notebook({MIME_TYPE: '{"version": 1, "ta', "text/plain": "The value is 7 %."}))
    assert isinstance(found, Summary)
    assert found.status == "unreadable"
    assert "damaged" in found.text
    assert found.text.endswith("The value is 7 %.")


@pytest.mark.parametrize("node", [{}, {"cells": 3}, {"cells": [3, {"outputs": [3, {"data": 3}]}]}])
def test_a_notebook_without_records(node):
    assert records_of(node) == []
