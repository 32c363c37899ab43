"""How objects travel between a branch and the kernel: what both have had since the fork by name, the rest by value.

Plain cloudpickle would copy the user's classes and functions: ``isinstance`` would fail, functions would have globals
of their own and drag whole tables along. Large buffers travel beside the pickle: lent, where the receiver may read the
sender's memory, else in a memory file that it maps privately. Either way one copy, and later forks of the receiver do
not share what they write.
"""

from __future__ import annotations

import functools
import io
import mmap
import os
import pickle
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle

from agentnb.kernel.fork.wire import aligned, memory_of
from agentnb.kernel.namespace.tables import is_array
from agentnb.kernel.shell import Namespace

_BESIDE = 1 << 16
"""Bytes of a buffer from which on it travels beside the pickle; less is copied, and holds no mapping alive."""
_MISSING: Any = object()
_CACHED: Any = type(functools.lru_cache(len))


class Ground:
    """What kernel and branch have in common: the namespace (one dict, twice) and its content at the fork.

    ``base`` is that content, by default all there is. Holds the objects: while it lives, the address of one stands for
    it on its side.
    """

    def __init__(self, namespace: Namespace, base: Mapping[str, Any] | None = None) -> None:
        self.namespace = namespace
        self.base: dict[str, Any] = dict(namespace if base is None else base)
        self.names = {id(value): name for name, value in self.base.items()}

    def add(self, name: str, value: Any) -> None:
        """Take in a variable that both sides have from now on."""
        self.base[name] = value
        self.names.setdefault(id(value), name)

    def path_of(self, value: Any) -> str | None:
        """Return the dotted path by which a class or function of the notebook was to be had at the fork."""
        name = self.names.get(id(value))
        if name is not None:
            return name
        path = getattr(value, "__qualname__", "")
        if getattr(value, "__module__", None) != "__main__" or not isinstance(path, str) or "<" in path:
            return None
        return path if self.at(path) is value else None

    def at(self, path: str) -> Any:
        """Return what was there at the fork under a path, or a marker that is equal to nothing."""
        first, *rest = path.split(".")
        value = self.base.get(first, _MISSING)
        for name in rest:
            value = vars(value).get(name, _MISSING) if isinstance(value, type) else _MISSING
        return value


@dataclass
class Parcel:
    """Packed objects, with the place and size of each large buffer in ``spans``.

    ``fd`` is the memory file that the buffers are in. Without one they are lent: ``spans`` are addresses in the sender,
    which keeps the parcel, and so ``buffers``, until they are read. The receiver puts into ``buffers`` what it read.
    """

    data: bytes
    spans: list[tuple[int, int]] = field(default_factory=list)
    fd: int | None = None
    buffers: list[Any] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.data) + sum(size for _, size in self.spans)

    def close(self) -> None:
        """Give the memory file up, unless it was unpacked."""
        fd, self.fd = self.fd, None
        if fd is not None:
            os.close(fd)


