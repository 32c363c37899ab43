"""The plain memory of arrays: kept as a copy where it is little, in a frozen fork where it is much."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from mmap import mmap
from typing import Any, NamedTuple, Protocol

import xxhash

from agentnb.kernel.namespace.tables import plain_view
from agentnb.kernel.undo.pages import Range, differing, view

_PIECE = 8 << 20
INLINE = 64 << 20
"""Bytes of what was written that are copied out of a frozen fork, which can then go; of more, the fork is kept."""


class Header(NamedTuple):
    """Where an array lies and how it is laid out."""

    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: Any


def header_of(array: Any) -> Header:
    """Return where an array lies now."""
    plain = plain_view(array)
    return Header(plain.__array_interface__["data"][0], plain.shape, plain.strides, plain.dtype)


def span(header: Header) -> Range:
    """Return the stretch of memory between an array's first and last byte."""
    low = high = header.start
    for size, stride in zip(header.shape, header.strides, strict=True):
        if not size:
            return header.start, 0
        reach = (size - 1) * stride
        low, high = low + min(reach, 0), high + max(reach, 0)
    return low, high - low + int(header.dtype.itemsize)


def owner_of(array: Any) -> Any:
    """Return the object that owns an array's memory."""
    base = array
    while getattr(base, "base", None) is not None:
        base = base.base
    return base.obj if type(base) is memoryview else base


def is_shared(array: Any) -> bool:
    """Whether an array's memory is shared with a file or other processes, so that no fork freezes it."""
    owner = owner_of(array)
    return isinstance(owner, mmap) and _is_shared_mapping(header_of(array).start)


def _is_shared_mapping(address: int) -> bool:
    try:
        with open("/proc/self/maps", encoding="ascii", errors="replace") as lines:
            for line in lines:
                where, rights, *_ = line.split(maxsplit=2)
                low, high = (int(part, 16) for part in where.split("-"))
                if low <= address < high:
                    return rights.endswith("s")
    except OSError:
        pass
    return True


def merged(spans: list[Range]) -> list[Range]:
    """Return the spans in order, those that overlap joined."""
    joined: list[Range] = []
    for start, size in sorted(spans):
        if joined and start < sum(joined[-1]):  # what only touches has another owner
            first = joined[-1][0]
            joined[-1] = first, max(sum(joined[-1]), start + size) - first
        else:
            joined.append((start, size))
    return joined


class Source(Protocol):
    """Where the memory as it was can be read."""

    def read(self, start: int, size: int) -> Any:
        """Return the bytes that were at ``start``."""

    def changed(self, start: int, size: int) -> list[Range]:
        """Return the stretches of a span that may have been written."""

    def close(self) -> None:
        """Let the memory go."""


class Copies:
    """Memory as it was, copied."""

    def __init__(self, spans: list[Range]) -> None:
        self._starts = [start for start, _ in spans]
        self._copies = [view(start, size).copy() for start, size in spans]

    def read(self, start: int, size: int) -> Any:
        """Return the bytes that were at ``start``."""
        place = bisect.bisect_right(self._starts, start) - 1
        offset = start - self._starts[place]
        return self._copies[place][offset : offset + size]

    def changed(self, start: int, size: int) -> list[Range]:
        """Return the whole span: it is compared byte by byte."""
        return [(start, size)]

    def close(self) -> None:
        """Let the copies go."""
        self._starts, self._copies = [], []


class Written(NamedTuple):
    """A stretch of memory that was written: what was there before (None: in the frozen fork), and a hash of what is."""

    start: int
    size: int
    before: Any
    after: int


@dataclass
class Writes:
    """What was written in arrays during an action, and the arrays that it belongs to."""

    written: list[Written] = field(default_factory=list)
    arrays: list[tuple[Any, Header]] = field(default_factory=list)
    source: Source | None = None

    def arrays_of(self, piece: Written) -> list[tuple[Any, Header]]:
        """Return the arrays that a stretch belongs to, with where they lay."""
        return [pair for pair in self.arrays if _overlaps(piece, *span(pair[1]))]

    def before(self, piece: Written) -> Any:
        """Return the bytes before. Raises ``OSError`` where the process that held them is gone."""
        if piece.before is not None:
            return piece.before
        if self.source is None:
            raise OSError("the checkpoint was let go")
        return self.source.read(piece.start, piece.size)

    def within(self, start: int, size: int) -> Iterator[Written]:
        """Yield what was written in a span."""
        for piece in self.written:
            if _overlaps(piece, start, size):
                yield piece

    def include(self, other: Writes) -> None:
        """Add what was written elsewhere in the same time; of memory that is here already, what is here holds."""
        mine = sorted(self.written, key=lambda piece: piece.start)
        self.written += [part for piece in other.written for part in _outside(piece, mine)]
        self.arrays += other.arrays

    @property
    def size(self) -> int:
        """Bytes that were written."""
        return sum(piece.size for piece in self.written)

    def close(self) -> None:
        """Let the fork go, where one is kept."""
        if self.source is not None:
            self.source.close()
        self.source = None


