"""The time line as numbers: who was at what when. The pictures (SVG, matplotlib) only draw this.

Times are seconds since the run's start. The size is bounded whatever the record holds: at most ``MAX_LANES`` lanes,
``MAX_BARS`` bars in each, ``MAX_ARROWS`` arrows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from agentnb.record.document import RunRecord, Step, Task

MAX_LANES = 24
MAX_BARS = 300
MAX_ARROWS = 100

COLOURS = ("#4c78c8", "#d9822b", "#3a9a6a", "#b5509c", "#8a7bd1", "#c2514b", "#2b9aa8", "#9a8a3a")
"""One for each agent, in the order of the roster; mid-tones that read on white and on black."""

Kind = Literal["model", "code", "wait"]


@dataclass(frozen=True)
class Bar:
    """A stretch of time: the model was asked, code ran, or code waited for the specialists it had called."""

    start: float
    end: float
    kind: Kind


@dataclass
class Lane:
    """One agent's row; an agent that was called twice at once has two. ``ends`` holds (time, task status)."""

    agent: str
    bars: list[Bar] = field(default_factory=list)
    ends: list[tuple[float, str]] = field(default_factory=list)
    busy_until: float = 0.0
    number: int = 1


@dataclass(frozen=True)
class Arrow:
    """A delegation: at time ``at`` from one lane to another (indices)."""

    at: float
    source: int
    target: int


@dataclass
class Chart:
    """The whole picture; ``left_out`` counts the tasks that found no lane."""

    lanes: list[Lane]
    arrows: list[Arrow]
    end: float
    left_out: int = 0


def colours(record: RunRecord) -> dict[str, str]:
    """Give every agent of the record its colour."""
    names = dict.fromkeys([*(member.name for member in record.roster), *(task.agent for task in record.tasks)])
    return {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}


def chart(record: RunRecord) -> Chart:
    """Lay out the time line of ``record``."""
    steps: dict[str, list[Step]] = {}
    for step in record.steps:
        steps.setdefault(step.task, []).append(step)
    times = {task.id: _times(task, steps.get(task.id, []), record) for task in record.tasks}
    end = max([_number(record.timing.elapsed), *(stop for _, stop in times.values()), 1e-3])
    picture = Chart([], [], end)
    home = _allot(record, times, picture)
    waits: dict[str, list[tuple[float, float]]] = {}
    for task in record.tasks:
        if task.parent_step is not None:
            waits.setdefault(task.parent_step, []).append(times[task.id])
    for task in record.tasks:
        lane = home.get(task.id)
        if lane is not None:
            for step in steps.get(task.id, []):
                picture.lanes[lane].bars.extend(_bars(step, times[task.id][1], waits.get(step.id, [])))
    for lane_ in picture.lanes:
        lane_.bars = _thin(lane_.bars, end)
    owner = {step.id: step.task for step in record.steps}
    for task in record.tasks:
        source, target = home.get(owner.get(task.parent_step or "", "")), home.get(task.id)
        if source is not None and target is not None and source != target and len(picture.arrows) < MAX_ARROWS:
            picture.arrows.append(Arrow(times[task.id][0], source, target))
    return picture


def ticks(end: float, most: int = 8) -> list[float]:
    """Give round times from 0 to ``end``, at most about ``most`` of them."""
    rough = end / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough or math.isclose(factor, 10))
    if step > 20:
        step = next((nice for nice in (30, 60, 120, 300, 600, 1800, 3600, 7200) if nice >= rough), step)
    return [index * step for index in range(int(end / step + 1e-9) + 1)]


def _number(value: float | None) -> float:
    return min(max(float(value), 0.0), 1e9) if value is not None and math.isfinite(value) else 0.0


def _times(task: Task, steps: list[Step], record: RunRecord) -> tuple[float, float]:
    start = task.started_at if task.started_at is not None else (steps[0].timing.asked_at if steps else None)
    moments = [task.ended_at] if task.ended_at is not None else _moments(steps)
    if task.ended_at is None and task.status == "in_progress":
        moments.append(record.timing.elapsed)
    begin = _number(start)
    return begin, max([begin, *(_number(moment) for moment in moments)])


def _moments(steps: Iterable[Step]) -> list[float | None]:
    return [moment for step in steps for moment in (step.timing.replied_at, step.timing.code_ended_at)]


def _allot(record: RunRecord, times: dict[str, tuple[float, float]], picture: Chart) -> dict[str, int]:
    """Give each task the first lane of its agent that is free at its start."""
    home: dict[str, int] = {}
    of_agent: dict[str, list[int]] = {}
    order = list(dict.fromkeys([*(member.name for member in record.roster), *(task.agent for task in record.tasks)]))
    rank = {name: index for index, name in enumerate(order)}
    for task in sorted(record.tasks, key=lambda task: (rank[task.agent], times[task.id][0])):
        start, stop = times[task.id]
        mine = of_agent.setdefault(task.agent, [])
        lane = next((index for index in mine if picture.lanes[index].busy_until <= start + 1e-9), None)
        if lane is None:
            if len(picture.lanes) >= MAX_LANES:
                picture.left_out += 1
                continue
            lane = len(picture.lanes)
            picture.lanes.append(Lane(task.agent, number=len(mine) + 1))
            mine.append(lane)
        picture.lanes[lane].busy_until = stop
        picture.lanes[lane].ends.append((stop, task.status))
        home[task.id] = lane
    return home


def _bars(step: Step, stop: float, waits: list[tuple[float, float]]) -> list[Bar]:
    timing = step.timing
    asked = _number(timing.asked_at)
    replied = _number(timing.replied_at) if timing.replied_at is not None else stop
    found = [Bar(asked, replied, "model")] if replied > asked else []
    if timing.code_started_at is not None:
        start = _number(timing.code_started_at)
        end = _number(timing.code_ended_at) if timing.code_ended_at is not None else stop
        found.extend(_split(start, end, waits))
    return found


def _split(start: float, end: float, waits: list[tuple[float, float]]) -> list[Bar]:
    """Cut the time of an action into its own code and the waiting for the tasks it gave out."""
    bars: list[Bar] = []
    at = start
    for first, last in sorted(waits):
        first, last = max(first, at), min(last, end)
        if last <= first:
            continue
        if first > at:
            bars.append(Bar(at, first, "code"))
        bars.append(Bar(first, last, "wait"))
        at = last
    if end > at:
        bars.append(Bar(at, end, "code"))
    return bars


def _thin(bars: list[Bar], end: float) -> list[Bar]:
    """Where there are more bars than anyone can see, cut time into cells and keep what fills each most."""
    if len(bars) <= MAX_BARS:
        return bars
    width = end / MAX_BARS
    cells: list[dict[Kind, float]] = [{} for _ in range(MAX_BARS)]
    for bar in bars:
        for index in range(int(bar.start / width), min(int(bar.end / width) + 1, MAX_BARS)):
            share = min(bar.end, (index + 1) * width) - max(bar.start, index * width)
            cells[index][bar.kind] = cells[index].get(bar.kind, 0.0) + max(share, 0.0)
    return [
        Bar(index * width, (index + 1) * width, max(cell, key=cell.__getitem__))
        for index, cell in enumerate(cells)
        if cell
    ]
