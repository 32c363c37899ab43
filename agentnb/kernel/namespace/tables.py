"""Arrays and data frames taken apart for fingerprints: bytes hashed where they lie, without a copy of the whole.

Libraries are looked up in ``sys.modules``, never imported.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import xxhash

_CHUNK = 16 << 20  # bytes hashed between two looks at the clock
_SLICE = 64 << 10  # bytes of one slice of a sample
_SLICES = 16  # slices of one sample, the first and the last bytes among them
_TILE = 1 << 20  # bytes gathered at a time from a block that is not contiguous


class OutOfTime(Exception):
    """The time for a full fingerprint is used up."""


class Clock:
    """Raises ``OutOfTime`` from ``check`` once ``time.perf_counter()`` has passed ``deadline``."""

    def __init__(self, deadline: float = float("inf")) -> None:
        self.deadline = deadline

    def check(self) -> None:
        """Raise ``OutOfTime`` where the deadline has passed."""
        if time.perf_counter() > self.deadline:
            raise OutOfTime


def is_array(cls: type) -> bool:
    """Whether ``cls`` is numpy's array or a subclass."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and issubclass(cls, numpy.ndarray)


def is_frame(cls: type) -> bool:
    """Whether ``cls`` is pandas' DataFrame or Series or a subclass."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and hasattr(pandas, "DataFrame") and issubclass(cls, (pandas.DataFrame, pandas.Series))


def plain_view(array: Any) -> Any:
    """Return a subclass of ndarray (masked, memmap, the user's own) as a plain view of the same memory."""
    import numpy as np

    return array if type(array) is np.ndarray else np.ndarray.view(array, np.ndarray)


def hash_bytes(data: memoryview, clock: Clock, *, sample: bool = False) -> bytes:
    """Hash a contiguous buffer of bytes with xxh3, all of it or ``_SLICES`` slices spread over it."""
    hasher = xxhash.xxh3_128()
    size = len(data)
    if sample and size > _SLICES * _SLICE:
        step, length = (size - _SLICE) / (_SLICES - 1), _SLICE
        starts = [round(i * step) for i in range(_SLICES)]
    else:
        length = _CHUNK
        starts = list(range(0, size, _CHUNK))
    for start in starts:
        hasher.update(data[start : start + length])
        clock.check()
    return hasher.digest()


def array_content(array: Any, clock: Clock, *, sample: bool) -> Any:
    """Return something small or picklable that stands for the content of a plain ndarray: a digest, or its objects.

    Sharing of memory and the order in which it is laid out do not count, only shape, dtype and values (bit for bit).
    """
    if array.dtype.hasobject:
        return _objects(array, sample)
    if array.flags.f_contiguous:
        array = array.T  # a plain array keeps its layout, so either order will do
    if sample and array.nbytes > _SLICES * _SLICE:
        array = _sample(array)
    if array.flags.c_contiguous:
        return hash_bytes(_raw(array) if array.size else memoryview(b""), clock)
    return _hash_tiles(array, clock)


def _raw(array: Any) -> memoryview:
    """Return the bytes of an array in C order, without a copy where they lie so."""
    import numpy as np

    flat: Any = np.ascontiguousarray(array).reshape(-1)
    return memoryview(flat.view(np.uint8))


def _sample(array: Any) -> Any:
    """Return a small copy of parts of an array, the same whether it lies together or not."""
    import numpy as np

    if array.ndim > 1 and not array.flags.c_contiguous:
        steps = [slice(None, None, -(-size // most)) for size, most in zip(array.shape, (64, 1024, 16), strict=False)]
        return array[tuple(steps)]
    flat = array.reshape(-1)
    length = max(1, _SLICE // array.itemsize)
    starts = np.linspace(0, flat.size - min(length, flat.size), _SLICES).astype(np.int64).tolist()
    return np.concatenate([flat[start : start + length] for start in starts])


def _objects(array: Any, sample: bool) -> Any:
    if array.dtype.kind != "O":  # a structured dtype with objects in it
        return array.tolist()
    flat = array.reshape(-1)
    return flat[:: max(1, flat.size // 256)].tolist() if sample else flat.tolist()


def _hash_tiles(array: Any, clock: Clock) -> bytes:
    """Hash an array that is not contiguous, in C order, by copies of at most about ``_TILE`` bytes."""
    hasher = xxhash.xxh3_128()
    for tile in _tiles(array):
        hasher.update(_raw(tile))
        clock.check()
    return hasher.digest()


def _tiles(array: Any) -> Iterator[Any]:
    if array.ndim == 0 or array.nbytes <= _TILE:
        yield array
        return
    rows = _TILE * array.shape[0] // array.nbytes
    if rows == 0:
        for part in array:
            yield from _tiles(part)
        return
    for start in range(0, array.shape[0], rows):
        yield array[start : start + rows]


# --- pandas -----------------------------------------------------------------------------------------------------------


def frame_content(frame: Any, clock: Clock, *, sample: bool) -> tuple[Any, ...]:
    """Return the content of a DataFrame or Series, column by column, for pickling.

    By column, since pandas may join its blocks while it only reads (``df.values``, ``df.sum()``): the blocks are not
    content. Raises ``AttributeError`` where pandas' inner structure is not the one known (2.2 to 3.1).
    """
    manager = frame._mgr
    if frame.ndim == 1:
        columns: list[Any] = [_column(manager.blocks[0].values, clock, sample)]
    else:
        columns = [None] * manager.shape[0]
        for block in manager.blocks:
            places = block.mgr_locs.as_array.tolist()
            for place, content in zip(places, _block(block.values, len(places), clock, sample), strict=True):
                columns[place] = content
    return (
        columns,
        list(manager.axes),
        getattr(frame, "_name", None),
        frame.attrs,
        frame.flags.allows_duplicate_labels,
    )


def _block(values: Any, width: int, clock: Clock, sample: bool) -> list[Any]:
    if is_array(type(values)) and values.ndim == 2 and not sample and _is_by_row(values):
        return _hash_rows(values, clock)
    if getattr(values, "ndim", 1) == 2:
        return [_column(values[i], clock, sample) for i in range(width)]
    return [_column(values, clock, sample)]


def _column(values: Any, clock: Clock, sample: bool) -> Any:
    if is_array(type(values)):
        return str(values.dtype), values.shape, array_content(plain_view(values), clock, sample=sample)
    return values  # an extension array: the pickler's business


def _is_by_row(values: Any) -> bool:
    """Whether each row of the table lies together, as in a frame made from a 2-D array."""
    return (
        not values.dtype.hasobject and values.shape[0] > 1 and values.nbytes > _TILE and not values.flags.c_contiguous
    )


def _hash_rows(values: Any, clock: Clock) -> list[Any]:
    """Hash the columns of a block whose rows lie together, tile by tile: one pass over the memory for all columns."""
    import numpy as np

    width, rows = values.shape
    hashers = [xxhash.xxh3_128() for _ in range(width)]
    step = max(1, _TILE * rows // values.nbytes)
    for start in range(0, rows, step):
        tile = np.ascontiguousarray(values[:, start : start + step]).view(np.uint8)
        for hasher, row in zip(hashers, tile, strict=True):
            hasher.update(memoryview(row))
        clock.check()
    return [(str(values.dtype), (rows,), hasher.digest()) for hasher in hashers]


# --- whose memory it is -----------------------------------------------------------------------------------------------


def owners(value: Any) -> frozenset[int]:
    """Return the ids of the objects that own the memory of an array, DataFrame or Series; empty for others."""
    cls = type(value)
    if is_array(cls):
        return frozenset({id(_owner(value))})
    if is_frame(cls):
        try:
            return frozenset(id(_owner(_memory(block.values))) for block in value._mgr.blocks)
        except AttributeError:
            return frozenset()
    return frozenset()


def _memory(values: Any) -> Any:
    for name in ("_ndarray", "_codes", "_data", "_pa_array"):
        inner = getattr(values, name, None)
        if inner is not None and not callable(inner) and type(inner) is not memoryview:
            return inner
    return values


def _owner(array: Any) -> Any:
    while is_array(type(array)) and array.base is not None:
        array = array.base
    return array.obj if type(array) is memoryview else array


def size_hint(value: Any) -> int:
    """Return roughly how many bytes a fingerprint has to go through, at next to no cost; 0 where that is unknown."""
    cls = type(value)
    if is_array(cls):
        return int(value.nbytes)
    try:
        if is_frame(cls):
            return sum(int(block.values.nbytes) for block in value._mgr.blocks)
    except Exception:
        return 0
    length = _LENGTHS.get(cls)
    return 64 * length(value) if length else 0


_LENGTHS: dict[type, Callable[[Any], int]] = {
    list: list.__len__,
    dict: dict.__len__,
    set: set.__len__,
    tuple: tuple.__len__,
    bytearray: bytearray.__len__,
}
