"""The objects that an action may change, kept as they are before it, and compared after it.

Each object is kept by its own content alone (see ``states``), found by walking from the variables, many at a time so
that a list of 100,000 dicts takes some 30 ms. Arrays are memory (see ``memory``). Nothing is pickled or hashed, but
for what keeps its content in C and gives none of it away: that is only fingerprinted, and cannot be put back.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from types import FunctionType
from typing import Any, NamedTuple

from agentnb.kernel.namespace.fingerprint import Fingerprint, fingerprint, is_opaque, sketch
from agentnb.kernel.namespace.kinds import ATOMS
from agentnb.kernel.namespace.tables import OutOfTime, is_array, size_hint
from agentnb.kernel.undo.arrays import ATTRIBUTES, LAYOUT, LOCK
from agentnb.kernel.undo.comparison import Batch, Changed, Comparison
from agentnb.kernel.undo.frames import OBJECTS, table_kind
from agentnb.kernel.undo.frozen import CannotFork
from agentnb.kernel.undo.functions import WRAPPERS, code_kind
from agentnb.kernel.undo.memory import (
    INLINE,
    Memory,
    Source,
    Writes,
    header_of,
    is_shared,
    is_written,
    span,
)
from agentnb.kernel.undo.registry import kind_of
from agentnb.kernel.undo.states import MISSING, Kind

_CONSTANTS = ATOMS - {FunctionType, type}
_FEW = 8
_PATIENCE = 15.0  # seconds
MOST_OBJECTS = 250_000
"""Objects below one variable that are kept: of more, a fingerprint is many times faster, and takes no memory."""
COPY_AT_MOST = 256 << 20
"""Bytes of arrays that are copied where no fork is to be had; of more, the largest are not covered."""
FORK_ABOVE = 8 << 20
"""Bytes of arrays from which a frozen fork is cheaper than a copy: measured, see ``benchmarks/undo.py``."""


class Difference(NamedTuple):
    """What came of a comparison. ``lost`` are objects that changed and cannot be put back.

    ``names`` lead to something that changed, ``kept`` to something that can be put back. ``derived`` are objects whose
    only change is what they keep of what they computed, no change by itself: they go back with the others.
    """

    objects: list[Changed]
    derived: list[Changed]
    writes: Writes
    lost: list[Any]
    names: set[str]
    kept: set[str]


class Memento:
    """The state of ``roots`` (variables by name) and of all that they lead to.

    ``beyond`` holds the names of too many objects, or not done by ``deadline`` (in ``time.perf_counter()``), the
    smallest come first; nothing is known of them. ``unkept`` tells for a name what of it cannot be put back.

    ``freeze`` makes a frozen fork and is called at most once, None where none is to be had; ``refused`` is the reason
    why it did not. Without ``memory`` the arrays' content is not kept: for finding out what leads where.
    ``copy_at_most`` bytes of it are copied where there is no fork.
    """

    def __init__(
        self,
        roots: Mapping[str, Any],
        *,
        freeze: Callable[[], Source] | None = None,
        deadline: float = float("inf"),
        memory: bool = True,
        copy_at_most: int | None = None,
    ) -> None:
        self.beyond: list[str] = []
        self.unkept: dict[str, list[Any]] = {}
        self.refused: str | None = None
        self._roots = dict(roots)
        self._deadline = deadline
        self._copy_at_most = COPY_AT_MOST if copy_at_most is None else copy_at_most
        self._memory, self._shared = Memory(), Memory()
        self._batches: list[Batch] = []
        self._loose: dict[int, tuple[Any, Fingerprint]] = {}
        self._seen: set[int] = set()
        self._kinds: dict[type, Kind | None] = {}
        with _no_collection():
            for name, value in sorted(roots.items(), key=lambda item: size_hint(item[1])):
                self._take(name, value)
        if memory:
            self._hold(freeze)

    # --- before -------------------------------------------------------------------------------------------------------

    def _take(self, name: str, root: Any) -> None:
        batches: list[Batch] = []
        unkept: list[Any] = []
        found: list[dict[int, Any]] = []
        frontier, count = [root], 0
        while frontier:
            count += len(frontier)
            if count > MOST_OBJECTS or time.perf_counter() > self._deadline:
                self._seen.difference_update(*found)
                self.beyond.append(name)
                return
            groups = _by_class(frontier)
            frontier = []
            for cls, values in groups.items():
                fresh = dict(zip(map(id, values), values, strict=True))
                for known in self._seen.intersection(fresh):
                    del fresh[known]
                if fresh:
                    self._seen.update(fresh)
                    found.append(fresh)
                    frontier += self._keep(cls, list(fresh.values()), batches, unkept)
        self._batches += batches
        if unkept:
            self.unkept[name] = unkept

    def _keep(self, cls: type, values: list[Any], batches: list[Batch], unkept: list[Any]) -> list[Any]:
        """Keep objects of one class; return what they lead to."""
        if cls is FunctionType or issubclass(cls, type):
            pairs = [(value, code_kind(value)) for value in values]
            return [part for v, kind in pairs if kind is not None for part in self._copy(kind, [v], batches)]
        if is_array(cls):
            return self._keep_arrays(cls, values, batches, unkept)
        kind = self._kind(cls, values[0])
        if kind is None:
            if cls not in ATOMS:
                unkept += self._look_at(values)
            return []
        try:
            return self._copy(kind, values, batches)
        except OutOfTime:
            raise
        except Exception:  # of a library that breaks when it is asked for its state
            unkept += self._look_at(values)
            return []

    def _kind(self, cls: type, value: Any) -> Kind | None:
        found: Any = self._kinds.get(cls, MISSING)
        if found is MISSING:
            found = table_kind(cls)
            if found is None and (cls in WRAPPERS or not is_opaque(value)):
                found = kind_of(cls)
            self._kinds[cls] = found
        kind: Kind | None = found
        return kind

    def _copy(self, kind: Kind, values: list[Any], batches: list[Batch]) -> list[Any]:
        states = list(map(kind.copy, values))
        flat = _CONSTANTS.issuperset(map(type, _flat(kind, states)))
        batches.append(Batch(kind, values, states, flat))
        return [] if flat else [part for part in _flat(kind, states) if type(part) not in _CONSTANTS]

    def _look_at(self, values: list[Any]) -> list[Any]:
        """Take the fingerprint of what cannot be kept; what is not looked into at all is left out."""
        for value in values:
            if not is_opaque(value):
                self._loose[id(value)] = value, fingerprint(value, deadline=self._deadline)
        return values

    def _keep_arrays(self, cls: type, values: list[Any], batches: list[Batch], unkept: list[Any]) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if value.dtype.hasobject:
                found += self._copy(OBJECTS, [value], batches)
            elif not is_shared(value):
                self._memory.add(value)
            elif value.nbytes + self._shared.size() <= min(INLINE, self._copy_at_most):
                self._shared.add(value)
            else:
                unkept += self._look_at([value])
        if hasattr(values[0], "__dict__"):
            found += self._copy(ATTRIBUTES, values, batches)
        return found

    def _hold(self, freeze: Callable[[], Source] | None) -> None:
        if self._shared:
            self._shared.hold(None)
        if not self._memory:
            return
        size = self._memory.size()
        if freeze is not None and size > FORK_ABOVE:
            try:
                self._memory.hold(freeze)
                return
            except CannotFork as reason:
                self.refused = str(reason)
        self._leave_out_the_largest(size)
        self._memory.hold(None)

    def _leave_out_the_largest(self, size: int) -> None:
        """Only fingerprint what is too much to copy."""
        arrays = sorted(self._memory.arrays(), key=lambda array: span(header_of(array))[1])
        left_out: list[Any] = []
        while arrays and size > self._copy_at_most:
            largest = arrays.pop()
            self._memory.drop(largest)
            size -= span(header_of(largest))[1]
            left_out.append(largest)
        if not left_out:
            return
        index = self._index()
        self._look_at(left_out)
        for name, root in self._roots.items():
            mine = [each for each in left_out if name not in self.beyond and _leads_to(root, {id(each)}, index, set())]
            if mine:
                self.unkept.setdefault(name, []).extend(mine)

    # --- after --------------------------------------------------------------------------------------------------------

    def compare(self) -> Difference:
        """Return what is not as it was. To be called once; lets go of what was kept and is as it was."""
        found = Comparison()
        with _no_collection():
            for batch in self._batches:
                found.look(batch)
        writes, moved, locked = self._memory.compare()
        in_files, _, _ = self._shared.compare()
        writes.include(in_files)
        objects = found.objects + [Changed(each.array, LAYOUT, each, header_of(each.array)) for each in moved]
        objects += [Changed(array, LOCK, not now, now) for array in locked for now in [array.flags.writeable]]
        writes.arrays = [pair for pair in writes.arrays if is_written(pair[0], writes)]
        lost = found.lost + [value for value, before in self._loose.values() if _again(value, before) != before]
        changed = {id(each.value) for each in objects} | {id(array) for array, _ in writes.arrays}
        if found.tables and changed:
            objects += self._with_other_parts(found.tables, changed)
            changed |= {id(each.value) for each in objects}
        kept = self.leading_to(changed) if changed else set()
        names = kept | self.leading_to(set(map(id, lost))) if lost else kept
        self._batches, self._loose, self._memory, self._shared = [], {}, Memory(), Memory()
        derived = [each for each in found.derived if id(each.value) not in changed]
        return Difference(objects, derived, writes, lost, names, kept)

    def _with_other_parts(self, tables: list[tuple[Any, Kind, Any]], changed: set[int]) -> list[Changed]:
        """Return those of the tables whose former parts were changed.

        One that was rearranged as well looks as those do now, not as they did; one that was not may be until an undo.
        """
        index, clean = self._index(), set[int]()
        return [
            Changed(value, kind, state, kind.copy(value))
            for value, kind, state in tables
            if any(_leads_to(part, changed, index, clean) for part in kind.parts(state))
        ]

    @property
    def uncovered(self) -> dict[str, list[Any]]:
        """The variables of which something cannot be put back, with those objects; none where it is all too large."""
        return self.unkept | {name: [] for name in self.beyond}

    @property
    def sampled(self) -> list[str]:
        """The variables with something in them of which only samples are compared."""
        return [name for name, objects in self.unkept.items() if any(map(self._is_sampled, objects))]

    def _is_sampled(self, value: Any) -> bool:
        found = self._loose.get(id(value))
        return found is not None and not found[1].exact

    @property
    def ids(self) -> set[int]:
        """The ids of all objects that were found."""
        return self._seen

    def leading_to(self, goals: set[int]) -> set[str]:
        """Return the names that lead to one of these objects (by id)."""
        index, clean, changed = self._index(), set[int](), set(goals)
        return {
            name
            for name, root in self._roots.items()
            if name not in self.beyond and _leads_to(root, changed, index, clean)
        }

    def _index(self) -> dict[int, tuple[Kind, Any]]:
        """Return how and as what the objects are kept that lead on to others."""
        index: dict[int, tuple[Kind, Any]] = {}
        for kind, values, states, flat in self._batches:
            for value, state in [] if flat else zip(values, states, strict=True):
                key = id(value)
                # an array with attributes is two states: its objects and its attributes
                index[key] = (_both(kind, index[key]), (state, index[key][1])) if key in index else (kind, state)
        return index


@contextmanager
def _no_collection() -> Iterator[None]:
    """Many containers are made at once and none is garbage: to look for some would take most of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _by_class(values: list[Any]) -> dict[type, list[Any]]:
    classes = set(map(type, values))
    if len(classes) == 1:
        return {classes.pop(): values}
    groups: dict[type, list[Any]] = {}
    for value in values:
        groups.setdefault(type(value), []).append(value)
    return groups


