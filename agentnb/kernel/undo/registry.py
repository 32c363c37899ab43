"""Which way the objects of a class are kept."""

from __future__ import annotations

import collections
import pickle
from typing import Any

from agentnb.kernel.namespace.kinds import ATOMS, root, type_name
from agentnb.kernel.undo.functions import WRAPPERS
from agentnb.kernel.undo.instances import instance_kind, solid_base
from agentnb.kernel.undo.polars_tables import polars_kind
from agentnb.kernel.undo.states import CONTAINERS, Kind, always, keep, nothing


def kind_of(cls: type) -> Kind | None:
    """Return how objects of ``cls`` are kept; None for constants and for what cannot be looked into.

    numpy's and pandas' own are not known here, see ``frames``; ``cls`` of a function or class is no answer either.
    """
    exact = CONTAINERS.get(cls) or WRAPPERS.get(cls)
    if exact is not None:
        return exact
    if cls in ATOMS:
        return None
    if root(cls) == "polars":
        return polars_kind(cls)
    found = instance_kind(cls)
    if found is not None:
        return found
    if type_name(cls) == "Generator" and root(cls) == "numpy":
        return _GENERATOR
    return _REDUCED if _has_setstate(cls) and root(cls) not in _NOT_REDUCED else None


def writes_in_place(cls: type) -> bool:
    """Whether all that an object of ``cls`` holds can be written into it: no tuples, nothing that C keeps."""
    if cls in (list, dict, set, bytearray, collections.deque):
        return True
    base = None if cls in CONTAINERS or cls in WRAPPERS or cls in ATOMS else solid_base(cls)
    return base in (object, list, dict, set, collections.OrderedDict, collections.defaultdict, collections.Counter)


# --- what C keeps -----------------------------------------------------------------------------------------------------


def _copy_reduced(value: Any) -> bytes:
    """Return the state that a library wants pickled, as bytes. Raises ``TypeError`` where it gives none."""
    reduced = value.__reduce_ex__(5)
    if not isinstance(reduced, tuple) or len(reduced) < 3 or reduced[2] is None:
        raise TypeError(f"a {type_name(type(value))} tells nothing of its state")
    return pickle.dumps(reduced[2], 5)


def _restore_reduced(value: Any, state: bytes) -> None:
    value.__setstate__(pickle.loads(state))


_GENERATOR = Kind(lambda value: value.bit_generator, lambda state: (state,), always, keep)
"""numpy's ``Generator``: all that changes is in its bit generator."""
_REDUCED = Kind(_copy_reduced, nothing, lambda value, state: _copy_reduced(value) == state, _restore_reduced)

_NOT_REDUCED = frozenset({"builtins", "torch", "pyarrow"})
"""Iterators, which cannot go back once they are at their end, and tables that take too long."""


def _has_setstate(cls: type) -> bool:
    """Whether a library's own class takes back what it gave to pickle; no code of the user's classes is called."""
    bases = type.__dict__["__mro__"].__get__(cls)
    tellers = [b for b in bases if {"__setstate__", "__reduce__", "__reduce_ex__", "__getstate__"} & b.__dict__.keys()]
    return any("__setstate__" in base.__dict__ for base in bases) and root(tellers[0]) != "__main__"
