"""Row 40 at random: in CI 10,000 damaged records, and thousands of other data and of torn journals."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentnb.errors import RecordError
from agentnb.record.codec import encode, to_dict
from agentnb.record.document import RunRecord
from agentnb.record.fold import fold
from agentnb.record.journal import read_journal
from agentnb.record.read import Summary, read_record
from agentnb.record.validate import validate
from agentnb.views.html import render_html
from agentnb.views.text import render_text
from tests.faults.fuzzing import CASES, fuzzed
from tests.unit.record.strategies import sequences
from tests.unit.record.test_read import DATA, MUTATION, mutate

DRAWN_EVERY = 50
"""One in so many damaged records is also validated, written and drawn, which takes far longer than to read it."""
TEXT = json.dumps(DATA)

drawn = [0]


@fuzzed
@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_fault_40_missing_and_wrong_fields(mutations):
    data = json.loads(TEXT)
    for mutation in mutations:
        with suppress(KeyError, IndexError, TypeError):  # an earlier one took the place away
            mutate(data, *mutation)
    with suppress(RecordError):
        found = read_record(data)
        assert isinstance(found, RunRecord | Summary)
        drawn[0] += 1
        if drawn[0] % DRAWN_EVERY == 0 and isinstance(found, RunRecord):
            assert isinstance(validate(data), list)
            assert isinstance(msgspec.json.decode(encode(found)), dict)
            assert render_html(found)
            assert render_text(found)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(DATA)) | st.text(max_size=3), inner)
    ),
    max_leaves=8,
)


@settings(fuzzed, max_examples=CASES // 5)
@given(st.dictionaries(st.sampled_from(sorted(DATA)), ANYTHING, max_size=5) | ANYTHING | st.binary(max_size=40))
def test_fault_40_anything_at_all(data):
    with suppress(RecordError):
        found = read_record(data)
        assert isinstance(found, RunRecord | Summary)
        assert to_dict(found) if isinstance(found, RunRecord) else found.text


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("journals") / "run.jsonl"


@settings(fuzzed, max_examples=CASES // 10)
@given(sequences, st.integers(0, 400), st.binary(max_size=20))
def test_fault_40_torn_journals(path, events, at, junk):
    lines = b"\n".join(map(encode, events))
    path.write_bytes(lines[:at] + junk + lines[at:])
    with suppress(RecordError):
        assert isinstance(fold(read_journal(path)), RunRecord)
