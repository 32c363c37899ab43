import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings

from agentnb.record.codec import to_dict
from agentnb.record.fold import fold
from agentnb.record.schema import PATH, rendered, schema

from .strategies import events, sequences

STORED = Path(__file__).parents[2] / "data" / "record_v1.json"
RECORD = jsonschema.Draft202012Validator(schema())
EVENT = jsonschema.Draft202012Validator({**schema(), "$ref": "#/$defs/AnyEvent"})


def test_the_committed_schema_is_the_present_one():
    assert PATH.read_text("utf-8") == rendered(), "run: python -m agentnb.record.schema"


def test_it_is_a_schema_and_the_stored_record_fits_it():
    jsonschema.Draft202012Validator.check_schema(schema())
    RECORD.validate(json.loads(STORED.read_text("utf-8")))


def test_it_refuses_what_is_wrong():
    data = json.loads(STORED.read_text("utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        RECORD.validate({**data, "status": "splendid"})


@settings(deadline=None)
@given(events)
def test_events_fit(event):
    EVENT.validate(to_dict(event))


@settings(deadline=None)
@given(sequences)
def test_records_fit(sequence):
    RECORD.validate(to_dict(fold(sequence)))


def test_the_command_writes_it(tmp_path):
    target = tmp_path / "schema.json"
    subprocess.run([sys.executable, "-m", "agentnb.record.schema", str(target)], check=True, cwd=PATH.parents[1])
    assert target.read_text("utf-8") == rendered()
