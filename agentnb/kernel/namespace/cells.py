"""How many cells of a table and elements of an array changed, and from what to what."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from agentnb.kernel.namespace.kinds import root
from agentnb.kernel.namespace.summary import summarize
from agentnb.kernel.namespace.tables import is_array, plain_view
from agentnb.kernel.undo.comparison import Changed
from agentnb.kernel.undo.frames import extension_of, former_parts, is_same_memory
from agentnb.kernel.undo.memory import INLINE, Header, Moved, Writes, Written, former_array, header_of, span
from agentnb.kernel.undo.pages import view

_CHUNK = 1 << 18  # elements compared between two looks at the clock
_LEAST = 4096  # elements compared however late it is
_MOST_WRITTEN = 16 << 20  # bytes of written memory that are looked at element by element

Column = tuple[Any, Any, int | None]
"""The values a column lies in, the column, and its row there (None for an array of its own)."""


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
        """Return an array, or an extension array, as it was; None where it is as it was, or too large to tell."""
        changed = self.changed.get(id(value))
        if not is_array(type(value)):
            return self._former_extension(value, changed)
        if value.dtype.hasobject:
            return changed.before if changed is not None and is_array(type(changed.before)) else None
        if changed is not None and isinstance(changed.before, Moved):
            return None
        start, size = span(header_of(value))
        touched = size <= INLINE and any(self.writes.within(start, size))
        return former_array(plain_view(value), self.writes) if touched else None

    def _former_extension(self, value: Any, changed: Changed | None) -> Any | None:
        parts = former_parts(value, changed.before if changed is not None else None)
        former = {name: self.former(part) for name, part in parts.items() if is_array(type(part))}
        known = {name: part for name, part in former.items() if part is not None}
        return extension_of(value, parts | known) if known or changed is not None else None


def column_line(old: Column, new: Column, past: Past, known: dict[int, _Elements | None]) -> str:
    """Tell how many cells of a column changed; the empty string where it is known that none did."""
    cells = _column_cells(old, new, past, known)
    return _told(cells, len(new[1]), "cell") if cells is not None and len(cells.before) else ""


def values_line(old: Any, new: Any, deadline: float) -> str:
    """Tell how many values differ between two arrays of one length; the empty string where none does."""
    cells = _compared(old, new, deadline)
    return _told(cells, len(new), "cell") if cells is not None and len(cells.before) else ""


def _column_cells(old: Column, new: Column, past: Past, known: dict[int, _Elements | None]) -> _Cells | None:
    """Return the cells of a column that changed; None where it is known that none did."""
    old, new = _plain(old), _plain(new)
    plain = is_array(type(old[1])) and is_array(type(new[1]))
    if not plain or old[1].dtype.hasobject:
        whole = past.former(old[0])
        if whole is None and old[0] is new[0] and old[2] == new[2]:
            return None
        column = old[1] if whole is None else whole if old[2] is None else whole[old[2]]
        return _compared(column, new[1], past.deadline)
    if is_same_memory(old[1], new[1]):
        return _written_cells(old[0], old[2], past.writes, known)
    former = past.former(old[1])
    return _compared(old[1] if former is None else former, new[1], past.deadline)


def _plain(column: Column) -> Column:
    """Return a column of points in time without a zone, or of durations, as the numbers that they are kept as."""
    values, inner, row = column
    times = getattr(inner, "_ndarray", None)
    if times is None or times.dtype.kind not in "Mm" or getattr(inner.dtype, "tz", None) is not None:
        return column
    return values._ndarray, times, row


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
        former = past.former(array)
        yield from ["some of its elements changed"] if former is None else compare_arrays(former, array, past.deadline)
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
    """Return the changed cells of a column of plain values that lies where it lay."""
    import numpy as np

    if not writes.written:
        return None
    if id(values) not in known:
        known[id(values)] = _elements(plain_view(values), writes)
    found = known[id(values)]
    if found is None:
        return None
    mine = np.ones(len(found.places), bool)
    if row is not None and values.ndim == 2:
        across = values.shape[1] if values.flags.c_contiguous else 1
        mine = found.places // across % values.shape[0] == row
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
        return np.fromiter((a is not b and _is_other(a, b) for a, b in pairs), bool, len(one))
    differ = one != other
    return differ & ~((one != one) & (other != other))


def _is_other(one: Any, other: Any) -> bool:
    """Whether two objects differ; only values are compared, an object of any other class is another one."""
    if type(one) is not type(other) or root(type(one)) not in _VALUES:
        return True
    try:
        return bool(one != other) and not (bool(one != one) and bool(other != other))
    except Exception:  # containers that hold what cannot be compared
        return True


_VALUES = frozenset({"builtins", "datetime", "decimal", "fractions", "uuid", "numpy", "pandas"})


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
    if values.dtype.kind not in "iufMm":
        return ""
    missing = np.isnat(values) if values.dtype.kind in "Mm" else np.isnan(values)
    known = values[~missing]
    ends = dict.fromkeys(map(_literal, [known.min(), known.max()] if len(known) else []))
    return " or ".join([*filter(None, [" … ".join(ends)]), *map(_literal, values[missing][:1])])


def _literal(value: Any) -> str:
    if root(type(value)) not in _VALUES or isinstance(value, list | tuple | dict | set | frozenset):
        return summarize(value, limit=30)  # what has code of its own is not asked for its text
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "M":
        return re.sub(r"T00:00:00(\.0+)?$|\.0+$", "", str(value))
    if kind == "m":
        return str(value.astype("m8[us]").item())
    item = value.item() if kind and hasattr(value, "item") else value
    if isinstance(item, float):
        return f"{item:.6g}"
    return repr(item)[:30] if isinstance(item, int | str | bool) else str(value)[:30]