def _again(value: Any, before: Fingerprint) -> Fingerprint:
    """Return a fingerprint of the kind of an earlier one; what takes so much longer has grown, so it changed."""
    return fingerprint(value, deadline=time.perf_counter() + _PATIENCE) if before.exact else sketch(value)


def _flat(kind: Kind, states: list[Any]) -> Iterable[Any]:
    return kind.flat(states) if kind.flat is not None else chain.from_iterable(map(kind.parts, states))


def _both(kind: Kind, other: tuple[Kind, Any]) -> Kind:
    def parts(state: tuple[Any, Any]) -> Iterator[Any]:
        yield from kind.parts(state[0])
        yield from other[0].parts(state[1])

    return kind._replace(parts=parts)


def _leads_to(root: Any, goals: set[int], index: Mapping[int, tuple[Kind, Any]], clean: set[int]) -> bool:
    """Whether one of ``goals`` is reached from ``root``; what leads to none of them is put into ``clean``."""
    seen: set[int] = set()
    todo = [id(root)]
    while todo:
        key = todo.pop()
        if key in goals:
            goals.add(id(root))
            return True
        if key in seen or key in clean or key not in index:
            continue
        seen.add(key)
        kind, state = index[key]
        parts = set(map(id, kind.parts(state)))
        if not goals.isdisjoint(parts):
            goals.add(id(root))
            return True
        todo += parts & index.keys() if len(parts) > _FEW else parts
    clean |= seen
    return False
