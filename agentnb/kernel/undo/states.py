"""The own content of one object: copied shallowly, compared by identity, put back in place.

A kind says how for a family of classes. What an object refers to is not copied: it has a state of its own. So aliases
survive an undo, objects that cannot be pickled are no exception, and no code of the user's classes runs.
"""

from __future__ import annotations

import array
import collections
import functools
import operator
import pickle
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from types import CellType, FunctionType, MethodType
from typing import Any, NamedTuple

from agentnb.kernel.namespace.fingerprint import cached_names
from agentnb.kernel.namespace.kinds import ATOMS, root, type_name

MISSING: Any = object()
_CONSTANTS = frozenset({int, str, bytes, bool, complex})


class Kind(NamedTuple):
    """How objects of a class are kept: ``copy`` makes a state, ``parts`` names what it refers to.

    ``same`` tells whether the object is as the state says, ``restore`` makes it so again. ``alike`` compares what a
    person would see (a table may have rearranged its memory); it is ``same`` where nothing else is known.
    ``alike_states`` does so for two states.
    """

    copy: Callable[[Any], Any]
    parts: Callable[[Any], Iterable[Any]]
    same: Callable[[Any, Any], bool]
    restore: Callable[[Any, Any], None]
    alike: Callable[[Any, Any], bool] | None = None
    alike_states: Callable[[Any, Any], bool] | None = None
    flat: Callable[[list[Any]], Iterable[Any]] | None = None  # what many states hold, at the speed of C


def same_items(one: Iterable[Any], other: Iterable[Any]) -> bool:
    """Whether two iterables of the same length hold the same objects, or equal constants."""
    return all(map(same_object, one, other))


def same_object(one: Any, other: Any) -> bool:
    """Whether two values are one object, or constants that cannot be told apart."""
    if one is other:
        return True
    cls = type(one)
    if cls is not type(other):
        return False
    if cls is float:
        return float.__repr__(one) == float.__repr__(other)  # so -0.0 is not 0.0, and nan is nan
    return cls in _CONSTANTS and bool(one == other)


def same_states(one: Any, other: Any) -> bool:
    """Whether two states say the same: nested tuples, lists and dicts of the same objects."""
    if same_object(one, other):
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_states(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same_states, one, other))
    if isinstance(one, set | frozenset):
        return set(map(id, one)) == set(map(id, other))
    return False


def _identical(one: Iterable[Any], other: Iterable[Any]) -> bool:
    return all(map(operator.is_, one, other))


# --- builtin containers -----------------------------------------------------------------------------------------------


def _same_list(value: list[Any], state: list[Any]) -> bool:
    return len(value) == len(state) and (_identical(value, state) or same_items(value, state))


def _restore_list(value: list[Any], state: list[Any]) -> None:
    list.__setitem__(value, slice(None), state)


def _same_dict(value: dict[Any, Any], state: dict[Any, Any]) -> bool:
    if len(value) != len(state):
        return False
    if _identical(value, state) and _identical(value.values(), state.values()):
        return True
    return same_items(value, state) and same_items(value.values(), state.values())


def _restore_dict(value: dict[Any, Any], state: dict[Any, Any]) -> None:
    dict.clear(value)
    dict.update(value, state)


def _dict_parts(state: dict[Any, Any]) -> Iterator[Any]:
    yield from state.values()
    yield from state


def _flat_dicts(states: list[dict[Any, Any]]) -> Iterator[Any]:
    return chain(chain.from_iterable(map(dict.values, states)), chain.from_iterable(states))


def _same_set(value: set[Any], state: set[Any]) -> bool:
    return len(value) == len(state) and set(map(id, value)) == set(map(id, state))


def _restore_set(value: set[Any], state: set[Any]) -> None:
    set.clear(value)
    set.update(value, state)


def _restore_buffer(value: Any, state: bytes) -> None:
    value[:] = state


def _restore_typed(value: array.array[Any], state: array.array[Any]) -> None:
    value[:] = state


def _restore_deque(value: collections.deque[Any], state: list[Any]) -> None:
    collections.deque.clear(value)
    collections.deque.extend(value, state)