def pack(value: Any, ground: Ground, *, same: Container[int] = frozenset(), lend: bool = False) -> Parcel:
    """Return ``value`` packed; ``lend`` its large buffers instead of copying them.

    ``same`` are the ids of objects of the fork that did not change here since: they go by name. Without it only
    functions, classes and modules do. Raises whatever an object raises that cannot be pickled.
    """
    buffers: list[memoryview] = []

    def beside(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _BESIDE:
            return True
        buffers.append(raw)
        return False

    stream = io.BytesIO()
    _Pickler(stream, ground, same, buffer_callback=beside).dump(value)
    if lend:
        return Parcel(stream.getvalue(), [(_address_of(raw), raw.nbytes) for raw in buffers], buffers=list(buffers))
    spans, at = [], 0
    for raw in buffers:
        spans.append((at, raw.nbytes))
        at += aligned(raw.nbytes)
    return Parcel(stream.getvalue(), spans, memory_of(buffers) if buffers else None)


def unpack(parcel: Parcel, ground: Ground, calls: Mapping[int, Any] | None = None) -> Any:
    """Return the objects of a parcel, which is used up by it; ``calls`` are the calls under way, by number."""
    buffers = parcel.buffers
    if parcel.fd is not None:
        try:
            memory = mmap.mmap(
                parcel.fd,
                aligned(sum(parcel.spans[-1])),
                flags=mmap.MAP_PRIVATE,
                prot=mmap.PROT_READ | mmap.PROT_WRITE,
            )
        finally:
            parcel.close()
        whole = memoryview(memory)
        buffers = [whole[at : at + size] for at, size in parcel.spans]
    return _Unpickler(io.BytesIO(parcel.data), ground, calls or {}, buffers=buffers).load()


def _address_of(buffer: memoryview) -> int:
    import numpy as np

    return int(np.frombuffer(buffer, np.uint8).__array_interface__["data"][0])


class Call:
    """Marks an object that stands for a call under way in the kernel, by its number."""

    number: int


class StandIn:
    """Marks an object that stands for one of the kernel's, by its name."""

    name: str


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    def __init__(self, stream: io.BytesIO, ground: Ground, same: Container[int], **options: Any) -> None:
        super().__init__(stream, protocol=5, **options)
        self._ground, self._same = ground, same

    def persistent_id(self, obj: Any) -> Any:
        if obj is self._ground.namespace:
            return ("namespace",)
        if isinstance(obj, Call):
            return "call", obj.number
        if isinstance(obj, StandIn):
            return self._for_stand_in(obj)
        if isinstance(obj, type | FunctionType | ModuleType):
            path = self._ground.path_of(obj)
            return None if path is None else ("at", path)
        if id(obj) in self._same:
            name = self._ground.names.get(id(obj))
            return None if name is None else ("at", name)
        return None

    def _for_stand_in(self, obj: StandIn) -> Any:
        # a specialist, which is handed to a call of the kernel's, goes as its name
        return ("at" if obj.name in self._ground.base else "name"), obj.name

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is FunctionType and obj.__globals__ is self._ground.namespace:
            return _reduce_function(obj)
        if is_array(type(obj)) and type(obj).__name__ == "ndarray" and obj.dtype.kind in "mM":
            # numpy gives no buffer of times: they would be copied into the pickle, and lose their byte order
            return as_dtype, (obj.view(f"{obj.dtype.byteorder}i8"), obj.dtype)
        if type(obj) is _CACHED and getattr(obj.__wrapped__, "__globals__", None) is self._ground.namespace:
            return make_cached, (obj.__wrapped__, obj.cache_parameters())  # by itself it would go by its name only
        if issubclass(type(obj), io.TextIOWrapper):  # cloudpickle would make its content an object in memory
            raise pickle.PicklingError("an open file does not travel")
        return super().reducer_override(obj)


def make_cached(function: FunctionType, parameters: Mapping[str, Any]) -> Any:
    """Return a function that remembers its results, with nothing to remember yet."""
    return functools.lru_cache(**parameters)(function)


def _reduce_function(function: FunctionType) -> Any:
    """A function of the notebook keeps the notebook's namespace as its globals, where cloudpickle makes it new ones."""
    closure = function.__closure__ or ()
    made = function.__code__, function.__globals__, function.__name__, len(closure)
    state = {
        "attributes": {
            name: getattr(function, name)
            for name in ("__defaults__", "__kwdefaults__", "__qualname__", "__doc__", "__module__", "__annotations__")
        },
        "dict": function.__dict__,
        "cells": [(at, cell.cell_contents) for at, cell in enumerate(closure) if not _is_empty(cell)],
    }
    return make_function, made, state, None, None, fill_function


def as_dtype(array: Any, dtype: Any) -> Any:
    """Return the same memory as another type of the same size."""
    return array.view(dtype)


def make_function(code: CodeType, namespace: Namespace, name: str, cells: int) -> FunctionType:
    """Return a function without its state, so that it can refer to itself."""
    return FunctionType(code, namespace, name, None, tuple(CellType() for _ in range(cells)))


def fill_function(function: FunctionType, state: dict[str, Any]) -> None:
    """Give a function its defaults, attributes and the content of its closure."""
    for name, value in state["attributes"].items():
        setattr(function, name, value)
    function.__dict__.update(state["dict"])
    for at, content in state["cells"]:
        (function.__closure__ or ())[at].cell_contents = content


def _is_empty(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018  # to ask is to raise
    except ValueError:
        return True
    return False


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, ground: Ground, calls: Mapping[int, Any], **options: Any) -> None:
        super().__init__(stream, **options)
        self._ground, self._calls = ground, calls

    def persistent_load(self, pid: Any) -> Any:
        match pid:
            case ("namespace",):
                return self._ground.namespace
            case ("call", number):
                return self._calls[number]
            case ("name", name):
                return name
            case ("at", path):
                value = self._ground.at(path)
                if value is _MISSING:
                    raise pickle.UnpicklingError(f"it refers to `{path}`, which is not here")
                return value
        raise pickle.UnpicklingError(f"an object {pid!r} that is not known here")
