"""The page folds events into the same records as Python does, and draws the same picture of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentnb.record import events as ev
from agentnb.record.codec import encode, to_dict
from agentnb.record.document import RunRecord
from agentnb.record.fold import fold
from agentnb.record.seal import seal
from agentnb.views.lanes import chart
from agentnb.views.outline import TaskNode, outline
from tests.support import records
from tests.unit.record.strategies import events, sequences, timed

SHARED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def underway():
    """Tasks and steps that are there, so that most events find what they are about."""
    tasks = [ev.TaskAdded(task=each, agent=each, brief="", parent="a" if each == "b" else None) for each in "ab"]
    steps = [ev.StepStarted(step=each, task="a" if each == "c" else each, agent=each, number=1) for each in "abc"]
    return [*tasks, *steps]


crowded = st.lists(st.tuples(events, st.booleans()), min_size=10, max_size=60)


@SHARED
@given(sequences)
def test_any_events_fold_alike(page, sequence):
    assert page.ask(events=[to_dict(event) for event in sequence]) == json.loads(encode(fold(sequence)))


@SHARED
@given(crowded)
def test_events_that_meet_fold_alike(page, drawn):
    # few runs end early: nothing is to be seen of what comes after
    more = [event for event, rare in drawn if rare or not isinstance(event, ev.RunEnded)]
    sequence = timed([*underway(), *more])
    assert page.ask(events=[to_dict(event) for event in sequence]) == json.loads(encode(fold(sequence)))


@settings(SHARED, max_examples=100)
@given(sequences)
def test_any_record_has_the_same_picture(page, sequence):
    record = fold(timed([*underway(), *sequence]))
    assert page.ask(record=to_dict(record)) == picture(record)


@pytest.mark.parametrize("name", sorted(records.ALL))
def test_a_run_out_of_practice_has_the_same_picture(page, name):
    record = records.ALL[name]()
    assert page.ask(record=to_dict(record)) == picture(record)


names = st.text(st.characters(max_codepoint=0xD7FF), max_size=6)
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@SHARED
@given(st.dictionaries(names, plain, max_size=6))
def test_any_record_has_the_same_seal(page, record):
    assert page.ask(sealed=record) == seal(record)


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
