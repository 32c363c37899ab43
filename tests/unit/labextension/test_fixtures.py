"""The fixtures in tests/data/folds: events and the record they fold into, which the page's own tests read as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentnb.record.codec import to_dict
from agentnb.record.events import AnyEvent
from agentnb.record.fold import Folder

from . import scenarios

FOLDS = Path(__file__).parents[2] / "data" / "folds"


@pytest.mark.parametrize("name", sorted(scenarios.ALL))
def test_the_fixture_is_what_python_folds(name):
    """A new scenario writes its fixture; later the file guards."""
    folder, events = Folder(), scenarios.ALL[name]()
    wire = [to_dict(event) for event in events]
    for event in events:
        folder.apply(event)
    text = json.dumps({"events": wire, "record": to_dict(folder.record)}, indent=1, ensure_ascii=False) + "\n"
    path = FOLDS / f"{name}.json"
    if not path.exists():
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_every_kind_of_event_is_in_a_fixture():
    kinds = {type(event) for build in scenarios.ALL.values() for event in build()}
    assert kinds == set(AnyEvent.__args__)


def test_every_fixture_has_its_scenario():
    assert {path.stem for path in FOLDS.glob("*.json")} == set(scenarios.ALL)
