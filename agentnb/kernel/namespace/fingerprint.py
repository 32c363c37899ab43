"""Fingerprints of objects: equal before and after an action that left the content as it was, different otherwise.

A fingerprint is xxh3 over the object's pickle stream, never held in memory; arrays and the columns of data frames are
hashed where they lie. What cannot be pickled inside (locks, files, generators) counts as itself, by identity.
"""

from __future__ import annotations

import copyreg
import itertools
import pickle
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import xxhash

from agentnb.kernel.namespace.kinds import ATOMS, attributes, root, type_name
from agentnb.kernel.namespace.tables import (
    Clock,
    OutOfTime,
    array_content,
    frame_content,
    hash_bytes,
    is_array,
    is_frame,
    plain_view,
)


class Fingerprint(NamedTuple):
    """``exact`` is False where only samples of the content were looked at."""

    digest: bytes
    exact: bool


def fingerprint(value: object, *, deadline: float = float("inf")) -> Fingerprint:
    """Return the fingerprint of any object, exact where it is done by ``deadline`` (in ``time.perf_counter()``).

    Raises nothing of the object's own; code of the user's classes (``__reduce__``, ``__getstate__``) is not called.
    """
    clock = Clock(deadline)
    for fast in (True, False):
        try:
            return Fingerprint(_dump(value, clock, sample=False, fast=fast), True)
        except OutOfTime:
            break
        except Exception:  # a cycle of builtin containers in fast mode; too deep a nesting in either
            continue
    return sketch(value)


def sketch(value: object) -> Fingerprint:
    """Return a fingerprint from samples: elements and 64 kB slices spread over the object, within some milliseconds."""
    try:
        thin = _Thinner().thin(value)
        return Fingerprint(_dump(thin, Clock(), sample=True, fast=False), False)
    except Exception:  # an object of a library that breaks when it is looked at
        return Fingerprint(b"unknown", False)


def is_opaque(value: object) -> bool:
    """Whether an object is not looked into: code, modules, files, locks, figures, the machinery of frameworks."""
    cls = type(value)
    return cls in ATOMS or cls in _OPAQUE_TYPES or root(cls) in _OPAQUE_PACKAGES or issubclass(cls, type)


_OPAQUE_TYPES = frozenset(
    {
        types.MethodType,
        types.GeneratorType,
        types.CoroutineType,
        types.AsyncGeneratorType,
        types.CodeType,
        types.FrameType,
        types.TracebackType,
        types.CellType,
        types.GetSetDescriptorType,
        types.MemberDescriptorType,
        types.MethodWrapperType,
        types.WrapperDescriptorType,
        property,
        staticmethod,
        classmethod,
        zip,
        map,
        filter,
        enumerate,
        reversed,
    }
)
_FRAMEWORKS = [
    "IPython",
    "agentnb",
    "httpx",
    "ipykernel",
    "ipywidgets",
    "matplotlib",
    "openai",
    "requests",
    "smolagents",
]
_MACHINERY = [
    "asyncio",
    "concurrent",
    "contextvars",
    "io",
    "itertools",
    "logging",
    "multiprocessing",
    "queue",
    "selectors",
]
_MACHINERY += ["socket", "sqlite3", "ssl", "subprocess", "threading", "traitlets", "weakref", "zmq"]
_INNER = ["_asyncio", "_io", "_queue", "_socket", "_thread", "_weakref"]
_OPAQUE_PACKAGES = frozenset([*_FRAMEWORKS, *_MACHINERY, *_INNER])
_CACHES = frozenset({"cached_property", "cache_readonly", "CachedProperty", "lazyproperty", "reify"})
"""Names of the descriptors that keep what they computed in the instance: reading must not look like a change."""


class _Sink:
    """A file for the pickler that keeps nothing but a hash."""

    def __init__(self, clock: Clock) -> None:
        self.hasher = xxhash.xxh3_128()
        self._clock = clock

    def write(self, data: Any) -> int:
        self.hasher.update(data)
        self._clock.check()
        return len(data)


def _dump(value: object, clock: Clock, *, sample: bool, fast: bool) -> bytes:
    sink = _Sink(clock)
    pickler = _Pickler(sink, clock, sample)
    pickler.fast = fast  # no memo: five times faster; cycles through instances are cut by ``_Pickler._seen``
    try:
        pickler.dump(value)
    finally:
        pickler.forget()
    return sink.hasher.digest()


