"""A merge that leaves variables the objects they are: what a branch made of one is written into that very object.

So whatever else refers to it (an attribute, a closure, a list) has the new content too. That is done where only the
variables' names, or the answer itself, lead to the branch's object: else one of the two would be left behind, and the
names are bound to it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from agentnb.kernel.merge import Brought, Bundle, Merged
from agentnb.kernel.namespace.tables import is_array, is_frame
from agentnb.kernel.port import Outcome
from agentnb.kernel.undo.delta import Delta
from agentnb.kernel.undo.frames import table_kind
from agentnb.kernel.undo.memento import Changed
from agentnb.kernel.undo.states import Kind, kind_of, writes_in_place

_MOST = 64 << 20
"""Bytes of an array that are copied, twice, the way back included; to more the name is bound."""


class Adopted(NamedTuple):
    """An object that took the content of a branch's, and the variables that are it."""

    changed: Changed
    names: list[str]


def adopt(bundle: Bundle, merged: Merged, namespace: Mapping[str, Any]) -> list[Adopted]:
    """Write into the objects of ``namespace`` what a merge would bind in their place, and take that out of ``merged``.

    An answer that is such an object is the user's from then on. Returns what was written, for an undo.
    """
    groups: dict[int, list[Brought]] = {}
    for each in bundle.brought:
        if each.kind == "mutated" and merged.bind.get(each.name) is each.value:
            groups.setdefault(id(each.value), []).append(each)
    adopted: list[Adopted] = []
    for group in groups.values():
        names = [each.name for each in group]
        target = namespace.get(names[0])
        value = group[0].value
        if id(value) in bundle.alone and all(namespace.get(name) is target for name in names):
            changed = _written(target, value)
            if changed is not None:
                if bundle.answer is value:
                    bundle.answer = target
                adopted.append(Adopted(changed, names))
                for name in names:
                    del merged.bind[name]
    return adopted


def include(delta: Delta, adopted: list[Adopted]) -> None:
    """Put what was adopted into a delta, as far as it is not there, so that it is undone with the rest."""
    known = {id(each.value) for each in delta.objects} | {id(array) for array, _ in delta.writes.arrays}
    for each in adopted:
        if id(each.changed.value) not in known:
            known.add(id(each.changed.value))
            delta.objects.append(each.changed)
        delta.mutated |= set(each.names)


def alone(brought: Sequence[Brought], outcome: Outcome) -> frozenset[int]:
    """Return the ids of what was brought that is led to by its names alone, and by the answer where that is the object.

    To be asked as soon as it came, before anybody takes hold of it.
    """
    names = Counter(id(each.value) for each in brought)
    return frozenset(
        id(each.value)
        for each in brought  # the call itself holds it once more
        if sys.getrefcount(each.value) <= names[id(each.value)] + (outcome.value is each.value) + 1
    )


def _written(target: Any, value: Any) -> Changed | None:
    if type(target) is not type(value):
        return None
    kind = _kind(target, value)
    if kind is None:
        return None
    before, after = kind.copy(target), kind.copy(value)
    try:
        kind.restore(target, after)
    except Exception:  # of a library whose objects do not take it
        kind.restore(target, before)
        return None
    return Changed(target, kind, before, after)


def _kind(target: Any, value: Any) -> Kind | None:
    cls = type(target)
    if is_array(cls):
        same = (target.dtype, target.shape) == (value.dtype, value.shape) and not target.dtype.hasobject
        plain = cls.__name__ == "ndarray" and target.flags.writeable and target.nbytes <= _MOST
        return _CONTENT if same and plain else None
    if is_frame(cls):
        return table_kind(cls)
    return kind_of(cls) if writes_in_place(cls) else None


def _same_content(array: Any, state: Any) -> bool:
    return bool(array.shape == state.shape and array.tobytes() == state.tobytes())


def _put(array: Any, state: Any) -> None:
    array[...] = state


_CONTENT = Kind(lambda array: array.copy(), lambda state: (), _same_content, _put, alike_states=_same_content)
"""All elements of an array, where a copy costs little."""
