"""The kernel's side of a task on a Dask worker: what its code names is laid out there, what it changed comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from agentnb.kernel.action.names import given
from agentnb.kernel.branch import post
from agentnb.kernel.branch.away import AwayPlace, Posting
from agentnb.kernel.branch.serve import CONSTANTS
from agentnb.kernel.branch.travel import Ground, pack
from agentnb.kernel.branch.watchdog import GRACE
from agentnb.kernel.dask.cluster import Cluster, Line
from agentnb.kernel.dask.freight import Freight
from agentnb.kernel.merge import MISSING, Brought, can_change, print_of
from agentnb.kernel.namespace.fingerprint import Fingerprint
from agentnb.kernel.namespace.reach import assigned, needed
from agentnb.kernel.namespace.tables import is_array, is_frame, size_hint
from agentnb.kernel.port import Outcome
from agentnb.record.document import Mode

_LARGE = 1 << 20
"""Bytes of a table or an array from which on it is scattered, once a run."""


class DaskPlace(AwayPlace):
    """Actions in a process beside a Dask worker. Made by ``open_dask``."""

    mode: Mode = "dask"
    what = "process on a Dask worker"
    source = "Dask worker"

    def __init__(self, posting: Posting, cluster: Cluster, line: Line) -> None:
        self._opening = dict(posting.namespace)
        # what is there on both sides: nothing yet
        super().__init__(posting, Ground(posting.namespace, {}), _Clock(self._overran))
        self._cluster, self._line = cluster, line
        self._prints: dict[str, Fingerprint | None] = {}
        self._stays: dict[str, str] = {}  # what cannot be laid out, and why
        self._news: list[str] = []
        line.start(lambda message: self._take(post.read(message)), self._is_lost)
        for name, value in posting.handed.items():
            self._lay(name, value, own=self._opening.get(name, MISSING) is not value)

    @property
    def _link(self) -> post.Link:
        return self._line

    def _base(self) -> Mapping[str, Any]:
        return self._opening

    def close(self) -> None:
        """End the process on the worker."""
        self._clock.end()
        self._line.close()
        self._lost = self._lost or "its task has ended"

    def _overran(self, allowed: float) -> None:
        self._is_lost(f"it ran longer than {allowed:g} s and could not be stopped", "")

    # --- out ----------------------------------------------------------------------------------------------------------

    def _before(self, code: str, names: Mapping[str, Any]) -> None:
        namespace, ours = self._ground.namespace, given(names).keys() | self._handed.keys()
        for name in needed(code, namespace):
            if name not in self._ground.base and name not in self._stays and name not in ours:
                self._lay(name, namespace[name], own=False)
        for name in assigned(code) & namespace.keys() - ours:
            self._remember(name, namespace[name])

    def _lay(self, name: str, value: Any, *, own: bool) -> None:
        if not own:
            self._remember(name, value)
        try:
            if (is_array(type(value)) or is_frame(type(value))) and size_hint(value) >= _LARGE:
                self._scatter(name, value, own)
            else:  # what is there already goes by its name, so that aliases hold
                post.send(self._line, "lay", pack(value, self._ground, same=self._ground.names), name=name, own=own)
        except Exception as error:
            self._stays[name] = f"{type(error).__name__}: {error}"
            self._news.append(
                f"`{name}` is not there on the Dask worker ({self._stays[name]}); do without it, or load it anew"
            )
        else:
            if not own:
                self._ground.add(name, value)

    def _scatter(self, name: str, value: Any, own: bool) -> None:
        known = self._prints.get(name) or print_of(value)
        same = (name, own, known) if known.exact else object()
        letter = None
        if same not in self._cluster.scattered:
            kept = _Kept()
            post.send(kept, "lay", pack(value, self._ground), name=name, own=own)
            letter = kept.freight
        self._line.send_once(same, letter)

    def _remember(self, name: str, value: Any) -> None:
        """Note how a variable is now, to tell later whether somebody else changed it meanwhile."""
        if name not in self._prints:
            self._prints[name] = print_of(value) if can_change(value) else None

    # --- and back -----------------------------------------------------------------------------------------------------

    def _after(self, outcome: Outcome) -> None:
        outcome.notes += self._news
        self._news = []

    def _brought(self, brought: list[Brought]) -> list[Brought]:
        return [ours for each in brought if (ours := self._as_ours(each)) is not None]

    def _as_ours(self, each: Brought) -> Brought | None:
        """Return a variable with what it was here: the other process knows neither our objects nor all our names."""
        was = self._ground.base.get(each.name, self._opening.get(each.name, MISSING))
        if was is MISSING:
            return replace(each, was_id=None, was_print=None)
        if type(was) is type(each.value) and type(was) in CONSTANTS and was == each.value:
            return None
        kind = "rebound" if each.kind == "added" else each.kind
        return replace(each, kind=kind, was_id=id(was), was_print=self._prints.get(each.name))


class _Kept:
    """A link that keeps the message instead of sending it."""

    freight: Freight

    def send(self, data: bytes, fds: Any = ()) -> None:
        self.freight = Freight.of(data, fds)


class _Clock:
    """Ends an action that overruns its time by more than the grace it has to stop by itself."""

    def __init__(self, overran: Callable[[float], None]) -> None:
        self._loop, self._overran = asyncio.get_running_loop(), overran
        self._allowed = self._left = 0.0
        self._began = 0.0
        self._due: asyncio.TimerHandle | None = None
        self._limited = False

    def begin(self, timeout: float | None) -> None:
        self._limited = timeout is not None
        self._allowed = timeout or 0.0
        self._left = self._allowed + GRACE
        self.go_on()

    def end(self) -> None:
        self._limited = False
        self.pause()

    def pause(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
            self._left -= self._loop.time() - self._began

    def go_on(self) -> None:
        if self._limited and self._due is None:
            self._began = self._loop.time()
            self._due = self._loop.call_later(self._left, self._overran, self._allowed)


async def open_dask(posting: Posting, cluster: Cluster, memory: int | None = None) -> DaskPlace:
    """Open a place on a worker of the cluster for one task; see ``DaskPlace``.

    ``memory`` is the limit in bytes for its process, by default half of what the worker's machine has left. Raises
    ``UserError`` where it fails.
    """
    return DaskPlace(posting, cluster, await cluster.seat(posting.owner, memory))