def _token(*parts: object) -> None:
    """Stand in the stream for an object that is written by its parts; nothing ever loads the stream."""


class _Pickler(pickle.Pickler):
    """Writes a stream that is only hashed: instances by class, attributes and elements, opaque objects by identity."""

    def __init__(self, sink: _Sink, clock: Clock, sample: bool) -> None:
        super().__init__(sink, protocol=5, buffer_callback=self._buffer)
        self._sink, self._clock, self._sample = sink, clock, sample
        self._seen: dict[int, tuple[int, object]] = {}
        self._ways: dict[type, Callable[[Any], Any]] = {type(_token): _by_identity}

    def forget(self) -> None:
        """Let go of the objects at once: the pickler is part of a cycle."""
        self._seen.clear()
        self._ways.clear()
        self.clear_memo()

    def _buffer(self, buffer: pickle.PickleBuffer) -> bool:
        self._sink.write(hash_bytes(buffer.raw(), self._clock, sample=self._sample))
        return False

    def reducer_override(self, obj: Any) -> Any:
        """Take over for everything but plain builtins, which the C pickler writes by itself."""
        if obj is _token:
            return NotImplemented
        seen = self._seen.get(id(obj))
        if seen is not None:
            return _token, (seen[0],)
        self._clock.check()
        self._seen[id(obj)] = len(self._seen), obj
        cls = type(obj)
        way = self._ways.get(cls)
        if way is None:
            way = self._ways[cls] = self._way(cls, obj)
        return way(obj)

    def _way(self, cls: type, obj: object) -> Callable[[Any], Any]:
        if is_opaque(obj):
            return _by_identity
        if is_array(cls):
            return self._array
        if is_frame(cls):
            return self._frame
        if root(cls) == "torch" and hasattr(cls, "_version"):
            return _tensor
        if _has_plain_state(cls):
            ignored = cached_names(cls)
            return lambda value: _by_state(value, ignored)
        return _by_reduction

    def _array(self, array: Any) -> Any:
        plain = plain_view(array)
        content = array_content(plain, self._clock, sample=self._sample)
        extra = {k: v for k, v in getattr(array, "__dict__", {}).items() if k not in ("_fill_value", "_basedict")}
        return _token, (id(type(array)), str(plain.dtype), plain.shape, content, extra)

    def _frame(self, frame: Any) -> Any:
        try:
            return _token, (id(type(frame)), *frame_content(frame, self._clock, sample=self._sample))
        except AttributeError:
            return _by_reduction(frame)


def _by_identity(value: object) -> Any:
    return _token, (id(value),)


def _has_plain_state(cls: type) -> bool:
    """Whether an instance is its attributes and elements; only a library may say otherwise, not the user's class."""
    if not cls.__flags__ & (1 << 9) or root(cls) == "builtins" or cls in copyreg.dispatch_table:  # not a heap type
        return False
    for method in ("__reduce_ex__", "__reduce__", "__getstate__"):
        teller = next(base for base in cls.__mro__ if method in base.__dict__)
        if teller is not object and root(teller) != "__main__":
            return False
    return True


def cached_names(cls: type) -> frozenset[str]:
    """Return the attributes of ``cls`` that a cached property keeps in the instance, and pandas' own caches."""
    found = {"_cache", "_item_cache"} if root(cls) == "pandas" else set()
    for base in cls.__mro__:
        found |= {name for name, kept in base.__dict__.items() if type_name(type(kept)) in _CACHES}
    return frozenset(found)


def _by_state(value: Any, ignored: frozenset[str]) -> Any:
    state = attributes(value)
    for name in ignored.intersection(state):
        del state[name]
    cls = type(value)
    for base in (int, float, str, bytes, tuple, frozenset, set, bytearray, complex):
        if issubclass(cls, base):
            return _token, (id(cls), _base_content(value, base)), state
    items = iter(list.__iter__(value)) if issubclass(cls, list) else None
    pairs = iter(dict.items(value)) if issubclass(cls, dict) else None
    return _token, (id(cls),), state, items, pairs


