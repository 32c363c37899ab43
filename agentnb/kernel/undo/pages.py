"""Memory as the operating system sees it: which pages were written since the newest fork."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from typing import Any

PAGE = mmap.PAGESIZE
_ENTRIES = 1 << 18  # of the page table at a time: 1 GB of memory
_EXCLUSIVE, _FILE, _SWAPPED = 56, 61, 62

Range = tuple[int, int]
"""Where a stretch of memory begins, and its bytes."""


class PagesUnknown(Exception):
    """The page table cannot be read here, or does not say what was written."""


def view(start: int, size: int) -> Any:
    """Return ``size`` bytes of this process at ``start`` as a numpy array, without a copy.

    The caller holds whatever owns the memory for as long as it uses the array.
    """
    import numpy as np

    memory: Any = (ctypes.c_uint8 * size).from_address(start)
    return np.frombuffer(memory, np.uint8)


def written(start: int, size: int) -> list[Range]:
    """Return the stretches within a span whose pages were written since the newest fork, or are not in memory.

    Exact to a page. Raises ``PagesUnknown`` where ``/proc/self/pagemap`` cannot be read.
    """
    first, last = start // PAGE, -(-(start + size) // PAGE)
    found: list[Range] = []
    try:
        with open("/proc/self/pagemap", "rb", buffering=0) as table:
            for page in range(first, last, _ENTRIES):
                count = min(_ENTRIES, last - page)
                found += [((page + begin) * PAGE, length * PAGE) for begin, length in _runs(_mask(table, page, count))]
    except OSError as error:
        raise PagesUnknown(str(error)) from None
    return [
        (max(begin, start), min(begin + length, start + size) - max(begin, start)) for begin, length in _joined(found)
    ]


def _mask(table: Any, page: int, count: int) -> Any:
    import numpy as np

    table.seek(page * 8)
    data = table.read(count * 8)
    if len(data) != count * 8:
        raise PagesUnknown("the page table ended early")
    entries = np.frombuffer(data, np.uint64)
    bits = entries >> np.uint64(_EXCLUSIVE)
    mine = (bits & np.uint64(1 | 1 << _FILE - _EXCLUSIVE)) == 1  # exclusively this process's, and of no file
    return mine | ((bits >> np.uint64(_SWAPPED - _EXCLUSIVE)) & np.uint64(1)).astype(bool)


def _runs(mask: Any) -> Iterator[Range]:
    """Yield the stretches of True in a mask as begin and length."""
    import numpy as np

    places = np.flatnonzero(mask)
    if not places.size:
        return
    cuts = np.flatnonzero(np.diff(places) != 1)
    begins = places[np.concatenate(([0], cuts + 1))].tolist()
    ends = places[np.concatenate((cuts, [places.size - 1]))].tolist()
    yield from ((begin, end - begin + 1) for begin, end in zip(begins, ends, strict=True))


def _joined(ranges: list[Range]) -> list[Range]:
    joined: list[Range] = []
    for begin, length in ranges:
        if joined and sum(joined[-1]) == begin:
            joined[-1] = joined[-1][0], joined[-1][1] + length
        else:
            joined.append((begin, length))
    return joined


def differing(start: int, before: Any, now: Any) -> list[Range]:
    """Return the stretches, in pages where they are whole, in which two arrays of bytes at ``start`` differ."""
    import numpy as np

    if np.array_equal(before, now):
        return []
    size = len(now)
    lead = -start % PAGE
    bounds = [0, *range(lead or PAGE, size, PAGE), size]
    body = (size - lead) // PAGE * PAGE
    mask = np.zeros(len(bounds) - 1, bool)
    if lead:
        mask[0] = not np.array_equal(before[:lead], now[:lead])
    if body > 0:
        first = 1 if lead else 0
        unequal = before[lead : lead + body] != now[lead : lead + body]
        mask[first : first + body // PAGE] = unequal.reshape(-1, PAGE).any(axis=1)
    if lead + max(body, 0) < size:
        mask[-1] = not np.array_equal(before[bounds[-2] :], now[bounds[-2] :])
    return [(start + bounds[begin], bounds[begin + length] - bounds[begin]) for begin, length in _runs(mask)]
