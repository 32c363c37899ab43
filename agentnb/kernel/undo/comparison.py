"""Objects compared with the states that were kept of them, many at a time where they are alike."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

from agentnb.kernel.undo.states import Kind

_FEW = 8
_PIECE = 256


class Batch(NamedTuple):
    """Objects of one class, found together."""

    kind: Kind
    values: list[Any]
    states: list[Any]
    flat: bool  # whether they lead to nothing but constants


class Changed(NamedTuple):
    """An object that is not as it was: how it is kept, its content before and after."""

    value: Any
    kind: Kind
    before: Any
    after: Any

    @property
    def key(self) -> tuple[int, str]:
        """What tells it from others: an array with attributes is two, its elements and its attributes."""
        return id(self.value), self.kind.aspect


class Comparison:
    """Objects compared with their states.

    ``tables`` are alike, ``lost`` cannot be looked at any more, ``derived``: see ``Difference``.
    """

    def __init__(self) -> None:
        self.objects: list[Changed] = []
        self.tables: list[tuple[Any, Kind, Any]] = []
        self.derived: list[Changed] = []
        self.lost: list[Any] = []

    def look(self, batch: Batch) -> None:
        """Compare the objects of a batch."""
        kind, values, states, _ = batch
        if len(values) > _FEW and kind.flat is not None:
            if _all_same(kind, values, states):
                return
            if len(values) > _PIECE:
                for start in range(0, len(values), _PIECE):
                    piece = slice(start, start + _PIECE)
                    self.look(Batch(kind, values[piece], states[piece], False))
                return
        for value, state in zip(values, states, strict=True):
            try:
                self._compare(kind, value, state)
            except Exception:  # a library's object that breaks when it is asked for its state
                self.lost.append(value)

    def _compare(self, kind: Kind, value: Any, state: Any) -> None:
        same = kind.same(value, state)
        if not same and (kind.alike is None or not kind.alike(value, state)):
            self.objects.append(Changed(value, kind, state, kind.copy(value)))
            return
        if kind.alike is not None:
            self.tables.append((value, kind, state))
        if same and kind.exact is not None and not kind.exact(value, state):
            self.derived.append(Changed(value, kind, state, kind.copy(value)))


def _all_same(kind: Kind, values: list[Any], states: list[Any]) -> bool:
    """Whether many containers are as they were, at the speed of C; False where it takes a closer look."""
    assert kind.flat is not None
    return all(map(operator.eq, map(len, values), map(len, states))) and all(
        map(operator.is_, kind.flat(values), kind.flat(states))
    )
