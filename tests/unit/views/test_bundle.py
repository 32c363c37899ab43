from __future__ import annotations

import json

import pytest

from agentnb.record.document import MIME_TYPE
from agentnb.record.seal import seal
from agentnb.views.bundle import bundle, light_bundle
from tests.support import records


@pytest.mark.parametrize("make", records.ALL.values(), ids=records.ALL)
def test_a_bundle_is_valid_json_with_the_record_in_it(make):
    data, metadata = bundle(make())
    assert json.loads(json.dumps(data, allow_nan=False))[MIME_TYPE]["run_id"] == make().run_id
    assert set(data) == {MIME_TYPE, "text/html", "text/plain"}
    assert metadata == {MIME_TYPE: {"seal": seal(data[MIME_TYPE])}}


def test_while_live_the_record_so_far_is_in_it():
    assert bundle(records.running(), live=True)[0][MIME_TYPE]["status"] == "running"


def test_a_light_bundle_is_to_look_at_only():
    assert set(light_bundle(records.running())[0]) == {"text/html", "text/plain"}


def test_html_can_be_left_out():
    assert "text/html" not in bundle(records.done(), html=False)[0]
