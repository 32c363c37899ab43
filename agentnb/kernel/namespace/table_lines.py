"""The difference of a table of pandas' in a few lines: its columns, rows and names, and how many cells changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from agentnb.kernel.namespace.cells import Column, Past, column_line
from agentnb.kernel.namespace.summary import label, shorten_dtype
from agentnb.kernel.namespace.tables import is_array
from agentnb.kernel.undo.comparison import Changed
from agentnb.kernel.undo.frames import Blocks, blocks_of, columns_of, is_same_memory

_COLUMNS = 6
_INSIDE = 100_000  # cells of objects that are looked into

Place = tuple[Any, int]
"""The label of a column, and how many of the same label come before it."""


def former_blocks(frame: Any, changed: Changed | None) -> tuple[Blocks, Blocks]:
    """Return how a table lay in memory before and lies there now."""
    now = blocks_of(frame)
    return (changed.before[2] if changed is not None else now), now


def table_lines(before: Blocks, after: Blocks, past: Past) -> Iterator[str]:
    """Tell which columns are new, gone, of another dtype, and how many cells of the others changed."""
    if len(before.axes) == 1:  # a Series
        old, new = columns_of(before)[0], columns_of(after)[0]
        if _dtype(old) != _dtype(new):
            yield f"dtype: {_dtype(old)} → {_dtype(new)}"
        yield from _axis_lines(before, after, past)
        yield from _column_lines([("values", old, new)], past)
        return
    olds, news = _places(before), _places(after)
    added, gone = [each for each in news if each not in olds], [each for each in olds if each not in news]
    renamed = _renamed(olds, news) if added else []
    if renamed:
        yield from _names("renamed", [f"{label(old)} → {label(new)}" for old, new in renamed], len(renamed))
        both = [(label(place[0]), old, news[place]) for old, place in zip(olds.values(), news, strict=True)]
    else:
        yield from _names("added", [f"{label(p[0])} {_dtype(news[p])}" for p in added[: _COLUMNS + 1]], len(added))
        yield from _names("dropped", [label(place[0]) for place in gone[: _COLUMNS + 1]], len(gone))
        both = [(label(place[0]), olds[place], new) for place, new in news.items() if place in olds]
        if not added and not gone and list(olds) != list(news):
            yield "columns in another order"
    for name, old, new in [each for each in both if _dtype(each[1]) != _dtype(each[2])][:_COLUMNS]:
        yield f"{name}: {_dtype(old)} → {_dtype(new)}"
    yield from _axis_lines(before, after, past)
    yield from _column_lines(both, past)


def _places(blocks: Blocks) -> dict[Place, Column]:
    seen: dict[Any, int] = {}
    found: dict[Place, Column] = {}
    for name, column in zip(blocks.axes[0], columns_of(blocks), strict=True):
        seen[name] = seen.get(name, -1) + 1
        found[name, seen[name]] = column
    return found


def _renamed(olds: dict[Place, Column], news: dict[Place, Column]) -> list[tuple[Any, Any]]:
    """Return the columns that have another label but lie where they lay; none where others came or went as well."""
    if len(olds) != len(news):
        return []
    pairs = [(old, new) for old, new in zip(olds, news, strict=True) if old != new]
    moved = any(old in news or new in olds or not _is_in_place(olds[old], news[new]) for old, new in pairs)
    return [] if moved else [(old[0], new[0]) for old, new in pairs]


def _is_in_place(old: Column, new: Column) -> bool:
    if is_array(type(old[1])) and is_array(type(new[1])):
        return is_same_memory(old[1], new[1])
    return old[0] is new[0]


def _names(word: str, names: list[str], count: int) -> Iterator[str]:
    if names:
        shown = ", ".join(names[:_COLUMNS]) + (f", … {count - _COLUMNS:,} more" if count > _COLUMNS else "")
        yield f"column{'' if count == 1 else 's'} {word}: {shown}"


def _dtype(column: Column) -> str:
    return shorten_dtype(column[1].dtype)


def _axis_lines(before: Blocks, after: Blocks, past: Past) -> Iterator[str]:
    old, new = before.axes[-1], after.axes[-1]
    if len(old) != len(new):
        yield f"rows: {len(old):,} → {len(new):,}"
    elif old is not new and not old.equals(new):
        yield "rows in another order, or another index"
    words = ("index",) if len(before.axes) == 1 else ("columns", "index")
    for word, one, other in zip(words, before.axes, after.axes, strict=True):
        names = _former_names(one, past), list(other.names)
        if names[0] != names[1] and any(name is not None for name in (*names[0], *names[1])):
            yield f"{word} named: {_named(names[0])} → {_named(names[1])}"
    changed, freq = past.changed.get(id(new)), getattr(new, "freq", None)
    if changed is not None and changed.before.get("_freq", freq) != freq:
        yield f"frequency of the index: {changed.before['_freq']} → {freq}"


def _former_names(axis: Any, past: Past) -> list[Any]:
    changed = past.changed.get(id(axis))
    if changed is None:
        return list(axis.names)
    return list(changed.before["_names"]) if "_names" in changed.before else [changed.before.get("_name")]


def _named(names: list[Any]) -> str:
    return ", ".join("None" if name is None else label(name) for name in names)


def _column_lines(columns: list[tuple[str, Column, Column]], past: Past) -> Iterator[str]:
    known: dict[int, Any] = {}
    lines: list[str] = []
    for name, old, new in columns:
        same = len(old[1]) == len(new[1]) and _dtype(old) == _dtype(new)
        line = column_line(old, new, past, known) if same else ""
        inside = _changed_inside(new[1], past)
        lines += [f"{name}: {line}"] if line else []
        lines += [f"{name}: changed inside {inside:,} cell{'' if inside == 1 else 's'}"] if inside else []
        if len(lines) > _COLUMNS:
            break
    yield from lines[:_COLUMNS]
    if len(lines) > _COLUMNS:
        yield "… more columns"


def _changed_inside(column: Any, past: Past) -> int:
    """Count the cells whose objects were changed in place."""
    if not is_array(type(column)) or not column.dtype.hasobject or not past.changed:
        return 0
    return sum(id(each) in past.changed for each in itertools.islice(column, _INSIDE))
