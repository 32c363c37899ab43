"""States of instances: their attributes, slots and builtin elements, reached past the methods of their classes."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from types import SimpleNamespace
from typing import Any, NamedTuple

from agentnb.kernel.namespace.fingerprint import cached_names
from agentnb.kernel.undo.states import (
    CONTAINERS,
    Kind,
    always,
    itself,
    keep,
    nothing,
    restore_dict,
    same_dict,
    same_list,
    same_object,
    same_set,
    same_states,
)


class Attributes(NamedTuple):
    """The state of an instance: its ``__dict__`` (None without one), slots, builtin elements, and class."""

    own: dict[str, Any] | None
    slots: dict[str, Any]
    items: Any
    cls: type


class _Base(NamedTuple):
    """The builtin that a class inherits its elements from, reached past the class's own methods."""

    copy: Callable[[Any], Any]
    parts: Callable[[Any], Iterable[Any]]
    same: Callable[[Any, Any], bool]
    restore: Callable[[Any, Any], None]


def _restore_ordered(value: Any, state: list[tuple[Any, Any]]) -> None:
    collections.OrderedDict.clear(value)
    for key, item in state:
        collections.OrderedDict.__setitem__(value, key, item)


def _same_pairs(value: Any, state: list[tuple[Any, Any]]) -> bool:
    pairs = _ordered(value) if issubclass(type(value), collections.OrderedDict) else list(dict.items(value))
    return len(pairs) == len(state) and all(
        same_object(key, other) and same_object(item, that)
        for (key, item), (other, that) in zip(pairs, state, strict=True)
    )


def _ordered(value: Any) -> list[tuple[Any, Any]]:
    return [(key, dict.__getitem__(value, key)) for key in collections.OrderedDict.__iter__(value)]


def _restore_pairs(value: Any, state: list[tuple[Any, Any]]) -> None:
    dict.clear(value)
    for key, item in state:
        dict.__setitem__(value, key, item)


_NONE = _Base(nothing, nothing, always, keep)
_BASES: dict[type, _Base] = {
    list: _Base(
        lambda value: list(list.__iter__(value)),
        itself,
        lambda value, state: same_list(list(list.__iter__(value)), state),
        CONTAINERS[list].restore,
    ),
    collections.OrderedDict: _Base(_ordered, chain.from_iterable, _same_pairs, _restore_ordered),
    dict: _Base(lambda value: list(dict.items(value)), chain.from_iterable, _same_pairs, _restore_pairs),
    set: _Base(
        lambda value: set(set.__iter__(value)),
        itself,
        lambda value, state: same_set(set(set.__iter__(value)), state),
        CONTAINERS[set].restore,
    ),
    tuple: _Base(lambda value: tuple(tuple.__iter__(value)), itself, always, keep),
    frozenset: _Base(lambda value: tuple(frozenset.__iter__(value)), itself, always, keep),
    collections.deque: _Base(
        lambda value: list(collections.deque.__iter__(value)),
        itself,
        lambda value, state: same_list(list(collections.deque.__iter__(value)), state),
        CONTAINERS[collections.deque].restore,
    ),
    bytearray: _Base(
        lambda value: bytes(memoryview(value)),
        nothing,
        lambda value, state: memoryview(value) == state,
        lambda value, state: bytearray.__setitem__(value, slice(None), state),
    ),
    **dict.fromkeys([int, float, complex, str, bytes, SimpleNamespace, BaseException, object], _NONE),
}
_DEFAULT_FACTORY: Any = collections.defaultdict.__dict__["default_factory"]