def _nothing(value: Any) -> tuple[()]:
    return ()


def _always(value: Any, state: Any) -> bool:
    return True


def _keep(value: Any, state: Any) -> None:
    """An object that cannot change itself, only what it refers to can."""


def _self(value: Any) -> Any:
    return value


_LIST = Kind(list.copy, _self, _same_list, _restore_list, flat=chain.from_iterable)
_DICT = Kind(dict.copy, _dict_parts, _same_dict, _restore_dict, flat=_flat_dicts)
_SET = Kind(set.copy, _self, _same_set, _restore_set)
_FIXED = Kind(_self, _self, _always, _keep, flat=chain.from_iterable)
_BYTES = Kind(bytes, _nothing, operator.eq, _restore_buffer)
_TYPED = Kind(lambda value: value[:], _nothing, operator.eq, _restore_typed)
_DEQUE = Kind(list, _self, lambda value, state: _same_list(list(value), state), _restore_deque)
_METHOD = Kind(_self, lambda value: (value.__self__, value.__func__), _always, _keep)
_PARTIAL = Kind(_self, lambda value: (value.func, *value.args, *value.keywords.values()), _always, _keep)

_EXACT: dict[type, Kind] = {
    list: _LIST,
    dict: _DICT,
    set: _SET,
    tuple: _FIXED,
    frozenset: _FIXED,
    bytearray: _BYTES,
    array.array: _TYPED,
    collections.deque: _DEQUE,
    MethodType: _METHOD,
    functools.partial: _PARTIAL,
}

# --- instances --------------------------------------------------------------------------------------------------------


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


_NONE = _Base(_nothing, _nothing, _always, _keep)
_BASES: dict[type, _Base] = {
    list: _Base(
        lambda value: list(list.__iter__(value)),
        _self,
        lambda value, state: _same_list(list(list.__iter__(value)), state),
        _restore_list,
    ),
    collections.OrderedDict: _Base(_ordered, chain.from_iterable, _same_pairs, _restore_ordered),
    dict: _Base(lambda value: list(dict.items(value)), chain.from_iterable, _same_pairs, _restore_pairs),
    set: _Base(
        lambda value: set(set.__iter__(value)),
        _self,
        lambda value, state: _same_set(set(set.__iter__(value)), state),
        _restore_set,
    ),
    tuple: _Base(lambda value: tuple(tuple.__iter__(value)), _self, _always, _keep),
    frozenset: _Base(lambda value: tuple(frozenset.__iter__(value)), _self, _always, _keep),
    collections.deque: _Base(
        lambda value: list(collections.deque.__iter__(value)),
        _self,
        lambda value, state: _same_list(list(collections.deque.__iter__(value)), state),
        _restore_deque,
    ),
    bytearray: _Base(
        lambda value: bytes(memoryview(value)),
        _nothing,
        lambda value, state: memoryview(value) == state,
        lambda value, state: bytearray.__setitem__(value, slice(None), state),
    ),
    **dict.fromkeys([int, float, complex, str, bytes, BaseException, Exception, object], _NONE),
}
_DEFAULT_FACTORY: Any = collections.defaultdict.__dict__["default_factory"]


class _Instances:
    """Objects that are no more than attributes and builtin elements."""

    def __init__(self, cls: type, base: type) -> None:
        self._inner = _BASES.get(base, _BASES[dict])
        self._ignored = cached_names(cls)
        self._slots = _slots(cls)
        if base is collections.defaultdict:
            self._slots["default_factory"] = _DEFAULT_FACTORY

    def copy(self, value: Any) -> tuple[dict[str, Any] | None, dict[str, Any], Any]:
        own = _dict_of(value)
        return (None if own is None else own.copy()), _read(value, self._slots), self._inner.copy(value)

    def parts(self, state: Any) -> Iterator[Any]:
        own, slotted, items = state
        yield from [kept for name, kept in (own or {}).items() if name not in self._ignored]
        yield from slotted.values()
        yield from self._inner.parts(items)

    def same(self, value: Any, state: Any) -> bool:
        own, slotted, items = state
        now = _dict_of(value)
        if now is not None and not same_state(now, own, self._ignored):
            return False
        return _same_dict(_read(value, self._slots), slotted) and self._inner.same(value, items)

    def restore(self, value: Any, state: Any) -> None:
        own, slotted, items = state
        now = _dict_of(value)
        if now is not None:
            _restore_dict(now, own)
        for name, descriptor in self._slots.items():
            if name in slotted:
                descriptor.__set__(value, slotted[name])
            elif name in _read(value, {name: descriptor}):
                descriptor.__delete__(value)
        self._inner.restore(value, items)


