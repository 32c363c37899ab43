"""How many cells of a table and elements of an array changed, and from what to what."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from agentnb.kernel.namespace.summary import label, shorten_dtype
from agentnb.kernel.namespace.tables import is_array, plain_view
from agentnb.kernel.undo.frames import Blocks, blocks_of, columns_of, former_extension, is_same_memory
from agentnb.kernel.undo.memento import Changed
from agentnb.kernel.undo.memory import Header, Moved, Writes, Written, header_of, span
from agentnb.kernel.undo.pages import view

_CHUNK = 1 << 18  # elements compared between two looks at the clock
_LEAST = 4096  # elements compared however late it is
_MOST_WRITTEN = 16 << 20  # bytes of written memory that are looked at element by element
_COLUMNS = 6


class _Cells(NamedTuple):
    """The values of changed cells before and after; ``whole`` is False where not all were looked at."""

    before: Any
    after: Any
    whole: bool = True


class Past(NamedTuple):
    """What is known of the time before: what was written, which objects changed, and until when to look at it."""

    writes: Writes
    changed: Mapping[int, Changed]
    deadline: float

    def former(self, value: Any) -> Any | None:
        """Return an array of objects, or an extension array, as it was; None where it did not change itself."""
        changed = self.changed.get(id(value))
        if changed is None:
            return None
        return changed.before if is_array(type(value)) else former_extension(value, changed.before)


def former_blocks(frame: Any, changed: Changed | None) -> tuple[Blocks, Blocks]:
    """Return how a table lay in memory before and lies there now."""
    now = blocks_of(frame)
    return (changed.before[2] if changed is not None else now), now


def frame_lines(before: Blocks, after: Blocks, past: Past) -> Iterator[str]:
    """Tell which columns are new, gone, of another dtype, and how many cells of the others changed."""
    olds, news = columns_of(before), columns_of(after)
    if len(before.axes) == 1:  # a Series
        yield from _rows(before, after)
        yield from _column_lines([("values", olds[0], news[0])], past)
        return
    old_names, new_names = before.axes[0], after.axes[0]
    places = {name: place for place, name in enumerate(old_names)} if old_names.is_unique else {}
    added = [name for name in new_names if name not in places]
    gone = [name for name in old_names if name not in set(new_names)]
    if old_names.is_unique and new_names.is_unique:
        yield from _names(
            "added", [f"{label(n)} {_dtype(news[new_names.get_loc(n)])}" for n in added[: _COLUMNS + 1]], len(added)
        )
        yield from _names("dropped", [label(name) for name in gone[: _COLUMNS + 1]], len(gone))
        both = [
            (label(name), olds[places[name]], news[place]) for place, name in enumerate(new_names) if name in places
        ]
        if not added and not gone and list(old_names) != list(new_names):
            yield "columns in another order"
    else:
        both = [(label(name), old, new) for name, old, new in zip(new_names, olds, news, strict=False)]
    for name, old, new in [each for each in both if _dtype(each[1]) != _dtype(each[2])][:_COLUMNS]:
        yield f"{name}: {_dtype(old)} → {_dtype(new)}"
    yield from _rows(before, after)
    yield from _column_lines(both, past)


def _names(word: str, names: list[str], count: int) -> Iterator[str]:
    if names:
        shown = ", ".join(names[:_COLUMNS]) + (f", … {count - _COLUMNS:,} more" if count > _COLUMNS else "")
        yield f"column{'' if count == 1 else 's'} {word}: {shown}"


def _dtype(column: tuple[Any, Any, int | None]) -> str:
    return shorten_dtype(column[1].dtype)


def _rows(before: Blocks, after: Blocks) -> Iterator[str]:
    old, new = before.axes[-1], after.axes[-1]
    if len(old) != len(new):
        yield f"rows: {len(old):,} → {len(new):,}"
    elif old is not new and not old.equals(new):
        yield "rows in another order, or another index"


def _column_lines(columns: list[tuple[str, Any, Any]], past: Past) -> Iterator[str]:
    known: dict[int, _Elements | None] = {}
    shown = 0
    for name, old, new in columns:
        if len(old[1]) != len(new[1]) or _dtype(old) != _dtype(new):
            continue
        cells = _column_cells(old, new, past, known)
        if cells is None or not len(cells.before):
            continue
        shown += 1
        if shown > _COLUMNS:
            yield "… more columns"
            return
        yield f"{name}: {_told(cells, len(new[1]), 'cell')}"


def _column_cells(
    old: tuple[Any, Any, int | None], new: tuple[Any, Any, int | None], past: Past, known: dict[int, _Elements | None]
) -> _Cells | None:
    """Return the cells of a column that changed; None where it is known that none did."""
    values, row = new[0], new[2]
    plain = is_array(type(old[1])) and is_array(type(new[1])) and is_same_memory(old[1], new[1])
    if not plain and old[0] is not values:
        return _compared(old[1], new[1], past.deadline)
    inner = getattr(values, "_ndarray", values)
    former = past.former(inner)
    if former is not None:
        both = (former, inner) if row is None else (former[row], inner[row])
        return _compared(*both, past.deadline)
    return _written_cells(old[0], old[2], past.writes, known)


# --- arrays -----------------------------------------------------------------------------------------------------------


class _Elements(NamedTuple):
    """Changed elements of an array: where in its memory, and their values."""

    places: Any
    before: Any
    after: Any
    whole: bool = True


def array_line(array: Any, past: Past) -> Iterator[str]:
    """Tell how many elements of an array changed in place."""
    changed = past.changed.get(id(array))
    if changed is not None and isinstance(changed.before, Moved):
        yield from _layout_lines(changed.before.header, array)
        return
    if changed is not None and isinstance(changed.before, bool):
        yield "can be written to again" if array.flags.writeable else "made read-only"
    if changed is not None and is_array(type(changed.before)):
        yield from compare_arrays(changed.before, plain_view(array), past.deadline)
        return
    found = _elements(plain_view(array), past.writes)
    if found is None:
        yield "some of its elements changed"
    elif len(found.places):
        yield _told(_Cells(found.before, found.after, found.whole), array.size, "element")


def _layout_lines(was: Header, array: Any) -> Iterator[str]:
    if was.shape != tuple(array.shape):
        yield f"shape: {was.shape} → {tuple(array.shape)}"
    if was.dtype != array.dtype:
        yield f"{was.dtype} → {array.dtype}"


def compare_arrays(was: Any, value: Any, deadline: float) -> Iterator[str]:
    """Tell how many elements differ between two arrays of one shape."""
    if was.shape != value.shape or was.dtype != value.dtype:
        return
    cells = _compared(plain_view(was).reshape(-1), plain_view(value).reshape(-1), deadline)
    if cells is not None and len(cells.before):
        yield _told(cells, value.size, "element")


def _elements(array: Any, writes: Writes) -> _Elements | None:
    """Return the elements whose memory was written to something else; None where it does not lie together."""
    import numpy as np

    if not array.flags.forc:
        return None
    start, size = span(header_of(array))
    found, looked, whole = [], 0, True
    for piece in writes.within(start, size):
        if looked >= _MOST_WRITTEN:
            whole = False
            break
        looked += piece.size
        found.append(_piece_elements(array, start, size, piece, writes))
    if not found:
        nothing = array.reshape(-1)[:0]
        return _Elements(np.empty(0, np.int64), nothing, nothing)
    places, before, after = (np.concatenate(column) for column in zip(*found, strict=True))
    return _Elements(places, before, after, whole)


def _piece_elements(array: Any, start: int, size: int, piece: Written, writes: Writes) -> tuple[Any, Any, Any]:
    import numpy as np

    item = array.itemsize
    low = max(piece.start - start, 0) // item * item
    high = min(-(-(piece.start + piece.size - start) // item) * item, size)
    now = view(start + low, high - low).copy()
    was = now.copy()
    first, last = max(piece.start, start + low), min(piece.start + piece.size, start + high)
    was[first - start - low : last - start - low] = writes.before(piece)[first - piece.start : last - piece.start]
    places = np.flatnonzero((now != was).reshape(-1, item).any(axis=1))
    return places + low // item, was.view(array.dtype)[places], now.view(array.dtype)[places]


def _written_cells(values: Any, row: int | None, writes: Writes, known: dict[int, _Elements | None]) -> _Cells | None:
    """Return the changed cells of a column that lies where it lay."""
    import numpy as np

    if not writes.written:
        return None
    memory = values if is_array(type(values)) else getattr(values, "_ndarray", getattr(values, "_data", None))
    if memory is None or not is_array(type(memory)) or memory.dtype.hasobject:
        return None
    if id(memory) not in known:
        known[id(memory)] = _elements(plain_view(memory), writes)
    found = known[id(memory)]
    if found is None:
        return None
    mine = np.ones(len(found.places), bool)
    if row is not None and memory.ndim == 2:
        across = memory.shape[1] if memory.flags.c_contiguous else 1
        mine = found.places // across % memory.shape[0] == row
    return _Cells(found.before[mine], found.after[mine], found.whole)


def _compared(old: Any, new: Any, deadline: float) -> _Cells | None:
    """Compare two columns as far as the time goes; those of extension types are only said to differ."""
    import numpy as np

    if not (is_array(type(old)) and is_array(type(new))):
        late = time.perf_counter() > deadline or len(old) > _CHUNK
        head = slice(_LEAST if late else None)
        one, other = np.asarray(old[head], dtype=object), np.asarray(new[head], dtype=object)
        differ = _differ(one, other)
        return _Cells(one[differ], other[differ], not late)
    olds, news, start = [], [], 0
    while start < len(old):
        if time.perf_counter() > deadline:
            size = max(_LEAST - start, 0)
            differ = _differ(old[start : start + size], new[start : start + size])
            olds.append(old[start : start + size][differ])
            news.append(new[start : start + size][differ])
            return _Cells(_joined(olds, old), _joined(news, new), False)
        one, other = old[start : start + _CHUNK], new[start : start + _CHUNK]
        differ = _differ(one, other)
        olds.append(one[differ])
        news.append(other[differ])
        start += _CHUNK
    return _Cells(_joined(olds, old), _joined(news, new))


def _differ(one: Any, other: Any) -> Any:
    import numpy as np

    if one.dtype.hasobject:
        pairs = zip(one.tolist(), other.tolist(), strict=True)
        return np.fromiter((a is not b and a != b and not (a != a and b != b) for a, b in pairs), bool, len(one))
    differ = one != other
    return differ & ~((one != one) & (other != other))


def _joined(parts: list[Any], like: Any) -> Any:
    import numpy as np

    return np.concatenate(parts) if parts else like[:0]


# --- in words ---------------------------------------------------------------------------------------------------------


def _told(cells: _Cells, size: int, noun: str) -> str:
    count = len(cells.before)
    if not cells.whole:
        return f"at least {count:,} of {size:,} {noun}s"
    text = f"{count:,} of {size:,} {noun}{'' if size == 1 else 's'}"
    values = _range(cells.before), _range(cells.after)
    return f"{text} ({values[0]} → {values[1]})" if all(values) else text


def _range(values: Any) -> str:
    """Return the one value, or the least and the greatest of plain numbers; nothing for what has no order."""
    import numpy as np

    if not is_array(type(values)):
        return ""
    if len(values) == 1:
        return _literal(values[0])
    if values.dtype.kind not in "iufM":
        return ""
    known = values[~np.isnan(values)] if values.dtype.kind in "fM" and values.dtype.kind == "f" else values
    if not len(known):
        return "nan"
    low, high = known.min(), known.max()
    return _literal(low) if low == high else f"{_literal(low)} … {_literal(high)}"


def _literal(value: Any) -> str:
    item = value.item() if hasattr(value, "item") and getattr(value, "dtype", None) is not None else value
    if isinstance(item, float):
        return f"{item:.6g}"
    return repr(item)[:30] if isinstance(item, int | str | bool) else str(value)[:30]