class _Instances:
    """Objects that are no more than attributes and builtin elements."""

    def __init__(self, cls: type, base: type) -> None:
        self.ignored = cached_names(cls)
        self._inner = _NONE if issubclass(base, BaseException) else _BASES.get(base, _BASES[dict])
        self._slots = _slots(cls)
        if base is collections.defaultdict:
            self._slots["default_factory"] = _DEFAULT_FACTORY
        if issubclass(base, BaseException):
            self._slots |= _members(base)

    def copy(self, value: Any) -> Attributes:
        own = _dict_of(value)
        copied = None if own is None else own.copy()
        return Attributes(copied, _read(value, self._slots), self._inner.copy(value), type(value))

    def parts(self, state: Attributes) -> Iterator[Any]:
        yield from [kept for name, kept in (state.own or {}).items() if name not in _INNER_CACHES]
        yield from state.slots.values()
        yield from self._inner.parts(state.items)

    def same(self, value: Any, state: Attributes) -> bool:
        now = _dict_of(value)
        if type(value) is not state.cls or (now is not None and not same_state(now, state.own or {}, self.ignored)):
            return False
        return same_dict(_read(value, self._slots), state.slots) and self._inner.same(value, state.items)

    def exact(self, value: Any, state: Attributes) -> bool:
        """Whether also what was computed and kept is as it was."""
        now = _dict_of(value)
        return now is None or same_dict(now, state.own or {})

    def same_states(self, one: Attributes, other: Attributes) -> bool:
        return same_state(one.own or {}, other.own or {}, self.ignored) and same_states(one[1:], other[1:])

    def restore(self, value: Any, state: Attributes) -> None:
        if type(value) is not state.cls:
            _CLASS_OF.__set__(value, state.cls)
        now = _dict_of(value)
        if now is not None:
            restore_dict(now, state.own or {})
        present = _read(value, self._slots)
        for name, descriptor in self._slots.items():
            if name not in state.slots:
                if name in present:
                    descriptor.__delete__(value)
            elif name not in present or not same_object(present[name], state.slots[name]):
                descriptor.__set__(value, state.slots[name])
        self._inner.restore(value, state.items)


_INNER_CACHES = frozenset({"_cache", "_item_cache"})  # of pandas'
_CLASS_OF: Any = object.__dict__["__class__"]


def instance_kind(cls: type) -> Kind | None:
    """Return the kind of objects that are attributes and builtin elements, None where C keeps more."""
    base = solid_base(cls)
    if base is None:
        return None
    way = _Instances(cls, base)
    if not way.ignored:
        return Kind(way.copy, way.parts, way.same, way.restore)
    return Kind(way.copy, way.parts, way.same, way.restore, alike_states=way.same_states, exact=way.exact)


def same_state(now: dict[str, Any], was: dict[str, Any], ignored: frozenset[str]) -> bool:
    """Whether two sets of attributes are the same, apart from what a class keeps of what it computed."""
    if not ignored:
        return same_dict(now, was)
    one = {name: kept for name, kept in now.items() if name not in ignored}
    other = {name: kept for name, kept in was.items() if name not in ignored}
    return same_dict(one, other)


def _dict_of(value: object) -> dict[str, Any] | None:
    try:
        found = object.__getattribute__(value, "__dict__")
    except (AttributeError, TypeError):
        return None
    return found if type(found) is dict else None


def _slots(cls: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in type.__dict__["__mro__"].__get__(cls):
        found |= {
            name: member
            for name, member in base.__dict__.items()
            if type(member).__name__ == "member_descriptor" and _is_heap_type(base) and name not in found
        }
    return found


def _read(value: Any, slots: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, descriptor in slots.items():
        try:
            found[name] = descriptor.__get__(value, type(value))
        except (AttributeError, TypeError):  # empty, or the object has got another class
            continue
    return found


def _members(base: type) -> dict[str, Any]:
    """Return the descriptors of what a builtin exception keeps in C: its arguments, cause, traceback and the like."""
    found: dict[str, Any] = {name: BaseException.__dict__[name] for name in _OF_EXCEPTIONS}
    for cls in base.__mro__:
        members = cls.__dict__.items()
        found |= {n: each for n, each in members if type(each).__name__ == "member_descriptor" and n not in found}
    return found


_OF_EXCEPTIONS = ("args", "__cause__", "__context__", "__suppress_context__", "__traceback__")


def solid_base(cls: type) -> type | None:
    """Return the builtin whose layout the class has, None where some library in C put more into its instances.

    The sizes tell: a class written in Python adds a word for each slot and those for ``__dict__`` and weak references.
    """
    bases: tuple[type, ...] = type.__dict__["__mro__"].__get__(cls)
    if any(not _is_heap_type(base) and not _is_solid(base) for base in bases):
        return None
    base = next(base for base in bases if _is_solid(base))
    if base.__itemsize__:
        return base
    words = len(_slots(cls)) + sum(
        getattr(cls, offset) > 0 and not getattr(base, offset) for offset in ("__dictoffset__", "__weakrefoffset__")
    )
    return base if cls.__basicsize__ <= base.__basicsize__ + 8 * words else None


_SOLID = frozenset([*_BASES, collections.defaultdict, collections.Counter])


def _is_solid(cls: type) -> bool:
    return cls in _SOLID or (issubclass(cls, BaseException) and not _is_heap_type(cls))


def _is_heap_type(cls: type) -> bool:
    return bool(cls.__flags__ & (1 << 9))
