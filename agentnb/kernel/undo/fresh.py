"""New objects that an action left: whether somebody has changed them since.

An undo lets go of them, and with them of what the person did to them. So a fingerprint is taken of each at the end of
the action, as far as a few milliseconds go, and compared before the undo.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from agentnb.kernel.namespace.fingerprint import Fingerprint, fingerprint, is_opaque, sketch
from agentnb.kernel.namespace.tables import size_hint
from agentnb.kernel.undo.states import MISSING

if TYPE_CHECKING:
    from agentnb.kernel.undo.delta import Delta

SECONDS = 0.01
"""What the fingerprints of one action's new objects may take; of the large ones, samples are compared."""
_PATIENCE = 15.0
_LARGE = 8 << 20
"""Bytes of arrays above which samples are compared."""
_MOST = 10_000


class Fresh(NamedTuple):
    """New objects below one name, or one object (by id) that was changed in place."""

    place: str | int
    values: list[Any]
    print: Fingerprint

    def is_changed(self) -> bool:
        """Whether they have another content now."""
        if not self.print.exact:
            return sketch(self.values) != self.print
        return fingerprint(self.values, deadline=time.perf_counter() + _PATIENCE) != self.print


def left_by(delta: Delta, known: Collection[int]) -> list[Fresh]:
    """Return the new objects that an action left; ``known`` are the ids of those that were there before."""
    deadline = time.perf_counter() + SECONDS
    found = []
    for place, values in _places(delta):
        new = [value for value in values if id(value) not in known and not is_opaque(value)]
        if new and time.perf_counter() < deadline:
            large = sum(map(size_hint, new)) > _LARGE
            found.append(Fresh(place, new, sketch(new) if large else fingerprint(new, deadline=deadline)))
    return found


def _places(delta: Delta) -> Iterator[tuple[str | int, list[Any]]]:
    for name, (_, after) in delta.names.items():
        if after is not MISSING:
            yield name, [after]
    for changed in delta.objects:
        was = set(map(id, itertools.islice(changed.kind.parts(changed.before), _MOST)))
        parts = itertools.islice(changed.kind.parts(changed.after), _MOST)
        yield id(changed.value), [part for part in parts if id(part) not in was]
