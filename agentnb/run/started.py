"""The runs begun in this process, by whoever began them: the newest, and all that somebody holds."""

from __future__ import annotations

import collections
import itertools
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentnb.run.run import Run

_KEPT = 5
"""Nobody may hold a run that was begun and awaited in Python, and its person types `%agents undo` then."""

_numbers = itertools.count(1)
_runs: dict[int, weakref.ref[Run]] = {}
_newest: collections.deque[Run] = collections.deque(maxlen=_KEPT)


def note(run: Run) -> None:
    """Take in a run that begins."""
    for number in [number for number, ref in _runs.items() if ref() is None]:
        del _runs[number]
    _runs[next(_numbers)] = weakref.ref(run)
    _newest.append(run)


def newest() -> int:
    """Return the number of the run that began last, 0 where there was none."""
    return max(_runs, default=0)


def since(number: int) -> list[Run]:
    """Return the runs that began after that of ``number``, in their order."""
    return [run for key, ref in list(_runs.items()) if key > number and (run := ref()) is not None]
