"""What an object is, found out without importing its library and without running code of the object's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import BuiltinFunctionType, FunctionType, ModuleType, NoneType
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")

ATOMS: frozenset[type] = frozenset(
    {int, float, complex, bool, str, bytes, NoneType, type(Ellipsis), range}
    | {type, ModuleType, FunctionType, BuiltinFunctionType}
)
"""Types whose objects are told apart by identity: immutable, or (functions, classes, modules) not looked into."""

_NOT_THE_USERS = frozenset({"In", "Out", "exit", "quit", "open", "get_ipython"})


def is_a(value: object, cls: type[T]) -> TypeGuard[T]:
    """Whether an object is of a class by its own type: ``isinstance`` asks a proxy what it is, which may raise."""
    return issubclass(type(value), cls)


def is_variable(name: str) -> bool:
    """Whether ``name`` is a variable of the user's: neither ``_private`` nor one of IPython's own."""
    return not name.startswith("_") and name not in _NOT_THE_USERS


def variables(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's variables of a namespace, in its order."""
    return {name: value for name, value in list(namespace.items()) if is_variable(name)}


def root(cls: type) -> str:
    """Return the top-level package a class comes from: ``pandas``, ``__main__``, ``builtins``."""
    module = type.__dict__["__module__"].__get__(cls)
    return module.partition(".")[0] if isinstance(module, str) else ""


def type_name(cls: type) -> str:
    """Return the class's own name, whatever its metaclass says."""
    name: str = type.__dict__["__name__"].__get__(cls)
    return name


def lineage(cls: type) -> Iterator[str]:
    """Yield ``package.Name`` for the class and its bases, nearest first."""
    for base in type.__dict__["__mro__"].__get__(cls):
        yield f"{root(base)}.{type_name(base)}"


def attributes(value: object) -> dict[str, Any]:
    """Return the instance's own attributes from ``__dict__`` and ``__slots__``, past any ``__getattribute__``."""
    found: dict[str, Any] = {}
    with suppress(AttributeError, TypeError):
        found.update(object.__getattribute__(value, "__dict__"))
    for base in type.__dict__["__mro__"].__get__(type(value)):
        slots = base.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else tuple(slots):
            descriptor = base.__dict__.get(slot)
            if type(descriptor).__name__ == "member_descriptor":
                with suppress(AttributeError):
                    found[slot] = descriptor.__get__(value, type(value))
    return found
