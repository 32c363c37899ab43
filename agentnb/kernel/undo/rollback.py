"""Taking back what actions did, the newest first, but nothing that somebody did since.

First it is looked at what would be put back where, and what has another content than the actions left there: a variable
that leads to such an object is left alone altogether and named. Then everything is put back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import xxhash

from agentnb.kernel.namespace.kinds import is_variable, variables
from agentnb.kernel.namespace.reach import random_states
from agentnb.kernel.namespace.tables import size_hint
from agentnb.kernel.undo.arrays import LAYOUT
from agentnb.kernel.undo.comparison import Changed
from agentnb.kernel.undo.delta import Delta, tick
from agentnb.kernel.undo.memento import Memento
from agentnb.kernel.undo.memory import Header, Written, header_of, span
from agentnb.kernel.undo.pages import view
from agentnb.kernel.undo.states import CONTAINERS, MISSING, same_object, same_states

logger = logging.getLogger("agentnb")

_Same = Callable[[Any, Any], bool]
_Piece = tuple[Written, list[tuple[Any, Header]], Any]
_SECONDS = 0.01
"""What it may take to see whether the variables still lead to what was put back."""
_LARGE = 64 * 4000
"""The size hint of containers for which that is not looked at: of 4,000 elements."""


@dataclass
class Rollback:
    """What came of an undo: the names put back, and those left alone since they were changed meanwhile.

    ``lost`` are variables of which something was changed that cannot be put back, ``rebound`` those that mean another
    object by now than the one put back.
    """

    restored: list[str] = field(default_factory=list)
    collisions: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    rebound: list[str] = field(default_factory=list)


class _Plan:
    """What is to be put back: for each name and object its oldest content, for memory the stretches in their order."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.objects: dict[tuple[int, str], tuple[Changed, Any]] = {}
        self.writes: list[tuple[Delta, Written]] = []
        self.bad_names: set[str] = set()
        self.bad_objects: set[int] = set()
        self.idle: set[int] = set()  # objects that are as they were before


def roll_back(deltas: Iterable[Delta], namespace: MutableMapping[str, Any], *, force: bool = False) -> Rollback:
    """Put ``namespace`` and the objects in it back to where they were before the actions of ``deltas``.

    With ``force`` also what was changed since is overwritten; it is still named as a collision. Raises ``OSError``,
    with nothing changed, where a process that held the memory is gone.
    """
    ordered = sorted(deltas, key=lambda delta: delta.ended, reverse=True)
    plan = _Plan()
    _plan_names(ordered, namespace, plan)
    _plan_objects(ordered, plan)
    _plan_writes(ordered, plan)
    _plan_fresh(ordered, namespace, plan)
    for delta in ordered:
        plan.bad_names |= delta.contested_names & plan.names.keys()
        plan.bad_objects |= delta.contested
    kept_off, collisions = _collide(plan, namespace)
    if force:
        plan.bad_names, kept_off = set(), set()
    bound = {name: namespace.get(name, MISSING) for name in plan.names}
    failed = _carry_out(ordered, plan, namespace, kept_off)
    moved = {name for name, value in bound.items() if namespace.get(name, MISSING) is not value and is_variable(name)}
    mutated, rebound = _mutated(ordered, plan, namespace, kept_off)
    stuck = Memento(variables(namespace), memory=False).leading_to(failed) if failed else set()
    return Rollback(
        sorted((moved | (mutated if force else mutated - collisions)) - stuck),
        sorted(collisions),
        sorted({name for delta in ordered for name in delta.lost} | stuck),
        sorted(rebound - collisions),
    )


def _mutated(
    deltas: list[Delta], plan: _Plan, namespace: Mapping[str, Any], kept_off: set[int]
) -> tuple[set[str], set[str]]:
    """Return which variables lead to what was put back in place, and which mean something else by now."""
    roots = {name: root for delta in deltas for name, root in delta.mutated.items()}
    goals = {key for key, _ in plan.objects} - kept_off - plan.idle
    shared = {name: id(state) in goals for name, state in random_states().items() if name in roots}
    goals |= {id(array) for delta in deltas for array, _ in delta.writes.arrays} - kept_off
    bound = {name: namespace[name] for name, root in roots.items() if id(namespace.get(name, MISSING)) == root}
    large = {name for name, value in bound.items() if type(value) in CONTAINERS and size_hint(value) > _LARGE}
    small = {name: value for name, value in bound.items() if name not in large}
    walk = Memento(small, memory=False, deadline=time.perf_counter() + _SECONDS)
    mutated = walk.leading_to(goals) | {*walk.beyond, *large}  # of what is too large it is taken for granted
    rebound = {name for name in roots.keys() - mutated - plan.names.keys() if is_variable(name)}
    return mutated | {name for name, back in shared.items() if back}, rebound - shared.keys()


