"""What an action did to the variables: added, rebound, mutated in place, deleted.

Names are compared by identity against a shallow copy. For changes in place, the objects that the action's code can
reach are fingerprinted before and after; nothing is copied, so 1 GB of arrays costs about 0.1 s.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentnb.kernel.fingerprint import Fingerprint, fingerprint, sketch
from agentnb.kernel.kinds import is_variable
from agentnb.kernel.reach import candidates
from agentnb.kernel.summary import summarize_variable
from agentnb.kernel.tables import size_hint
from agentnb.record.document import Change, ChangeKind

_MISSING: Any = object()
_CONSTANTS = frozenset({int, float, complex, bool, str, bytes})


@dataclass
class Snapshot:
    """The variables before an action: the objects, and of those it may change in place a fingerprint and a summary.

    Holds the objects, so forget it after ``Watch.compare``.
    """

    values: dict[str, Any]
    summaries: dict[str, str] = field(default_factory=dict)
    prints: dict[int, Fingerprint] = field(default_factory=dict)


class Watch:
    """Tells what actions change in one namespace; ``scope`` goes into the changes.

    ``view`` is the namespace in which the actions' code looks its names up, where that is another one (an agent's own
    scope over the user's variables). ``budget`` is the time in seconds for the fingerprints of one snapshot: what is
    not done by then, largest last, is compared by samples, and its names are in ``sampled``.

    The fingerprints taken after an action serve as those before the next. **Call ``invalidate`` when anybody else may
    have run in between** (a cell of the user's, another agent's action), or their changes in place are taken for the
    next action's. An action that awaits others sees what they changed meanwhile, too: leave it out with ``ignore``.

    Not seen: changes inside functions, classes, modules, files, figures; values kept by a cached property; attributes
    of what cannot be pickled beyond its ``__dict__``. Rebinding a name to an equal number or string is no change.
    """

    def __init__(
        self,
        namespace: Mapping[str, Any],
        *,
        scope: str = "user",
        view: Mapping[str, Any] | None = None,
        budget: float = 1.0,
    ) -> None:
        self.sampled: list[str] = []
        self._namespace = namespace
        self._view = namespace if view is None else view
        self._scope = scope
        self._budget = budget
        self._known: dict[int, tuple[Callable[[], Any], Fingerprint]] = {}

    @property
    def note(self) -> str | None:
        """One sentence on what the last snapshot only sampled, None where it looked at everything."""
        if not self.sampled:
            return None
        names = ", ".join(self.sampled[:5]) + (", …" if len(self.sampled) > 5 else "")
        return f"too large to compare in full, so small changes in place may be missed: {names}"

    def invalidate(self) -> None:
        """Forget all fingerprints, since somebody else may have changed the objects."""
        self._known.clear()

    def snapshot(self, code: str, *, ignore: Collection[str] = ()) -> Snapshot:
        """Return the state before ``code`` (a cell's source) runs; ``ignore`` is not looked at for changes in place."""
        values = dict(self._namespace)
        before = Snapshot(values)
        self.sampled = []
        found = candidates(code, self._view, values)
        if found:
            self._look(before, {name: value for name, value in found.items() if name not in ignore})
        return before

    def _look(self, before: Snapshot, found: dict[str, Any]) -> None:
        deadline = time.perf_counter() + self._budget
        for name, value in sorted(found.items(), key=lambda item: size_hint(item[1])):
            before.summaries[name] = summarize_variable(name, value)
            if id(value) not in before.prints:
                known = self._known.get(id(value))
                kept = known[1] if known and known[0]() is value else None
                before.prints[id(value)] = kept or fingerprint(value, deadline=deadline)
            if not before.prints[id(value)].exact:
                self.sampled.append(name)

    def compare(self, before: Snapshot, *, ignore: Collection[str] = ()) -> list[Change]:
        """Return what changed since ``before``, in the namespace's order, deleted names last.

        Names in ``ignore`` are left out: changes known to be another's.
        """
        old, now = before.values, dict(self._namespace)
        after = self._after(before, now)
        changes: list[Change] = []
        for name, value in now.items():
            was = old.get(name, _MISSING)
            if was is value and (not after or name not in before.summaries):
                continue
            kind = self._kind(name, was, value, before, after)
            if kind and is_variable(name) and name not in ignore:
                changes.append(self._change(kind, name, before, value))
        if old.keys() - now.keys():
            gone = [name for name in old if name not in now and name not in ignore and is_variable(name)]
            changes += [self._change("deleted", name, before, _MISSING) for name in gone]
        return changes

    @staticmethod
    def _kind(name: str, was: Any, value: Any, before: Snapshot, after: dict[int, Fingerprint]) -> ChangeKind | None:
        if was is value:
            return "mutated" if after[id(value)] != before.prints[id(value)] else None
        if was is _MISSING:
            return "added"
        if type(was) is type(value) and type(was) in _CONSTANTS and was == value:
            return None
        return "rebound"

    def _after(self, before: Snapshot, now: dict[str, Any]) -> dict[int, Fingerprint]:
        """Fingerprint again what is still bound to its name, and keep that for the next snapshot."""
        if not before.summaries:
            return {}
        after: dict[int, Fingerprint] = {}
        patience = 5 + 10 * self._budget  # an object that takes so much longer than before has grown, so it changed
        for name in before.summaries:
            value = before.values[name]
            if now.get(name, _MISSING) is value and id(value) not in after:
                exact = before.prints[id(value)].exact
                deadline = time.perf_counter() + patience
                after[id(value)] = fingerprint(value, deadline=deadline) if exact else sketch(value)
                self._known[id(value)] = _reference(value), after[id(value)]
        bound = set(map(id, now.values()))
        self._known = {key: known for key, known in self._known.items() if key in bound}
        return after

    def _change(self, kind: ChangeKind, name: str, before: Snapshot, value: Any) -> Change:
        was = before.values.get(name, _MISSING)
        said = before.summaries.get(name)
        return Change(
            name=name,
            kind=kind,
            before=said or (None if was is _MISSING else summarize_variable(name, was)),
            after=None if value is _MISSING else summarize_variable(name, value),
            scope=self._scope,
        )


def _reference(value: Any) -> Callable[[], Any]:
    """Return a weak reference, or a strong one to what allows no other (lists, dicts): held until ``invalidate``."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value
