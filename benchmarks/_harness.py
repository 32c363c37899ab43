"""Measure two ways of doing the same in one run, and show them side by side.

Machines differ and are noisy: the two sides take turns within one process, and what counts is the ratio of medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Sample = Callable[[], float | None]
"""One measurement: its own number, or None where the time that the call took is what counts."""

SCALES = {"s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")), "MB": ((1024.0, "GB"), (1.0, "MB"))}


@dataclass(frozen=True)
class Comparison:
    """Medians of one thing measured on both sides, in ``unit`` (seconds unless said); ``target`` is in words."""

    name: str
    ours: float
    peer: float | None
    unit: str = "s"
    target: str = ""
    reached: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's: below 1 is less. None without a peer, or where the peer took nothing."""
        return self.ours / self.peer if self.peer else None


def measure(sample: Sample) -> float:
    """One measurement in seconds, or in the unit of the number that ``sample`` returns."""
    start = time.perf_counter()
    value = sample()
    elapsed = time.perf_counter() - start
    return elapsed if value is None else value


def compare(
    name: str,
    ours: Sample,
    peer: Sample | None = None,
    n: int = 5,
    *,
    unit: str = "s",
    at_most: float | None = None,
    at_most_ratio: float | None = None,
) -> Comparison:
    """Measure ``ours`` and ``peer`` in turn, ``n`` times each after one unmeasured turn, and take the medians.

    ``at_most`` is a target for ours in ``unit``, ``at_most_ratio`` one for ours over the peer's.
    """
    sides = [side for side in (ours, peer) if side is not None]
    for side in sides:
        side()
    turns = [[measure(side) for side in sides] for _ in range(n)]
    medians = [statistics.median(column) for column in zip(*turns, strict=True)]
    return judge(
        name,
        medians[0],
        medians[1] if peer is not None else None,
        unit=unit,
        at_most=at_most,
        at_most_ratio=at_most_ratio,
    )


def judge(
    name: str,
    ours: float,
    peer: float | None = None,
    *,
    unit: str = "s",
    at_most: float | None = None,
    at_most_ratio: float | None = None,
) -> Comparison:
    """A comparison of two numbers that were measured elsewhere; targets as in ``compare``."""
    targets: list[tuple[str, bool]] = []
    if at_most is not None:
        targets.append((f"at most {show(at_most, unit)}", ours <= at_most))
    if at_most_ratio is not None and peer is not None:
        targets.append((f"ratio at most {at_most_ratio:g}", ours <= at_most_ratio * peer))
    reached = all(met for _, met in targets) if targets else None
    return Comparison(name, ours, peer, unit, ", ".join(text for text, _ in targets), reached)


def show(value: float, unit: str) -> str:
    """``value`` with three significant digits, seconds and megabytes in the size that reads best."""
    if unit not in SCALES:
        return f"{value:.3g} {unit}".rstrip() if value < 1000 else f"{value:,.0f} {unit}".rstrip()
    factor, name = next(((f, n) for f, n in SCALES[unit] if abs(value) >= f), SCALES[unit][-1])
    return f"{value / factor:.3g} {name}"


def table(comparisons: Iterable[Comparison], peer: str = "smolagents") -> str:
    """The comparisons as lines of plain text in columns; ``peer`` heads the second one."""
    rows = [("", "agentnb", peer, "ratio", "target", "")]
    for row in comparisons:
        theirs = show(row.peer, row.unit) if row.peer is not None else "-"
        ratio = f"{row.ratio:.3g}" if row.ratio is not None else "-"
        verdict = {None: "", True: "reached", False: "MISSED"}[row.reached]
        rows.append((row.name, show(row.ours, row.unit), theirs, ratio, row.target, verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def in_fresh_python(code: str, python: str = sys.executable) -> float:
    """Run ``code`` in a new process and return the number that it prints last; its faults are shown and raised."""
    done = subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.split()[-1])
