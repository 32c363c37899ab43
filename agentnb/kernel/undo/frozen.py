"""A frozen fork: a child that only holds the memory as it was, until it is asked for some of it or let go."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import struct
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agentnb.kernel.fork.peer import read_other
from agentnb.kernel.undo.pages import PAGE, PagesUnknown, Range, view, written

if TYPE_CHECKING:
    from agentnb.kernel.fork import Child, Connection

_REQUEST = struct.Struct("=QQ")
_PIECE = 8 << 20
_PATIENCE = 0.05
"""Seconds to wait for other threads to get where a fork is safe."""

_forks = 0


class CannotFork(Exception):
    """It is not safe, or not possible, to fork this process now; the message says why."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=_count_fork)


def serve(connection: Connection) -> None:
    """What the child does: answer each request (address, size) with the bytes there; return when nobody asks more."""
    while True:
        try:
            request = connection.receive().data
        except EOFError:
            return
        connection.send(ctypes.string_at(*_REQUEST.unpack(request)))


def _fork() -> Child:
    if sys.platform != "linux":
        raise CannotFork("checkpoints of large arrays need Linux")
    from agentnb.kernel.fork import ForkRefused, fork

    try:
        return fork(serve, label="checkpoint", patience=_PATIENCE)
    except (ForkRefused, OSError) as error:
        raise CannotFork(str(error)) from None


class Frozen:
    """The memory of this process as it was when this was made.

    Raises ``CannotFork`` where it is not safe to fork now.
    """

    def __init__(self) -> None:
        self._guard = _Guard()
        self._child = _fork()
        self._guard.touch()
        self._forks = _forks
        self._may_read = True

    def changed(self, start: int, size: int) -> list[Range]:
        """Return the stretches of a span that may have been written since: all of it where the pages do not tell."""
        if _forks == self._forks and self._guard.holds():  # a fork since hides what was written before it
            with contextlib.suppress(PagesUnknown):
                return written(start, size)
        return [(start + done, min(_PIECE, size - done)) for done in range(0, size, _PIECE)]

    def read(self, start: int, size: int) -> Any:
        """Return the bytes that were at ``start``, as a numpy array. Raises ``OSError`` where the child is gone."""
        import numpy as np

        target = np.empty(size, np.uint8)
        if self._may_read:
            try:
                read_other(self._child.pid, start, target)
                return target
            except OSError:
                self._may_read = False  # no leave to read other processes here: the child sends it
        for done in range(0, size, _PIECE):
            piece = min(_PIECE, size - done)
            self._child.connection.send(_REQUEST.pack(start + done, piece))
            try:
                data = self._child.connection.receive().data
            except EOFError:
                raise OSError("the checkpoint's process is gone") from None
            target[done : done + piece] = np.frombuffer(data, np.uint8)
        return target

    @property
    def held(self) -> int:
        """Bytes of memory that only this process holds: what was written since, here or there."""
        try:
            with open(f"/proc/{self._child.pid}/smaps_rollup", "rb") as file:
                lines = [line.split() for line in file if line.startswith(b"Private")]
        except OSError:
            return 0
        return sum(int(line[1]) for line in lines) << 10

    def close(self) -> None:
        """Let the memory go."""
        self._child.kill()


class Freezer:
    """Makes one frozen fork for all that is kept before one action; it goes when the last of them lets go."""

    def __init__(self) -> None:
        self._frozen: Frozen | None = None
        self._users = 0

    def __call__(self) -> Lease:
        """Return a share in the fork. Raises ``CannotFork``."""
        if self._frozen is None:
            self._frozen = Frozen()
        self._users += 1
        return Lease(self._frozen, self._leave)

    def _leave(self) -> None:
        self._users -= 1
        if not self._users and self._frozen is not None:
            self._frozen.close()
            self._frozen = None


class Lease:
    """A share in a frozen fork; see ``Frozen``."""

    def __init__(self, frozen: Frozen, leave: Callable[[], None]) -> None:
        self._frozen, self._leave = frozen, leave
        self.read, self.changed = frozen.read, frozen.changed

    @property
    def held(self) -> int:
        """Bytes of memory that only the fork holds."""
        return self._frozen.held

    def close(self) -> None:
        """Give the share back."""
        leave, self._leave = self._leave, _nothing
        leave()


def _nothing() -> None:
    """A share that was given back already."""


class _Guard:
    """Two pages, one written after the fork and one not: whether the page table still tells them apart."""

    def __init__(self) -> None:
        self._pages = mmap.mmap(-1, 2 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._pages[:] = b"\1" * (2 * PAGE)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._pages))

    def touch(self) -> None:
        """Write the first page; called right after the fork."""
        view(self._start, 1)[0] = 2

    def holds(self) -> bool:
        """Whether exactly the first page is seen as written."""
        try:
            return written(self._start, 2 * PAGE) == [(self._start, PAGE)]
        except PagesUnknown:
            return False