def reverse(delta: Delta) -> Delta:
    """Return what taking back ``delta`` does, for those who have to know what others changed."""
    turned = Delta(tick(), tick(), {name: (after, before) for name, (before, after) in delta.names.items()})
    turned.objects = [each._replace(before=each.after, after=each.before) for each in delta.objects]
    turned.writes.written = [
        piece._replace(before=None, after=xxhash.xxh3_64_intdigest(delta.writes.before(piece)))
        for piece in delta.writes.written
    ]
    return turned


# --- looking ----------------------------------------------------------------------------------------------------------


def _oldest(entries: list[tuple[Delta, Any, Any]], same: _Same) -> tuple[Any, bool]:
    """Follow the contents of one thing back through the actions; return the oldest, and whether the way is unbroken.

    ``entries`` are the action, the content before and after it, the newest first. An action within another (a
    specialist's within the coordinator's) is covered by it.
    """
    first, target, _ = entries[0]
    began = first.began
    for delta, before, after in entries[1:]:
        if delta.began >= began:
            continue
        if delta.ended <= began and not same(after, target):
            return target, False  # somebody changed it between the two
        target, began = before, delta.began
    return target, True


def _plan_names(deltas: list[Delta], namespace: Mapping[str, Any], plan: _Plan) -> None:
    found: dict[str, list[tuple[Delta, Any, Any]]] = {}
    for delta in deltas:
        for name, (before, after) in delta.names.items():
            found.setdefault(name, []).append((delta, before, after))
    for name, entries in found.items():
        target, unbroken = _oldest(entries, same_object)
        now = namespace.get(name, MISSING)
        plan.names[name] = target
        if not same_object(now, target) and not (unbroken and same_object(now, entries[0][2])):
            plan.bad_names.add(name)


def _plan_objects(deltas: list[Delta], plan: _Plan) -> None:
    found: dict[tuple[int, str], list[tuple[Delta, Changed]]] = {}
    for delta in deltas:
        for changed in delta.objects:
            found.setdefault(changed.key, []).append((delta, changed))
    for key, entries in found.items():
        newest = entries[0][1]
        kind = newest.kind
        states = [(delta, changed.before, changed.after) for delta, changed in entries]
        target, unbroken = _oldest(states, kind.alike_states or same_states)
        like = kind.alike or kind.same
        plan.objects[key] = next(changed for _, changed in entries if changed.before is target), target
        if like(newest.value, target):
            plan.idle.add(id(newest.value))
        elif not (unbroken and like(newest.value, newest.after)):
            plan.bad_objects.add(id(newest.value))


def _plan_writes(deltas: list[Delta], plan: _Plan) -> None:
    known = {key for key, _ in plan.objects}
    for delta in deltas:
        for piece in delta.writes.written:
            later = [other for other in plan.writes if _overlap(piece, other[1])]
            if any(other.began <= delta.began for other, _ in later):
                continue  # an action around this one puts it back already
            plan.writes.append((delta, piece))
            arrays = delta.writes.arrays_of(piece)
            moved = {id(array) for array, header in arrays if header_of(array) != header}
            resized = bool(moved - known)  # by somebody else: the memory may be gone
            if resized or not (moved or _is_as_left(piece, later) or _is_as_before(piece, delta)):
                plan.bad_objects |= {id(array) for array, _ in arrays}


def _plan_fresh(deltas: list[Delta], namespace: Mapping[str, Any], plan: _Plan) -> None:
    """Leave alone what was new after an action and has been changed by somebody since: it would be gone."""
    for delta in deltas:
        later = [other for other in deltas if other is not delta and other.ended > delta.began]
        theirs = {id(each.value) for other in later for each in other.objects}
        theirs |= {id(array) for other in later for array, _ in other.writes.arrays}
        for each in delta.fresh:
            if isinstance(each.place, str) and namespace.get(each.place, MISSING) is not each.values[0]:
                continue
            if each.place in theirs or not each.is_changed():
                continue
            if not theirs.isdisjoint(Memento({"": each.values}, memory=False).ids):
                continue  # by one of the actions, as far as can be told
            if isinstance(each.place, str):
                plan.bad_names.add(each.place)
            else:
                plan.bad_objects.add(each.place)


