"""What an action did to the variables: added, rebound, mutated in place, deleted; and the way back.

Names are compared by identity against a shallow copy. For changes in place, the objects that the action's code can
reach are kept before it (see ``undo.memento``) and compared after it: 1 GB of arrays costs some 15 ms.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentnb.kernel.namespace.details import Details
from agentnb.kernel.namespace.fingerprint import Fingerprint, fingerprint, sketch
from agentnb.kernel.namespace.kinds import is_variable
from agentnb.kernel.namespace.reach import candidates, may_draw, random_states
from agentnb.kernel.namespace.summary import summarize_variable
from agentnb.kernel.namespace.tables import size_hint
from agentnb.kernel.undo.delta import Delta, changed_names, tick
from agentnb.kernel.undo.fresh import left_by
from agentnb.kernel.undo.memento import Difference, Memento
from agentnb.kernel.undo.memory import Source
from agentnb.kernel.undo.states import MISSING, same_object
from agentnb.record.document import Change, ChangeKind

logger = logging.getLogger("agentnb")

Freeze = Callable[[], Source]


@dataclass(eq=False)
class Snapshot:
    """The variables before an action, and of those it may change in place a summary and their content.

    Holds the objects, so forget it after ``Watch.compare``, which puts what can be taken back into ``delta``.
    """

    values: dict[str, Any]
    began: int
    summaries: dict[str, str] = field(default_factory=dict)
    memento: Memento | None = None
    prints: dict[str, Fingerprint] = field(default_factory=dict)
    delta: Delta | None = None


class Watch:
    """Tells what actions change in one namespace; ``scope`` goes into the changes.

    ``view`` is the namespace in which the actions' code looks its names up, where that is another one (an agent's own
    scope over the user's variables). ``budget`` is the time in seconds to keep the objects before an action: what is
    not done by then, largest last, is compared by samples, and its names are in ``sampled``. Without ``undo`` arrays
    are only fingerprinted, which takes no memory: for where nobody will take anything back.

    An action that awaits others sees what they changed meanwhile, too: leave it out with ``ignore``.

    Not seen: changes inside modules, files, figures; values kept by a cached property; nor told, though it is taken
    back: what is drawn from the random generators of Python and numpy. Rebinding a name to an equal
    number or string is no change.
    """

    def __init__(
        self,
        namespace: Mapping[str, Any],
        *,
        scope: str = "user",
        view: Mapping[str, Any] | None = None,
        budget: float = 1.0,
        undo: bool = True,
    ) -> None:
        self.sampled: list[str] = []
        self._namespace = namespace
        self._view = namespace if view is None else view
        self._scope = scope
        self._budget = budget
        self._undo = undo

    @property
    def note(self) -> str | None:
        """One sentence on what the last snapshot only sampled, None where it looked at everything."""
        if not self.sampled:
            return None
        names = ", ".join(self.sampled[:5]) + (", …" if len(self.sampled) > 5 else "")
        return f"too large to compare in full, so small changes in place may be missed: {names}"

    def snapshot(self, code: str, *, ignore: Collection[str] = (), freeze: Freeze | None = None) -> Snapshot:
        """Return the state before ``code`` (a cell's source) runs; ``ignore`` is not looked at for changes in place.

        ``freeze`` makes a frozen fork, for what is too large to copy.
        """
        values = dict(self._namespace)
        before = Snapshot(values, tick())
        self.sampled = []
        found = candidates(code, self._view, values)
        found = {name: value for name, value in found.items() if name not in ignore}
        shared = random_states() if self._undo and may_draw(code, self._view) else {}
        if found or shared:
            self._look(before, found, shared, freeze)
        return before

    def _look(self, before: Snapshot, found: dict[str, Any], shared: dict[str, Any], freeze: Freeze | None) -> None:
        before.summaries = {name: summarize_variable(name, value) for name, value in found.items()}
        deadline = time.perf_counter() + self._budget
        beyond = list(found)
        try:
            most = None if self._undo else 0
            before.memento = Memento(shared | found, freeze=freeze, deadline=deadline, copy_at_most=most)
            beyond = [name for name in before.memento.beyond if name in found]
            self.sampled += before.memento.sampled
        except Exception:  # no fault in here may keep an action from running
            logger.exception("the variables could not be kept before an action; it cannot be undone")
        deadline = time.perf_counter() + self._budget
        for name in sorted(beyond, key=lambda name: size_hint(found[name])):
            before.prints[name] = fingerprint(found[name], deadline=deadline)
            if not before.prints[name].exact:
                self.sampled.append(name)

    def compare(self, before: Snapshot, *, ignore: Collection[str] = ()) -> list[Change]:
        """Return what changed since ``before``, in the namespace's order, deleted names last.

        Names in ``ignore`` are left out: changes known to be another's.
        """
        old, now = before.values, dict(self._namespace)
        difference = self._difference(before)
        sampled = self._sampled_changes(before, now)
        mutated = sampled if difference is None else difference.names | sampled
        known = old.get
        bound = [name for name, value in now.items() if known(name, MISSING) is not value]
        before.delta = _delta(before, now, bound, difference, sampled)
        details = Details(difference)
        changes: list[Change] = []
        for name in [name for name in now if name in mutated or now[name] is not known(name)] if mutated else bound:
            kind = _kind(known(name, MISSING), now[name])
            if kind and is_variable(name) and name not in ignore:
                changes.append(self._change(kind, name, before, now[name], details))
        gone = [name for name, (_, value) in before.delta.names.items() if value is MISSING and is_variable(name)]
        changes += [self._change("deleted", name, before, MISSING, details) for name in gone if name not in ignore]
        return changes

    def _difference(self, before: Snapshot) -> Difference | None:
        if before.memento is None:
            return None
        try:
            return before.memento.compare()
        except Exception:  # the process that held the memory was killed, for instance
            logger.exception("what an action changed in place could not be told; it cannot be undone")
            self.sampled += [name for name in before.summaries if name not in self.sampled]
            return None

    def _sampled_changes(self, before: Snapshot, now: dict[str, Any]) -> set[str]:
        """Return which of the variables that were too large to keep differ."""
        found = set()
        patience = 5 + 10 * self._budget  # an object that takes so much longer than before has grown, so it changed
        for name, was in before.prints.items():
            value = before.values[name]
            deadline = time.perf_counter() + patience
            if now.get(name, MISSING) is value:
                after = fingerprint(value, deadline=deadline) if was.exact else sketch(value)
                if after != was:
                    found.add(name)
        return found

    def _change(self, kind: ChangeKind, name: str, before: Snapshot, value: Any, details: Details) -> Change:
        was = before.values.get(name, MISSING)
        said = before.summaries.get(name)
        return Change(
            name=name,
            kind=kind,
            before=said or (None if was is MISSING else summarize_variable(name, was)),
            after=None if value is MISSING else summarize_variable(name, value),
            scope=self._scope,
            detail=details.of(kind, name, was, value),
        )


def _kind(was: Any, value: Any) -> ChangeKind | None:
    if was is value:
        return "mutated"
    if was is MISSING:
        return "added"
    return None if same_object(was, value) else "rebound"


def _delta(
    before: Snapshot, now: dict[str, Any], bound: list[str], difference: Difference | None, sampled: set[str]
) -> Delta:
    delta = Delta(before.began, tick(), changed_names(before.values, now, bound))
    if difference is not None:
        delta.objects, delta.writes = difference.objects, difference.writes
        delta.mutated = {name: id(before.values.get(name)) for name in difference.kept}
        if delta.objects or delta.writes.written:
            delta.derived = difference.derived
        lost = set(map(id, difference.lost))
        unkept = before.memento.uncovered.items() if before.memento is not None else ()
        delta.lost = [name for name, objects in unkept if not lost.isdisjoint(map(id, objects))] + sorted(sampled)
    seen = before.memento.ids if before.memento is not None else set[int]()
    delta.fresh = left_by(delta, seen.union(map(id, before.values.values()))) if delta else []
    return delta
