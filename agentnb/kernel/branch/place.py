"""The kernel's side of a branch: a place like live and scratch whose actions run in a fork."""

from __future__ import annotations

import os

from agentnb.kernel.branch import post
from agentnb.kernel.branch.away import AwayPlace, Posting, how_it_ended
from agentnb.kernel.branch.post import Letter
from agentnb.kernel.branch.serve import serve
from agentnb.kernel.branch.travel import Ground
from agentnb.kernel.branch.watchdog import Watched, watchdog
from agentnb.kernel.fork import Child, fork
from agentnb.kernel.fork.peer import fetch, may_read
from agentnb.record.document import Mode


class BranchPlace(AwayPlace):
    """Actions in a copy-on-write fork of the kernel, with all variables. Made by ``open_branch``."""

    mode: Mode = "branch"
    what = "branch of the kernel"

    def __init__(self, posting: Posting, ground: Ground, child: Child, watched: Watched) -> None:
        super().__init__(posting, ground, watched)
        self._child, self._watched = child, watched
        self._closed = False
        self._parting = Letter("lost", {"said": ""})
        self._lends = may_read(child.pid)
        self._loop.add_reader(child.connection.fileno(), self._read)

    @property
    def _link(self) -> post.Link:
        return self._child.connection

    def close(self) -> None:
        """End the branch; may be called more than once."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._child.connection.fileno())
        watchdog.forget(self._watched)
        self._child.kill()
        self._lost = self._lost or "its task has ended"

    async def _whole(self, last: Letter) -> Letter:
        parcel = last.parcel
        if parcel is not None and parcel.fd is None:
            try:
                parcel.buffers = await fetch(self._child.pid, parcel.spans)
            except OSError:
                return self._ended()
        return last

    def _read(self) -> None:
        try:
            for message in self._child.connection.poll():
                self._take(post.read(message))
        except EOFError:
            self._ended()

    def _ended(self) -> Letter:
        if not self._closed:  # it may be read twice: from the connection, and from the memory that was lent
            how = str(self._child.wait(1) or "it closed its connection")
            said = os.pread(self._child.raw, 20_000, 0).decode(errors="replace")
            self._parting = self._is_lost(self._watched.verdict or how_it_ended(how, said), said)
        return self._parting


def open_branch(posting: Posting, label: str, memory: int | None = None) -> BranchPlace:
    """Fork the kernel and return the branch as a place; called on the event loop while nobody else's code runs.

    ``label`` tells this branch from others (its random numbers follow from it), ``memory`` is the limit in bytes for
    what it takes, by default half of what the machine has left. Raises ``ForkRefused`` with the reason where this
    process cannot be forked now.
    """
    ground = Ground(posting.namespace)
    shell, handed, owner = posting.shell, posting.handed, posting.owner
    child = fork(lambda connection: serve(connection, shell, ground, handed, owner), label=label, patience=0.05)
    watched = watchdog.watch(child, memory)
    return BranchPlace(posting, ground, child, watched)