def _outside(piece: Written, others: list[Written]) -> Iterator[Written]:
    """Yield the parts of a stretch that no other covers; the others are in order."""
    low, end = piece.start, piece.start + piece.size
    for start, size, *_ in [other for other in others if _overlaps(other, piece.start, piece.size)]:
        if start > low:
            yield _part(piece, low, start)
        low = start + size
    if low < end:
        yield _part(piece, low, end)


def _part(piece: Written, low: int, high: int) -> Written:
    if (low, high) == (piece.start, piece.start + piece.size):
        return piece
    before = piece.before[low - piece.start : high - piece.start]
    return Written(low, high - low, before, xxhash.xxh3_64_intdigest(view(low, high - low)))


def _overlaps(piece: Written, start: int, size: int) -> bool:
    return piece.start < start + size and start < piece.start + piece.size


class Moved(NamedTuple):
    """An array that now lies elsewhere, with its former header and bytes."""

    array: Any
    header: Header
    before: Any


class Memory:
    """The arrays that an action may write to, and their memory before it."""

    def __init__(self) -> None:
        self._arrays: dict[int, tuple[Any, Header, bool]] = {}
        self._source: Source | None = None

    def __bool__(self) -> bool:
        return bool(self._arrays)

    def add(self, array: Any) -> None:
        """Watch an array of plain values."""
        self._arrays[id(array)] = array, header_of(array), array.flags.writeable

    def drop(self, array: Any) -> None:
        """Watch an array no more."""
        self._arrays.pop(id(array), None)

    def arrays(self) -> list[Any]:
        """Return the arrays under watch."""
        return [array for array, _, _ in self._arrays.values()]

    def spans(self) -> list[Range]:
        """Return the memory under watch, without overlaps."""
        return merged([span(header) for _, header, _ in self._arrays.values()])

    def size(self) -> int:
        """Return the bytes under watch."""
        return sum(size for _, size in self.spans())

    def hold(self, freeze: Callable[[], Source] | None) -> None:
        """Keep the memory as it is, by a frozen fork where one is given, else by copies."""
        self._source = Copies(self.spans()) if freeze is None else freeze()

    def compare(self) -> tuple[Writes, list[Moved], list[Any]]:
        """Return what was written, the arrays that moved, and those that can be written now and could not, or reverse.

        The memory that was kept is let go, but for a fork that is needed further.
        """
        if self._source is None:
            return Writes(), [], []
        pairs = [(array, header, header_of(array) == header) for array, header, _ in self._arrays.values()]
        live = [(array, header) for array, header, stayed in pairs if stayed]
        moved = [(array, header) for array, header, stayed in pairs if not stayed]
        source, writes = self._source, Writes()
        try:
            for start, size in merged([span(header) for _, header in live]):
                _compare_span(source, start, size, writes)
            former = [Moved(array, header, source.read(*span(header))) for array, header in moved]
        except BaseException:
            source.close()
            raise
        if writes.written:
            writes.arrays = [pair for pair in live if any(writes.within(*span(pair[1])))]
        if any(piece.before is None for piece in writes.written):
            writes.source = source
        else:
            source.close()
        self._source = None
        locked = [array for array, _, writeable in self._arrays.values() if array.flags.writeable != writeable]
        return writes, former, locked


def _compare_span(source: Source, start: int, size: int, writes: Writes) -> None:
    for begin, length in source.changed(start, size):
        for place in range(begin, begin + length, _PIECE):
            now = view(place, min(_PIECE, begin + length - place))
            before = source.read(place, len(now))
            for found, extent in differing(place, before, now):
                offset = found - place
                inline = writes.size + extent <= INLINE
                kept = before[offset : offset + extent].copy() if inline else None
                after = xxhash.xxh3_64_intdigest(now[offset : offset + extent])
                writes.written.append(Written(found, extent, kept, after))


def former_array(array: Any, writes: Writes) -> Any:
    """Return an array with the values before: a copy of its memory in which what was written is put back."""
    import numpy as np

    header = header_of(array)
    start, size = span(header)
    memory = view(start, size).copy()
    for piece in writes.within(start, size):
        low, high = max(piece.start, start), min(piece.start + piece.size, start + size)
        memory[low - start : high - start] = writes.before(piece)[low - piece.start : high - piece.start]
    return np.ndarray(header.shape, header.dtype, buffer=memory, offset=header.start - start, strides=header.strides)


def is_written(array: Any, writes: Writes) -> bool:
    """Whether an array that overlaps with what was written holds other values now; its gaps do not count."""
    plain = plain_view(array)
    start, size = span(header_of(array))
    if plain.flags.forc or size > INLINE:
        return any(writes.within(start, size))
    import numpy as np

    one, other = np.ascontiguousarray(former_array(array, writes)), np.ascontiguousarray(plain)
    return one.tobytes() != other.tobytes()