def _instance_kind(cls: type) -> Kind | None:
    """Return the kind of objects that are attributes and builtin elements, None where C keeps more."""
    base = _solid_base(cls)
    if base is None:
        return None
    way = _Instances(cls, base)
    return Kind(way.copy, way.parts, way.same, way.restore)


def same_state(now: dict[str, Any], was: dict[str, Any], ignored: frozenset[str]) -> bool:
    """Whether two sets of attributes are the same, apart from what a class keeps of what it computed."""
    if not ignored:
        return _same_dict(now, was)
    one = {name: kept for name, kept in now.items() if name not in ignored}
    other = {name: kept for name, kept in was.items() if name not in ignored}
    return _same_dict(one, other)


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
            if type(member).__name__ == "member_descriptor" and base.__flags__ & (1 << 9) and name not in found
        }
    return found


def _read(value: Any, slots: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, descriptor in slots.items():
        try:
            found[name] = descriptor.__get__(value, type(value))
        except AttributeError:
            continue
    return found


def _solid_base(cls: type) -> type | None:
    """Return the builtin whose layout the class has, None where some library in C put more into its instances.

    The sizes tell: a class written in Python adds a word for each slot and those for ``__dict__`` and weak references.
    """
    bases: tuple[type, ...] = type.__dict__["__mro__"].__get__(cls)
    if any(not base.__flags__ & (1 << 9) and base not in _SOLID for base in bases):
        return None
    base = next(base for base in bases if base in _SOLID)
    if base.__itemsize__:
        return base
    words = len(_slots(cls)) + sum(
        getattr(cls, offset) > 0 and not getattr(base, offset) for offset in ("__dictoffset__", "__weakrefoffset__")
    )
    return base if cls.__basicsize__ <= base.__basicsize__ + 8 * words else None


_SOLID = frozenset([*_BASES, collections.defaultdict, collections.Counter])

# --- code of the user's -----------------------------------------------------------------------------------------------


def _copy_function(value: FunctionType) -> tuple[Any, ...]:
    cells = [(cell, _content(cell)) for cell in value.__closure__ or ()]
    defaults = value.__code__, value.__defaults__, value.__kwdefaults__ and dict(value.__kwdefaults__)
    return dict(value.__dict__), cells, defaults


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _function_parts(state: tuple[Any, ...]) -> Iterator[Any]:
    own, cells, (_, defaults, keywords) = state
    yield from own.values()
    yield from [content for _, content in cells if content is not MISSING]
    yield from defaults or ()
    yield from (keywords or {}).values()


def _same_function(value: FunctionType, state: tuple[Any, ...]) -> bool:
    own, cells, (code, defaults, keywords) = state
    return (
        _same_dict(value.__dict__, own)
        and all(same_object(_content(cell), content) for cell, content in cells)
        and value.__code__ is code
        and value.__defaults__ is defaults
        and _same_dict(value.__kwdefaults__ or {}, keywords or {})
    )


def _restore_function(value: FunctionType, state: tuple[Any, ...]) -> None:
    own, cells, (code, defaults, keywords) = state
    _restore_dict(value.__dict__, own)
    for cell, content in cells:
        if content is MISSING:
            del cell.cell_contents
        else:
            cell.cell_contents = content
    value.__code__, value.__defaults__, value.__kwdefaults__ = code, defaults, keywords


_CLASS_CACHES = frozenset({"__slotnames__", "__annotations__", "__annotations_cache__", "__abstractmethods__"})


def _copy_class(value: type) -> dict[str, Any]:
    return {name: kept for name, kept in value.__dict__.items() if name not in _CLASS_CACHES}


def _same_class(value: type, state: dict[str, Any]) -> bool:
    return _same_dict(_copy_class(value), state)


def _restore_class(value: type, state: dict[str, Any]) -> None:
    now = _copy_class(value)
    for name in now.keys() - state.keys():
        type.__delattr__(value, name)
    for name, kept in state.items():
        if now.get(name, MISSING) is not kept:
            type.__setattr__(value, name, kept)


_FUNCTION = Kind(_copy_function, _function_parts, _same_function, _restore_function)
_CLASS = Kind(_copy_class, dict.values, _same_class, _restore_class)


def is_users_code(value: object) -> bool:
    """Whether a function or class was written in the notebook."""
    if isinstance(value, FunctionType):
        return value.__globals__.get("__name__") == "__main__"
    return isinstance(value, type) and root(value) == "__main__"


def keeps_something(value: Any) -> bool:
    """Whether a function or class of the user's can be changed by running: a class, a closure, a function's attributes.

    A function's defaults are left out, or each would be looked at for every call of it.
    """
    if not is_users_code(value):
        return False
    return isinstance(value, type) or bool(value.__closure__ or value.__dict__)


# --- what C keeps -----------------------------------------------------------------------------------------------------


def _copy_reduced(value: Any) -> bytes:
    """Return the state that a library wants pickled, as bytes. Raises ``TypeError`` where it gives none."""
    reduced = value.__reduce_ex__(5)
    if not isinstance(reduced, tuple) or len(reduced) < 3 or reduced[2] is None:
        raise TypeError(f"a {type_name(type(value))} tells nothing of its state")
    return pickle.dumps(reduced[2], 5)


def _restore_reduced(value: Any, state: bytes) -> None:
    value.__setstate__(pickle.loads(state))


_GENERATOR = Kind(lambda value: value.bit_generator, lambda state: (state,), _always, _keep)
"""numpy's ``Generator``: all that changes is in its bit generator."""
_REDUCED = Kind(_copy_reduced, _nothing, lambda value, state: _copy_reduced(value) == state, _restore_reduced)


def kind_of(cls: type) -> Kind | None:
    """Return how objects of ``cls`` are kept; None for constants and for what cannot be looked into.

    numpy's and pandas' own are not known here, see ``tables``; ``cls`` of a function or class is no answer either.
    """
    exact = _EXACT.get(cls)
    if exact is not None:
        return exact
    if cls in ATOMS:
        return None
    found = _instance_kind(cls)
    if found is not None:
        return found
    if type_name(cls) == "Generator" and root(cls) == "numpy":
        return _GENERATOR
    return _REDUCED if _has_setstate(cls) and root(cls) not in _NOT_REDUCED else None


def writes_in_place(cls: type) -> bool:
    """Whether all that an object of ``cls`` holds can be written into it: no tuples, nothing that C keeps."""
    if cls in (list, dict, set, bytearray, collections.deque):
        return True
    base = None if cls in _EXACT or cls in ATOMS else _solid_base(cls)
    return base in (object, list, dict, set, collections.OrderedDict, collections.defaultdict, collections.Counter)


_NOT_REDUCED = frozenset({"builtins", "torch", "polars", "pyarrow"})
"""Iterators, which cannot go back once they are at their end, and tables that take too long."""


def _has_setstate(cls: type) -> bool:
    """Whether a library's own class takes back what it gave to pickle; no code of the user's classes is called."""
    bases = type.__dict__["__mro__"].__get__(cls)
    tellers = [b for b in bases if {"__setstate__", "__reduce__", "__reduce_ex__", "__getstate__"} & b.__dict__.keys()]
    return any("__setstate__" in base.__dict__ for base in bases) and root(tellers[0]) != "__main__"


def code_kind(value: object) -> Kind | None:
    """Return how a function or class of the user's is kept."""
    if not is_users_code(value):
        return None
    return _FUNCTION if isinstance(value, FunctionType) else _CLASS
