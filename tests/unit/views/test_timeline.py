from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import matplotlib.pyplot as plt
import pytest

from agentnb.record.document import RunRecord, Step, StepTiming, Task
from agentnb.views.lanes import MAX_ARROWS, MAX_BARS, MAX_LANES, chart, ticks
from agentnb.views.timeline import plot_timeline, timeline_png
from agentnb.views.timeline_svg import timeline_svg
from tests.support import records


def test_a_lane_for_each_agent_and_an_arrow_for_each_delegation():
    picture = chart(records.done())
    assert [lane.agent for lane in picture.lanes] == ["coordinator", "ingest", "quant", "reporter"]
    assert [(arrow.source, arrow.target) for arrow in picture.arrows] == [(0, 1), (0, 2), (0, 3)]


def test_waiting_for_specialists_is_not_code_time():
    coordinator = chart(records.done()).lanes[0]
    waits = [(bar.start, bar.end) for bar in coordinator.bars if bar.kind == "wait"]
    assert waits == [(3.1, 12.9), (16.0, 27.5)]


def test_one_agent_called_twice_at_once_has_two_lanes():
    tasks = [Task(id=f"t{n}", agent="x", brief="", started_at=0.0, ended_at=5.0) for n in range(2)]
    tasks.append(Task(id="t2", agent="x", brief="", started_at=5.0, ended_at=6.0))
    assert [lane.number for lane in chart(RunRecord(tasks=tasks)).lanes] == [1, 2]


def test_the_chart_is_bounded():
    picture = chart(records.huge())
    assert len(picture.lanes) <= MAX_LANES
    assert len(picture.arrows) <= MAX_ARROWS
    assert max(len(lane.bars) for lane in picture.lanes) <= MAX_BARS


@pytest.mark.parametrize("end", [0.001, 0.4, 1.0, 7.3, 33.4, 59.0, 61.0, 600.0, 86_400.0, 1e9])
def test_ticks_are_few_and_within(end):
    found = ticks(end)
    assert found[0] == 0
    assert found[-1] <= end * 1.001
    assert found == sorted(set(found))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5.0, 1e300])
def test_odd_times_do_no_harm(value):
    timing = StepTiming(asked_at=value, replied_at=value, code_started_at=value, code_ended_at=value)
    record = RunRecord(
        tasks=[Task(id="t", agent="x", brief="", started_at=value, ended_at=2.0)],
        steps=[Step(id="s", task="t", agent="x", number=1, timing=timing)],
    )
    record.timing.elapsed = value
    timeline_svg(record)
    timeline_png(record)


def test_the_svg_is_well_formed_small_and_stable():
    svg = timeline_svg(records.done())
    words = " ".join(ElementTree.fromstring(svg).itertext())
    assert "coordinator" in words
    assert len(svg) < 20_000
    assert svg == timeline_svg(records.done())


def test_names_are_escaped_in_the_svg():
    record = records.done()
    record.tasks[1].agent = record.roster[1].name = "<i>&"
    assert "<i>&" in " ".join(ElementTree.fromstring(timeline_svg(record)).itertext())


def test_no_task_no_picture():
    assert timeline_svg(RunRecord()) == ""


def test_plotting_leaves_the_users_figures_alone():
    mine = plt.figure()
    figure = plot_timeline(records.done())
    assert plt.get_fignums() == [mine.number]
    assert plt.gcf() is mine
    assert figure.axes[0].get_yticklabels()[0].get_text() == "coordinator"
    plt.close(mine)


def test_plotting_into_the_users_axes():
    figure, ax = plt.subplots()
    assert plot_timeline(records.limit(), ax) is figure
    assert "limit" in ax.get_title(loc="left")
    plt.close(figure)


@pytest.mark.parametrize("make", [*records.ALL.values(), records.huge, RunRecord])
def test_png(make):
    assert timeline_png(make()).startswith(b"\x89PNG")
