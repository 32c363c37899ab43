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

import xxhash

from agentnb.kernel.merge import Brought, Bundle, Merged
from agentnb.kernel.namespace.tables import is_array, is_frame
from agentnb.kernel.port import Outcome
from agentnb.kernel.undo.comparison import Changed
from agentnb.kernel.undo.delta import Delta
from agentnb.kernel.undo.frames import table_kind
from agentnb.kernel.undo.memory import Writes, Written, header_of, span
from agentnb.kernel.undo.pages import differing, view
from agentnb.kernel.undo.registry import kind_of, writes_in_place
from agentnb.kernel.undo.states import Kind

_PIECE = 8 << 20


class Adopted(NamedTuple):
    """An object that took the content of a branch's, with the way back, and the variables that are it."""

    way_back: Changed | Writes
    names: list[str]

    @property
    def value(self) -> Any:
        """The object."""
        back = self.way_back
        return back.value if isinstance(back, Changed) else back.arrays[0][0]


def adopt(bundle: Bundle, merged: Merged, namespace: Mapping[str, Any]) -> list[Adopted]:
    """Write into the objects of ``namespace`` what a merge would bind in their place, and take that out of ``merged``.

    An answer that is such an object is the user's from then on. Returns what was written, for an undo.
    """
    groups: dict[int, list[Brought]] = {}
    for each in bundle.brought:
        if each.kind == "mutated" and merged.bind.get(each.name) is each.value:
            groups.setdefault(id(each.value), []).append(each)
    adopted: list[Adopted] = []
    for group in sorted(groups.values(), key=lambda group: _order(namespace.get(group[0].name))):
        names = [each.name for each in group]
        target = namespace.get(names[0])
        value = group[0].value
        if id(value) in bundle.alone and all(namespace.get(name) is target for name in names):
            way_back = _written(target, value)
            if way_back is not None:
                if bundle.answer is value:
                    bundle.answer = target
                adopted.append(Adopted(way_back, names))
                for name in names:
                    del merged.bind[name]
    return adopted


def _order(target: Any) -> tuple[bool, int]:
    """Arrays go before those that share a part of their memory, which then have their content already."""
    return (not target.flags.forc, -target.nbytes) if is_array(type(target)) else (True, 0)


def include(delta: Delta, adopted: list[Adopted]) -> None:
    """Put what was adopted into a delta, as far as it is not there, so that it is undone with the rest."""
    known = {id(each.value) for each in delta.objects} | {id(array) for array, _ in delta.writes.arrays}
    for each in adopted:
        if id(each.value) not in known:
            known.add(id(each.value))
            if isinstance(each.way_back, Changed):
                delta.objects.append(each.way_back)
            else:
                delta.writes.include(each.way_back)
        delta.mutated |= dict.fromkeys(each.names, id(each.value))


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


def _written(target: Any, value: Any) -> Changed | Writes | None:
    if type(target) is not type(value):
        return None
    if is_array(type(target)):
        return _written_array(target, value)
    kind = _kind(target)
    if kind is None:
        return None
    before, after = kind.copy(target), kind.copy(value)
    try:
        kind.restore(target, after)
    except Exception:  # of a library whose objects do not take it
        kind.restore(target, before)
        return None
    return Changed(target, kind, before, after)


def _kind(target: Any) -> Kind | None:
    cls = type(target)
    if is_frame(cls):
        return table_kind(cls)
    return kind_of(cls) if writes_in_place(cls) else None


def _written_array(target: Any, value: Any) -> Changed | Writes | None:
    same = (target.dtype, target.shape) == (value.dtype, value.shape) and not target.dtype.hasobject
    if not same or type(target).__name__ != "ndarray" or not target.flags.writeable:
        return None
    if target.nbytes and target.flags.forc:
        return _written_memory(target, value)
    if _same_content(target, value):
        return Writes([], [(target, header_of(target))])
    before = target.copy()
    target[...] = value
    return Changed(target, _CONTENT, before, value)


def _written_memory(target: Any, value: Any) -> Writes:
    """Write the pages that differ, and keep what was there: of gigabytes few may."""
    import numpy as np

    if value.strides != target.strides:
        alike = np.empty_like(target)
        alike[...] = value
        value = alike
    header = header_of(target)
    start, size = span(header)
    came, written = view(*span(header_of(value))), list[Written]()
    for at in range(0, size, _PIECE):
        new, now = came[at : at + _PIECE], view(start + at, min(_PIECE, size - at))
        for place, extent in differing(start + at, now, new):
            part = slice(place - start - at, place - start - at + extent)
            written.append(Written(place, extent, now[part].copy(), xxhash.xxh3_64_intdigest(new[part])))
            now[part] = new[part]
    return Writes(written, [(target, header)])


def _same_content(array: Any, state: Any) -> bool:
    return bool(array.shape == state.shape and array.tobytes() == state.tobytes())


def _put(array: Any, state: Any) -> None:
    array[...] = state


_CONTENT = Kind(lambda array: array.copy(), lambda state: (), _same_content, _put, alike_states=_same_content)
"""All elements of an array that is not one stretch of memory."""