def _is_as_left(piece: Written, later: list[tuple[Delta, Written]]) -> bool:
    """Whether memory will be as an action left it once what came later is taken back."""
    now = view(piece.start, piece.size)
    if later:
        now = now.copy()
        for delta, other in later:
            low, high = max(piece.start, other.start), min(piece.start + piece.size, other.start + other.size)
            before = delta.writes.before(other)
            now[low - piece.start : high - piece.start] = before[low - other.start : high - other.start]
    return bool(xxhash.xxh3_64_intdigest(now) == piece.after)


def _is_as_before(piece: Written, delta: Delta) -> bool:
    """Whether somebody has put memory back already: the person, or an undo that left other variables alone."""
    return bytes(view(piece.start, piece.size)) == bytes(delta.writes.before(piece))


def _overlap(one: Written, other: Written) -> bool:
    return one.start < other.start + other.size and other.start < one.start + one.size


def _collide(plan: _Plan, namespace: Mapping[str, Any]) -> tuple[set[int], set[str]]:
    """Return the objects (by id) that are left alone since somebody changed them, and the variables concerned.

    What a variable leads to is left alone as a whole, and the variables that share some of it are named with it.
    """
    kept_off, names = set(plan.bad_objects), set(plan.bad_names)
    if not kept_off:
        return kept_off, names
    ours = {
        *(key for key, _ in plan.objects),
        *(id(array) for delta, _ in plan.writes for array, _ in delta.writes.arrays),
    }
    named = variables(namespace)
    everything = Memento(named, memory=False)
    while True:
        found = everything.leading_to(kept_off)
        more = Memento({name: named[name] for name in found}, memory=False).ids & ours
        names |= found
        if more <= kept_off:
            return kept_off, names
        kept_off |= more


# --- putting back -----------------------------------------------------------------------------------------------------


def _carry_out(deltas: list[Delta], plan: _Plan, namespace: MutableMapping[str, Any], kept_off: set[int]) -> set[int]:
    """Put everything back; return the objects (by id) that do not take their former content, a locked buffer say."""
    writes: dict[int, list[_Piece]] = {}
    for delta, piece in plan.writes:
        arrays = delta.writes.arrays_of(piece)
        if not any(id(array) in kept_off for array, _ in arrays):
            writes.setdefault(id(delta), []).append((piece, arrays, delta.writes.before(piece)))
    failed: set[int] = set()
    for changed, target in plan.objects.values():
        if changed.kind is not LAYOUT and id(changed.value) not in kept_off:
            _put_back(changed, target, failed)
    _put_back_memory(deltas, writes, kept_off, failed)
    for changed in [each for delta in deltas for each in delta.derived]:
        if id(changed.value) not in kept_off and changed.kind.same(changed.value, changed.before):
            _put_back(changed, changed.before, failed)
    _bind(plan, namespace)
    return failed


def _put_back_memory(
    deltas: list[Delta], writes: Mapping[int, list[_Piece]], kept_off: set[int], failed: set[int]
) -> None:
    """Go back step by step: a resized array takes what was written before once it has its former size."""
    handled: dict[int, int] = {}
    for delta in deltas:
        for piece, arrays, before in writes.get(id(delta), []):
            for array, header in arrays:
                _write(piece, array, header, before)
        for changed in delta.objects:
            key = id(changed.value)
            if changed.kind is LAYOUT and key not in kept_off and handled.get(key, delta.ended) > delta.began:
                handled[key] = delta.began
                _put_back(changed, changed.before, failed)


def _put_back(changed: Changed, state: Any, failed: set[int]) -> None:
    try:
        changed.kind.restore(changed.value, state)
    except Exception:  # the rest goes back all the same
        logger.exception("an object could not be put back")
        failed.add(id(changed.value))


def _bind(plan: _Plan, namespace: MutableMapping[str, Any]) -> None:
    for name, target in plan.names.items():
        if name in plan.bad_names:
            continue
        if target is MISSING:
            namespace.pop(name, None)
        else:
            namespace[name] = target


def _write(piece: Written, array: Any, header: Any, before: Any) -> None:
    """Put back that part of a stretch which lies in an array, wherever the array lies now."""
    now = header_of(array)
    if now[1:] != header[1:]:
        return
    start, size = span(header)
    low, high = max(piece.start, start), min(piece.start + piece.size, start + size)
    view(low + now.start - header.start, high - low)[:] = before[low - piece.start : high - piece.start]
