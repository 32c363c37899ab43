"""The own content of one object: copied shallowly, compared by identity, put back in place.

A kind says how for a family of classes. What an object refers to is not copied: it has a state of its own. So aliases
survive an undo, objects that cannot be pickled are no exception, and no code of the user's classes runs.
"""

from __future__ import annotations

import array
import collections
import operator
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

MISSING: Any = object()
_CONSTANTS = frozenset({int, str, bytes, bool, complex})


class Kind(NamedTuple):
    """How objects of a class are kept: ``copy`` makes a state, ``parts`` names what it refers to.

    ``same`` tells whether the object is as the state says, ``restore`` makes it so again. ``alike`` compares what a
    person would see (a table may have rearranged its memory); it is ``same`` where nothing else is known.
    ``alike_states`` does so for two states. ``exact`` looks, where ``same`` holds, at what is no change by itself but
    has to go back with other changes: values that were computed from them and kept. ``aspect`` names what of an object
    is kept where that is not all of it.
    """

    copy: Callable[[Any], Any]
    parts: Callable[[Any], Iterable[Any]]
    same: Callable[[Any, Any], bool]
    restore: Callable[[Any, Any], None]
    alike: Callable[[Any, Any], bool] | None = None
    alike_states: Callable[[Any, Any], bool] | None = None
    flat: Callable[[list[Any]], Iterable[Any]] | None = None  # what many states hold, at the speed of C
    exact: Callable[[Any, Any], bool] | None = None
    aspect: str = ""


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
    cls = type(one)
    if cls is not type(other):
        return False
    if issubclass(cls, dict):
        return one.keys() == other.keys() and all(same_states(one[key], other[key]) for key in one)
    if issubclass(cls, (list, tuple)):
        return len(one) == len(other) and all(map(same_states, one, other))
    if issubclass(cls, (set, frozenset)):
        return same_set(one, other)
    return False


def _identical(one: Iterable[Any], other: Iterable[Any]) -> bool:
    return all(map(operator.is_, one, other))


# --- builtin containers -----------------------------------------------------------------------------------------------


def same_list(value: list[Any], state: list[Any]) -> bool:
    """Whether two lists hold the same objects, or equal constants, in the same order."""
    return len(value) == len(state) and (_identical(value, state) or same_items(value, state))


def _restore_list(value: list[Any], state: list[Any]) -> None:
    list.__setitem__(value, slice(None), state)


def same_dict(value: dict[Any, Any], state: dict[Any, Any]) -> bool:
    """Whether two dicts hold the same keys and values in the same order."""
    if len(value) != len(state):
        return False
    if _identical(value, state) and _identical(value.values(), state.values()):
        return True
    return same_items(value, state) and same_items(value.values(), state.values())


def restore_dict(value: dict[Any, Any], state: dict[Any, Any]) -> None:
    """Make a dict hold exactly what another does."""
    dict.clear(value)
    dict.update(value, state)


def _dict_parts(state: dict[Any, Any]) -> Iterator[Any]:
    yield from state.values()
    yield from state


def _flat_dicts(states: list[dict[Any, Any]]) -> Iterator[Any]:
    return chain(chain.from_iterable(map(dict.values, states)), chain.from_iterable(states))


def same_set(value: Collection[Any], state: Collection[Any]) -> bool:
    """Whether two sets hold the same objects, or equal constants of one type."""
    if set(map(id, value)) == set(map(id, state)):
        return True
    now, was = {id(item): item for item in value}, {id(item): item for item in state}
    fresh = [now[key] for key in now.keys() - was.keys()]
    gone = [was[key] for key in was.keys() - now.keys()]
    if len(fresh) != len(gone) or not _CONSTANTS.issuperset(map(type, fresh)):
        return False
    return {(type(item), item) for item in fresh} == {(type(item), item) for item in gone if type(item) in _CONSTANTS}


def _restore_set(value: set[Any], state: set[Any]) -> None:
    set.clear(value)
    set.update(value, state)


def _restore_buffer(value: Any, state: bytes) -> None:
    value[:] = state


def _restore_typed(value: array.array[Any], state: bytes) -> None:
    value[:] = array.array(value.typecode, state)


def _restore_deque(value: collections.deque[Any], state: list[Any]) -> None:
    collections.deque.clear(value)
    collections.deque.extend(value, state)


def nothing(value: Any) -> tuple[()]:
    """No content, no parts."""
    return ()


def always(value: Any, state: Any) -> bool:
    """Whether an object that cannot change itself is as it was."""
    return True


def keep(value: Any, state: Any) -> None:
    """An object that cannot change itself, only what it refers to can."""


def itself(value: Any) -> Any:
    """A state that is its own parts, or an object that is its own state."""
    return value


_LIST = Kind(list.copy, itself, same_list, _restore_list, flat=chain.from_iterable)
_DICT = Kind(dict.copy, _dict_parts, same_dict, restore_dict, flat=_flat_dicts)
_SET = Kind(set.copy, itself, same_set, _restore_set)
_FIXED = Kind(itself, itself, always, keep, flat=chain.from_iterable)
_BYTES = Kind(bytes, nothing, operator.eq, _restore_buffer)
_TYPED = Kind(array.array.tobytes, nothing, lambda value, state: value.tobytes() == state, _restore_typed)
_DEQUE = Kind(list, itself, lambda value, state: same_list(list(value), state), _restore_deque)

CONTAINERS: dict[type, Kind] = {
    list: _LIST,
    dict: _DICT,
    set: _SET,
    tuple: _FIXED,
    frozenset: _FIXED,
    bytearray: _BYTES,
    array.array: _TYPED,
    collections.deque: _DEQUE,
}
"""How objects of exactly these classes are kept."""
