"""What one action did to the variables, such that it can be taken back: its size goes with what changed."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentnb.kernel.namespace.kinds import ATOMS, attributes
from agentnb.kernel.namespace.tables import is_array, is_frame, size_hint
from agentnb.kernel.undo.comparison import Changed
from agentnb.kernel.undo.fresh import Fresh
from agentnb.kernel.undo.memory import Writes
from agentnb.kernel.undo.states import MISSING, Kind, same_object

_MOST_NODES = 1000
_SIZED = frozenset({list, dict, set, tuple, bytearray})
_clock = itertools.count()
_IPYTHONS = re.compile(r"_+|_i+|_i?\d+|_[iod]h|__\w+__|In|Out|exit|quit|get_ipython")


def tick() -> int:
    """Return a number that grows with every call: the time by which actions are ordered."""
    return next(_clock)


@dataclass
class Delta:
    """The difference that an action made between ``began`` and ``ended``.

    ``names`` are those of the user's namespace, with the values before and after (``MISSING``: there was none).
    ``objects`` and ``writes`` are what was changed in place, ``lost`` the variables of which something was changed that
    cannot be put back, ``mutated`` those that lead to something changed in place, with the ids of what they were bound
    to. ``derived`` are objects of which only what they keep of what they computed changed. ``fresh`` are new objects
    that it left. ``contested`` names and objects (by id) were changed by somebody else in the same time as well.
    """

    began: int
    ended: int = 0
    names: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    objects: list[Changed] = field(default_factory=list)
    writes: Writes = field(default_factory=Writes)
    lost: list[str] = field(default_factory=list)
    mutated: dict[str, int] = field(default_factory=dict)
    derived: list[Changed] = field(default_factory=list)
    fresh: list[Fresh] = field(default_factory=list)
    contested_names: set[str] = field(default_factory=set)
    contested: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.names or self.objects or self.writes.written or self.lost)

    @property
    def size(self) -> int:
        """About how many bytes are held only so that this can be taken back."""
        copied = sum(piece.size for piece in self.writes.written)
        states = sum(map(_size_of, self.objects))
        return 200 + copied + states + sum(retained_size(before) for before, _ in self.names.values())

    def close(self) -> None:
        """Let go of all that is held."""
        self.names, self.objects, self.derived, self.fresh = {}, [], [], []
        self.writes.close()
        self.writes = Writes()


def changed_names(
    before: Mapping[str, Any], now: Mapping[str, Any], bound: Iterable[str]
) -> dict[str, tuple[Any, Any]]:
    """Return the names that mean something else, with what they were and are bound to; IPython's own aside.

    ``bound`` are those that are bound to another object now.
    """
    found = {name: (before.get(name, MISSING), now[name]) for name in bound}
    found |= {name: (before[name], MISSING) for name in before if name not in now}
    return {name: pair for name, pair in found.items() if not same_object(*pair) and not _IPYTHONS.fullmatch(name)}


def retained_size(value: Any) -> int:
    """Estimate what goes when a value goes: the arrays and containers below it, as far as a short walk comes."""
    todo, seen, size = [value], set[int](), 0
    while todo and len(seen) < _MOST_NODES:
        part = todo.pop()
        if id(part) in seen or type(part) in ATOMS:
            continue
        seen.add(id(part))
        cls = type(part)
        if is_array(cls) or is_frame(cls):
            size += size_hint(part)
            continue
        size += sys.getsizeof(part, 64) if cls in _SIZED else 64
        if issubclass(cls, dict):
            todo += itertools.islice(dict.values(part), _MOST_NODES)
        elif issubclass(cls, (list, tuple)):
            todo += part[:_MOST_NODES]
        else:
            todo += attributes(part).values()
    return size


def _size_of(changed: Changed) -> int:
    """Estimate what the states of an object hold: their containers, and what only the former one leads to."""
    now = set(map(id, _parts(changed.kind, changed.after)))
    gone = [part for part in _parts(changed.kind, changed.before) if id(part) not in now]
    arrays = sum(map(retained_size, gone[:100]))
    return sys.getsizeof(changed.before, 64) + sys.getsizeof(changed.after, 64) + arrays


def _parts(kind: Kind, state: Any) -> list[Any]:
    return list(itertools.islice(kind.parts(state), 100_000))
