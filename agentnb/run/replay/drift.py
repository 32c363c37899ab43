"""Where a replay comes out differently from what was recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from agentnb.record.document import RunRecord, Step
from agentnb.run.observation import text_of_outputs

MOST = 20
"""Differences that are told; of more, the count."""
_FLEETING = re.compile(r"0x[0-9a-f]{6,}|#[0-9a-f]{6}\b")
_WIDTH = 80


def drifts(recorded: RunRecord, now: RunRecord, lanes: Mapping[str, str | None]) -> list[str]:
    """Return a sentence for each step whose outputs or error differ from the recorded ones.

    ``lanes`` tells for each task of ``now`` which recorded task it played.
    """
    before = {(step.task, step.number): step for step in recorded.steps}
    found = []
    for step in now.steps:
        lane = lanes.get(step.task)
        was = before.get((lane, step.number)) if lane is not None else None
        if was is not None:
            found += [f"{step.agent}, step {step.number}: {difference}" for difference in _differences(was, step)]
    return found if len(found) <= MOST else [*found[:MOST], f"and {len(found) - MOST} more differences"]


def _differences(was: Step, now: Step) -> Iterator[str]:
    if was.error is None and now.error is not None:
        yield f"it failed, which the recorded one did not: {now.error.name}: {_short(now.error.message)}"
    elif was.error is not None and now.error is None:
        yield f"it went well, where the recorded one failed with {was.error.name}"
    else:
        old, new = (_FLEETING.sub("…", text_of_outputs(step.outputs)).splitlines() for step in (was, now))
        for index in range(max(len(old), len(new))):
            line, other = (lines[index] if index < len(lines) else "(nothing)" for lines in (old, new))
            if line.split() != other.split():
                yield f"line {index + 1} of the output was {_short(line)!r} and is now {_short(other)!r}"
                return


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
