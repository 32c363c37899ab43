"""The page folds events into the same records as Python does, and draws the same picture of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from agentnb.record.codec import encode, to_dict
from agentnb.record.document import RunRecord
from agentnb.record.fold import fold
from agentnb.views.lanes import chart
from agentnb.views.outline import TaskNode, outline
from tests.support import records
from tests.unit.record.strategies import sequences

SHARED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SHARED
@given(sequences)
def test_any_events_fold_alike(page, events):
    assert page.ask(events=[to_dict(event) for event in events]) == json.loads(encode(fold(events)))


@settings(SHARED, max_examples=100)
@given(sequences)
def test_any_record_has_the_same_picture(page, events):
    record = fold(events)
    assert page.ask(record=to_dict(record)) == picture(record)


@pytest.mark.parametrize("name", sorted(records.ALL))
def test_a_run_out_of_practice_has_the_same_picture(page, name):
    record = records.ALL[name]()
    assert page.ask(record=to_dict(record)) == picture(record)


def picture(record: RunRecord):
    drawn = chart(record)
    return json.loads(
        json.dumps(
            {
                "outline": [ids(root) for root in outline(record).roots],
                "lanes": [
                    [lane.agent, lane.number, [[bar.start, bar.end, bar.kind] for bar in lane.bars], lane.ends]
                    for lane in drawn.lanes
                ],
                "arrows": [[arrow.at, arrow.source, arrow.target] for arrow in drawn.arrows],
                "end": drawn.end,
                "left_out": drawn.left_out,
            }
        )
    )


def ids(node: TaskNode):
    steps = [[each.step.id, [ids(task) for task in each.tasks]] for each in node.steps]
    return [node.task.id, steps, [ids(task) for task in node.tasks]]
