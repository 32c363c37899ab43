"""States of code written in the notebook, functions and classes, and of what is wrapped around code."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from types import CellType, FunctionType, MappingProxyType, MethodType
from typing import Any, NamedTuple

from agentnb.kernel.namespace.kinds import is_a, root
from agentnb.kernel.undo.states import MISSING, Kind, always, itself, keep, restore_dict, same_dict, same_object


class Kept(NamedTuple):
    """The state of a function: its attributes, the cells of its closure with their content, and the rest of it."""

    own: dict[str, Any]
    cells: list[tuple[CellType, Any]]
    rest: tuple[Any, ...]


_REST = ("__code__", "__defaults__", "__name__", "__qualname__", "__doc__")


def _copy_function(value: FunctionType) -> Kept:
    cells = [(cell, _content(cell)) for cell in value.__closure__ or ()]
    rest = [getattr(value, name) for name in _REST]
    return Kept(dict(value.__dict__), cells, (*rest, value.__kwdefaults__ and dict(value.__kwdefaults__)))


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def _function_parts(state: Kept) -> Iterator[Any]:
    yield from state.own.values()
    yield from [content for _, content in state.cells if content is not MISSING]
    yield from state.rest[1] or ()
    yield from (state.rest[-1] or {}).values()


def _same_function(value: FunctionType, state: Kept) -> bool:
    *rest, keywords = state.rest
    return (
        same_dict(value.__dict__, state.own)
        and all(same_object(_content(cell), content) for cell, content in state.cells)
        and all(same_object(getattr(value, name), kept) for name, kept in zip(_REST, rest, strict=True))
        and same_dict(value.__kwdefaults__ or {}, keywords or {})
    )


def _restore_function(value: FunctionType, state: Kept) -> None:
    restore_dict(value.__dict__, state.own)
    for cell, content in state.cells:
        if content is not MISSING:
            cell.cell_contents = content
        elif _content(cell) is not MISSING:
            del cell.cell_contents
    for name, kept in zip((*_REST, "__kwdefaults__"), state.rest, strict=True):
        if getattr(value, name) is not kept:
            setattr(value, name, kept)


_CLASS_CACHES = frozenset({"__slotnames__", "__annotations__", "__annotations_cache__", "__abstractmethods__"})
_OF_CLASSES = ("__name__", "__qualname__", "__bases__")


def _copy_class(value: type) -> dict[str, Any]:
    found = {name: kept for name, kept in value.__dict__.items() if name not in _CLASS_CACHES}
    return found | {name: type.__dict__[name].__get__(value) for name in _OF_CLASSES}


def _class_parts(state: dict[str, Any]) -> list[Any]:
    return [kept for name, kept in state.items() if name not in _OF_CLASSES]


def _same_class(value: type, state: dict[str, Any]) -> bool:
    return same_dict(_copy_class(value), state)


def _restore_class(value: type, state: dict[str, Any]) -> None:
    now = _copy_class(value)
    for name in now.keys() - state.keys():
        type.__delattr__(value, name)
    for name, kept in state.items():
        if not same_object(now.get(name, MISSING), kept):
            type.__setattr__(value, name, kept)


_FUNCTION = Kind(_copy_function, _function_parts, _same_function, _restore_function)
_CLASS = Kind(_copy_class, _class_parts, _same_class, _restore_class)


def is_users_code(value: object) -> bool:
    """Whether a function or class was written in the notebook."""
    if is_a(value, FunctionType):
        return value.__globals__.get("__name__") == "__main__"
    return is_a(value, type) and root(value) == "__main__"


def code_kind(value: object) -> Kind | None:
    """Return how a function or class of the user's is kept."""
    if not is_users_code(value):
        return None
    return _FUNCTION if is_a(value, FunctionType) else _CLASS


# --- around code ------------------------------------------------------------------------------------------------------


def _copy_cache(value: Any) -> tuple[Any, ...]:
    info = value.cache_info()
    return value.__wrapped__, value.__dict__, info.misses, info.currsize


def _restore_cache(value: Any, state: tuple[Any, ...]) -> None:
    """Let a function forget: what it computed since may come from what is taken back."""
    if _copy_cache(value)[2:] != state[2:]:
        value.cache_clear()


def _leading_to(*names: str) -> Kind:
    """Return the kind of objects that cannot change but lead to others by these attributes."""
    return Kind(itself, lambda value: [getattr(value, name) for name in names], always, keep)


_VIEW = Kind(itself, gc.get_referents, always, keep)
_CACHE = Kind(
    _copy_cache,
    lambda state: state[:2],
    always,
    _restore_cache,
    alike_states=always,
    exact=lambda value, state: _copy_cache(value)[2:] == state[2:],
)

WRAPPERS: dict[type, Kind] = {
    MethodType: _leading_to("__self__", "__func__"),
    functools.partial: _leading_to("func", "args", "keywords", "__dict__"),
    staticmethod: _leading_to("__func__", "__dict__"),
    classmethod: _leading_to("__func__", "__dict__"),
    property: _leading_to("fget", "fset", "fdel"),
    memoryview: _leading_to("obj"),
    type(functools.cache(len)): _CACHE,
    **dict.fromkeys([MappingProxyType, *map(type, ({}.keys(), {}.values(), {}.items()))], _VIEW),
}
"""Objects that only lead to what can change: what a method is bound to, what a view shows, what is behind a cache."""
