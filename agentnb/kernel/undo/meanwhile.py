"""What others change while an action waits: a cell of the user's, an action of another run, an undo.

An action that awaits a specialist lends its turn, and the comparison after it sees what was changed meanwhile as well.
So all who change variables tell it here, and what was theirs alone is taken out of the action's delta. What both
changed is marked: an undo leaves it alone.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentnb.kernel.undo.delta import Delta
from agentnb.kernel.undo.states import same_object, same_states

Look = Callable[[str], Callable[[], Delta | None]]
"""Takes a cell's code before it runs, returns what tells its delta after it."""


class Meanwhile:
    """The actions that are under way in one namespace, and what others changed since they began."""

    def __init__(self, namespace: MutableMapping[str, Any]) -> None:
        self._namespace = namespace
        self._open: dict[object, tuple[object, list[Delta]]] = {}
        self._compare: Callable[[], Delta | None] | None = None
        self._unhook: Callable[[], None] | None = None

    def __bool__(self) -> bool:
        return bool(self._open)

    def begin(self, action: object, run: object, shell: InteractiveShell, look: Look) -> None:
        """An action begins; ``look`` watches the user's cells that run before its end."""
        self._open[action] = run, []
        _of[id(self._namespace)] = self
        if self._unhook is None:
            self._unhook = self._hook(shell, look)

    def end(self, action: object, delta: Delta | None) -> None:
        """An action has ended: its delta is freed of what was others', and told to the actions of other runs."""
        run, others = self._open.pop(action)
        if not self._open and self._unhook is not None:
            self._unhook()
            self._unhook = None
            del _of[id(self._namespace)]
        if delta is not None:
            for other in others:
                take_out(delta, other)
            self.changed(delta, run)

    def changed(self, delta: Delta, run: object = None) -> None:
        """Somebody (not of ``run``) changed something."""
        for other, deltas in self._open.values():
            if run is None or other is not run:
                deltas.append(delta)

    def _hook(self, shell: InteractiveShell, look: Look) -> Callable[[], None]:
        def before(info: Any) -> None:
            self._compare = look(str(getattr(info, "raw_cell", "")))

        def after(*_: Any) -> None:
            compare, self._compare = self._compare, None
            delta = compare() if compare is not None else None
            if delta is not None:
                self.changed(delta)

        shell.events.register("pre_run_cell", before)
        shell.events.register("post_run_cell", after)

        def unhook() -> None:
            shell.events.unregister("pre_run_cell", before)
            shell.events.unregister("post_run_cell", after)

        return unhook


def take_out(delta: Delta, other: Delta) -> None:
    """Take out of an action's delta what another did in its time; mark what both changed."""
    for name, (before, after) in other.names.items():
        mine = delta.names.get(name)
        if mine is None:
            continue
        if same_object(mine[0], before) and same_object(mine[1], after):
            del delta.names[name]
        else:
            delta.contested_names.add(name)
    theirs = {changed.key: changed for changed in other.objects}
    kept = []
    for changed in delta.objects:
        foreign = theirs.get(changed.key)
        if foreign is None:
            kept.append(changed)
        elif not (same_states(changed.before, foreign.before) and same_states(changed.after, foreign.after)):
            kept.append(changed)
            delta.contested.add(id(changed.value))
    delta.objects = kept
    _take_out_writes(delta, other)


def _take_out_writes(delta: Delta, other: Delta) -> None:
    kept = []
    for piece in delta.writes.written:
        foreign = list(other.writes.within(piece.start, piece.size))
        if any((each.start, each.size, each.after) == (piece.start, piece.size, piece.after) for each in foreign):
            continue
        kept.append(piece)
        if foreign:
            delta.contested |= {id(array) for array, _ in delta.writes.arrays_of(piece)}
    delta.writes.written = kept


_of: dict[int, Meanwhile] = {}


def meanwhile(namespace: MutableMapping[str, Any]) -> Meanwhile:
    """Return what is known of the actions under way in a namespace; one for all runs on it."""
    found = _of.get(id(namespace))
    return Meanwhile(namespace) if found is None else found
