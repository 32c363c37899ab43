"""An agent's own scope over the user's variables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from agentnb.kernel.shell import Namespace

_GONE: Any = object()
_KEPT = frozenset({"__name__", "__builtins__"})


class Scope:
    """A namespace that shows all the user's variables, while what is assigned in it stays in it.

    A plain dict, refreshed from the user's names before each action (5 us for 300 names); a dict subclass with
    ``__missing__`` would put every global on the interpreter's slow path (13 times slower, measured). What the agent
    assigned or deleted itself is left alone by a refresh.
    """

    def __init__(self, user: Namespace) -> None:
        self.namespace: Namespace = {"__name__": "__main__"}
        self._user = user
        self._borrowed: Namespace = {}
        self._deleted: set[str] = set()

    def refresh(self) -> None:
        """Bring the user's names up to date, but not where the agent has a name of its own."""
        self._disown()
        namespace, borrowed, deleted = self.namespace, self._borrowed, self._deleted
        fresh = {
            name: value
            for name, value in self._user.items()
            if (name in borrowed or name not in namespace) and name not in deleted and name not in _KEPT
        }
        for name in borrowed.keys() - fresh.keys():
            del namespace[name]
        namespace.update(fresh)
        self._borrowed = fresh

    def _disown(self) -> None:
        """Tell which borrowed names the agent has rebound or deleted: they are its own from now on."""
        for name in [name for name, value in self._borrowed.items() if self.namespace.get(name, _GONE) is not value]:
            del self._borrowed[name]
            if name not in self.namespace:
                self._deleted.add(name)

    def bind(self, values: Mapping[str, Any]) -> None:
        """Put ``values`` (the arguments of a call) in as the agent's own."""
        self.refresh()
        for name, value in values.items():
            self._borrowed.pop(name, None)
            self._deleted.discard(name)
            self.namespace[name] = value

    def hide(self, names: Iterable[str]) -> None:
        """Take names out, as the agent's ``del`` would."""
        for name in names:
            self.namespace.pop(name, None)
            self._borrowed.pop(name, None)
            self._deleted.add(name)

    def own(self) -> Namespace:
        """Return what the agent itself assigned."""
        self._disown()
        return {k: v for k, v in self.namespace.items() if k not in self._borrowed and k not in _KEPT}

    def borrowed(self) -> Collection[str]:
        """Return the names that show the user's objects, as of the last refresh."""
        return self._borrowed.keys()

    def fork(self) -> Scope:
        """Return a scope that starts with the same names; what is assigned in one is not seen in the other."""
        other = Scope(self._user)
        other.bind(self.own())
        other._deleted = set(self._deleted)
        return other
