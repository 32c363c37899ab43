import json
import math

import msgspec
import pytest
from hypothesis import given

from agentnb.errors import RecordError
from agentnb.record.codec import decode_event, encode, to_dict, to_plain
from agentnb.record.document import RunRecord, Step
from agentnb.record.events import OutputAdded
from agentnb.record.fold import fold

from .strategies import events, sequences


class Sour:
    def __repr__(self):
        raise RuntimeError("no")


def strict(data):
    def refuse(name):
        raise ValueError(name)

    return json.loads(data, parse_constant=refuse)


@given(events)
def test_events_come_back(event):
    assert decode_event(encode(event)) == event
    assert decode_event(to_dict(event)) == event


@given(sequences)
def test_records_come_back(sequence):
    record = fold(sequence)
    assert msgspec.json.decode(encode(record), type=RunRecord) == record
    assert json.loads(json.dumps(to_dict(record), allow_nan=False)) == to_dict(record)


def test_whatever_an_output_holds_is_valid_json():
    cycle = {"name": "me"}
    cycle["self"] = cycle
    deep = []
    for _ in range(5000):
        deep = [deep]
    data = {
        "nan": math.nan,
        "inf": [math.inf, -math.inf],
        "lone": "a\ud800b",
        "pair": "\ud83d\ude00",
        "cycle": cycle,
        "object": object(),
        "sour": Sour(),
        "bytes": b"\x89PNG",
        "big": 10**5000,
        "set": {1},
        3: {(1, 2): None},
        "deep": deep,
    }
    found = strict(encode(OutputAdded(step="s", output=data)))["output"]
    assert (found["nan"], found["inf"]) == ("nan", ["inf", "-inf"])
    assert (found["lone"], found["pair"]) == ("a\ufffdb", "\U0001f600")
    assert found["cycle"] == {"name": "me", "self": "<cycle>"}
    assert (found["sour"], found["bytes"], found["set"]) == ("<Sour>", "iVBORw==", [1])
    assert found["object"].startswith("<object object")
    assert found["3"] == {"[1, 2]": None}


def test_numbers_of_other_libraries_are_numbers():
    numpy = pytest.importorskip("numpy")
    assert to_plain({"a": numpy.int64(3), "b": numpy.float32(0.5)}) == {"a": 3, "b": 0.5}


def test_one_object_twice_is_no_cycle():
    shared = [1]
    assert to_plain([shared, shared]) == [[1], [1]]


def test_a_time_that_is_no_number_keeps_its_type():
    record = RunRecord(steps=[Step(id="s", task="t", agent="a", number=1)])
    record.steps[0].timing.asked_at = math.nan
    assert msgspec.json.decode(encode(record), type=RunRecord).steps[0].timing.asked_at == 0.0


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"type":"no_such"}', b'{"type":"noted"}', {"type": 3}, b"\xff"])
def test_no_event(data):
    with pytest.raises(RecordError):
        decode_event(data)
