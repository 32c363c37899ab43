"""What a branch brings back, and how it is merged: by name, overwriting nothing that others changed meanwhile."""

from __future__ import annotations

import enum
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from agentnb.kernel.namespace.compared import differences
from agentnb.kernel.namespace.fingerprint import Fingerprint, fingerprint, sketch
from agentnb.kernel.namespace.kinds import ATOMS
from agentnb.kernel.namespace.summary import summarize_variable
from agentnb.record.document import Change, ChangeKind


class _Gone(enum.Enum):
    """Of an enumeration, so that it stays the same object when it travels."""

    GONE = enum.auto()


MISSING: Any = _Gone.GONE
_PATIENCE = 2.0
"""Seconds for the comparison of one variable with what it was."""
_DETAILS = 0.1
"""Seconds to tell in detail what a merge changes."""


@dataclass(frozen=True)
class Brought:
    """One variable that a branch added, changed or deleted (then ``value`` is ``MISSING``).

    ``was_id`` is the address of what stood under the name at the fork, None where nothing did; ``was_print`` tells
    whether it was changed in place since, None where it cannot be.
    """

    name: str
    kind: ChangeKind
    value: Any
    was_id: int | None = None
    was_print: Fingerprint | None = None


@dataclass
class Bundle:
    """All that one task's branch brings back. ``held`` keeps the objects of the fork, and so their addresses, alive.

    ``answer`` is what the task gave; a merge that writes its content into the user's own object puts that in its place.
    ``alone`` are the ids of what came that is led to by its names only, and by the answer where that is the object.
    """

    agent: str
    brought: list[Brought]
    stays: dict[str, str] = field(default_factory=dict)  # what cannot leave the branch, and why
    held: Any = None
    ask: bool = False  # whether the person is to allow the merge
    source: str = "branch"  # how the place is called where it was made
    answer: Any = None
    alone: frozenset[int] = frozenset()

    def changes(self, namespace: Mapping[str, Any], scope: str = "user") -> list[Change]:
        """Return what a merge into ``namespace`` would do, for the person to look at."""
        deadline = time.perf_counter() + _DETAILS
        return [
            Change(
                name=each.name,
                kind="added" if each.name not in namespace and each.value is not MISSING else each.kind,
                before=summarize_variable(each.name, namespace[each.name]) if each.name in namespace else None,
                after=None if each.value is MISSING else summarize_variable(each.name, each.value),
                scope=scope,
                detail=_detail(each, namespace, deadline),
            )
            for each in self.brought
        ]


def _detail(each: Brought, namespace: Mapping[str, Any], deadline: float) -> list[str]:
    if each.name not in namespace or each.kind == "deleted":
        return []
    return differences(each.name, namespace[each.name], each.value, deadline)


@dataclass
class Merged:
    """What a merge binds and deletes, and what there is to say about it."""

    bind: dict[str, Any] = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def merge(bundle: Bundle, namespace: Mapping[str, Any]) -> Merged:
    """Decide what of a bundle goes where in ``namespace``; changes nothing.

    A variable that somebody else changed since the fork keeps its value, and the branch's comes beside it, named
    after its agent.
    """
    merged = Merged()
    for each in bundle.brought:
        if each.value is MISSING and each.name not in namespace:
            continue  # both deleted it
        if _is_as_it_was(each, namespace):
            if each.value is MISSING:
                merged.delete.append(each.name)
            else:
                merged.bind[each.name] = each.value
        elif each.name not in namespace:
            merged.bind[each.name] = each.value
            merged.notes.append(f"`{each.name}` was deleted meanwhile; {bundle.agent} changed it and brings it back")
        elif each.value is MISSING:
            merged.notes.append(f"`{each.name}` was changed meanwhile, so it stays though {bundle.agent} deleted it")
        elif not _is_alike(each.value, namespace[each.name]):
            other = _free(f"{each.name}_{bundle.agent}", {*namespace, *merged.bind})
            merged.bind[other] = each.value
            merged.notes.append(f"`{each.name}` was changed meanwhile, so what {bundle.agent} made of it is `{other}`")
    merged.notes += [f"`{name}` of {bundle.agent} stays behind: {why}" for name, why in bundle.stays.items()]
    return merged


def _is_as_it_was(each: Brought, namespace: Mapping[str, Any]) -> bool:
    if each.was_id is None or each.name not in namespace:
        return each.was_id is None and each.name not in namespace
    current = namespace[each.name]
    if id(current) != each.was_id:
        return False
    return each.was_print is None or print_of(current, exact=each.was_print.exact) == each.was_print


def print_of(value: Any, *, exact: bool = True) -> Fingerprint:
    """Return a fingerprint that can be compared across a fork; ``exact`` as the one that it is compared with."""
    return fingerprint(value, deadline=time.perf_counter() + _PATIENCE) if exact else sketch(value)


def can_change(value: Any) -> bool:
    """Whether an object may be another one later though it is the same."""
    return type(value) not in ATOMS


def _is_alike(one: Any, other: Any) -> bool:
    """Whether two came to the same: then there is no conflict."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, FunctionType):
        return bool(one.__code__ == other.__code__ and one.__defaults__ == other.__defaults__)
    if type(one) in ATOMS:
        return bool(one == other)
    ours, theirs = print_of(one), print_of(other)
    return ours.exact and ours == theirs


def _free(name: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    number = 1
    found = name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