def _base_content(value: Any, base: type) -> Any:
    """Return the builtin part of an instance of a subclass, past the subclass's own methods."""
    if base in (tuple, set, frozenset):
        return list(base.__iter__(value))
    if base in (bytes, bytearray):
        return bytes(memoryview(value))
    new_arguments: Callable[[Any], tuple[Any]] = base.__dict__["__getnewargs__"]
    return new_arguments(value)[0]


def _by_reduction(value: Any) -> Any:
    """Write an object as the library itself wants it pickled; by identity where it cannot be."""
    try:
        reducer = copyreg.dispatch_table.get(type(value))
        reduced = reducer(value) if reducer else value.__reduce_ex__(5)
    except (OutOfTime, RecursionError):
        raise
    except Exception:
        return _by_identity(value)
    if isinstance(reduced, str) or not callable(reduced[0]):
        return _by_identity(value)
    function, arguments, *rest = reduced
    rest = [_without_cache(value, rest[0]), *rest[1:3]] if rest else []
    if rest and type(rest[0]) is dict and not rest[0]:
        rest[0] = None  # an empty ``__dict__`` is made where somebody asks for it
    while rest and rest[-1] is None:
        rest.pop()
    maker = getattr(function, "__qualname__", id(function))  # a bound one is another object each time
    return _token, (id(type(value)), maker, *(a for a in arguments if not isinstance(a, type))), *rest


def _without_cache(value: object, state: Any) -> Any:
    """Drop what pandas' arrays keep of what they computed, ``_cache`` in the state or in a dict at its end."""
    if root(type(value)) != "pandas":
        return state
    if isinstance(state, dict):
        return {name: kept for name, kept in state.items() if name != "_cache"}
    if isinstance(state, tuple) and state and isinstance(state[-1], dict):
        own = _without_cache(value, state[-1])
        return (*state[:-1], own) if own else state[:-1]
    return state


def _tensor(tensor: Any) -> Any:
    """Write a torch tensor: its memory where numpy can see it, else the counter that in-place operations move."""
    try:
        content: Any = tensor.detach().numpy()
    except Exception:
        content = tensor._version
    return _token, (id(type(tensor)), tuple(tensor.shape), content, tensor.requires_grad, tensor.grad)


class _Thinner:
    """Reduces an object to a small structure of samples that changes where the samples do."""

    def __init__(self, nodes: int = 20_000, depth: int = 6) -> None:
        self._nodes, self._depth = nodes, depth
        self._seen: dict[int, int] = {}

    def thin(self, value: Any, depth: int = 0) -> Any:
        cls = type(value)
        if cls in (str, bytes, bytearray):
            return (
                value if len(value) <= 4096 else (len(value), value[:1024], value[-1024:], value[:: len(value) // 1024])
            )
        if cls in ATOMS or is_array(cls) or is_frame(cls):
            return value
        self._nodes -= 1
        if id(value) in self._seen:
            return "seen", self._seen[id(value)]
        if self._nodes < 0 or depth > self._depth or is_opaque(value):
            return "beyond", id(cls)
        self._seen[id(value)] = len(self._seen)
        return self._parts(value, cls, depth)

    def _parts(self, value: Any, cls: type, depth: int) -> Any:
        most = 256 if depth == 0 else 32
        parts: list[Any] = [id(cls)]
        if issubclass(cls, dict):
            items = [(self.thin(k, depth + 1), self.thin(v, depth + 1)) for k, v in _spread(dict.items(value), most)]
            parts += [dict.__len__(value), items]
        for base in (list, tuple, set, frozenset):
            if issubclass(cls, base):
                plain = value if cls is base else list(base.__iter__(value))
                parts += [len(plain), [self.thin(item, depth + 1) for item in _spread(plain, most)]]
        state = attributes(value)
        if not state and len(parts) == 1:
            return value  # an object of a library written in C: as it is pickled
        ignored = cached_names(cls)
        parts.append([(name, self.thin(kept, depth + 1)) for name, kept in state.items() if name not in ignored])
        return parts


def _spread(items: Any, most: int) -> list[Any]:
    """Return at most about ``2 * most`` of the items, spread evenly, the first and the last among them."""
    size = len(items)
    if size <= 2 * most:
        return list(items)
    if isinstance(items, (list, tuple)):
        return [*items[:: -(-size // most)], *items[-16:]]
    return [*itertools.islice(items, 0, None, -(-size // most)), *itertools.islice(items, size - 1, None)]
