"""On the worker: a process for one task of an agent, whose letters go through Dask."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import signal
import socket
import subprocess
import sys
import weakref
from dataclasses import dataclass

from agentnb._version import __version__
from agentnb.kernel.branch.watchdog import Watched, watchdog
from agentnb.kernel.dask.freight import Freight
from agentnb.kernel.fork import Connection, Message
from agentnb.kernel.fork.child import Death

CHILD = "agentnb.kernel.dask.child"
_SAID = 20_000

_seats: weakref.WeakValueDictionary[str, Seat] = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class Parting:
    """The process has ended: how, and what it wrote last past Python; ``verdict`` says why the watchdog ended it."""

    reason: str
    said: str
    verdict: str | None = None


class _Beside:
    """The process as the watchdog sees it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def strike(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:  # else its number may be another's by now
                os.killpg(self.pid, signal.SIGKILL)


def versions() -> dict[str, str]:
    """Return what must be the same on both sides, as it is here; of Python the first two numbers count."""
    return {"Python": ".".join(platform.python_version_tuple()[:2]), "agentnb": __version__}


class Seat:
    """A Dask actor that starts the process and passes its letters on; all its methods run on the worker's loop."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._process: subprocess.Popen[bytes] | None = None
        self._raw = -1
        self._connection: Connection
        self._watched: Watched
        self._came: list[Freight] = []
        self._parting: Parting | None = None
        self._news = asyncio.Event()
        _seats[key] = self

    async def open(self, owner: str, memory: int | None) -> dict[str, str]:
        """Start the process, which may take so many bytes, see ``Watchdog.watch``; returns the versions here.

        On the loop's thread, which lives as long as the worker: the process ends with the thread that started it.
        """
        here, there = socket.socketpair()
        self._raw = os.memfd_create("agentnb")
        # modules that were uploaded to the worker are on its path; figures are shown as in a notebook
        settings = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        settings["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-m", CHILD, str(there.fileno()), owner, str(os.getpid())],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._raw,
                stderr=self._raw,
                env={**os.environ, **settings},
                process_group=0,
            )
        self._watched = watchdog.watch(_Beside(self._process), memory)
        self._connection = Connection(here)
        asyncio.get_running_loop().add_reader(here.fileno(), self._read)
        return versions()

    async def post(self, freight: Freight) -> None:
        """Pass a message on to the process."""
        self.deliver(freight)

    def deliver(self, freight: Freight) -> None:
        """As ``post``, from any thread."""
        message = freight.message()
        try:
            with contextlib.suppress(OSError):  # it just ended: that is read from the connection's end
                self._connection.send(message.data, message.fds)
        finally:
            for fd in message.fds:
                os.close(fd)

    async def next(self) -> list[Freight] | Parting:
        """Wait for what the process sends, or for its end."""
        while not self._came:
            if self._parting is not None:
                return self._parting
            self._news.clear()
            await self._news.wait()
        came, self._came = self._came, []
        return came

    async def close(self) -> None:
        """End the process."""
        self._end()
        self._parting = Parting("its task has ended", "")
        self._news.set()  # a call that still waits would hold the actor

    def _read(self) -> None:
        try:
            self._came += [_freight(message) for message in self._connection.poll()]
        except EOFError:
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
            said = os.pread(self._raw, _SAID, 0).decode(errors="replace")
            watchdog.forget(self._watched)
            self._parting = Parting(str(self._death()), said, self._watched.verdict)
        self._news.set()

    def _death(self) -> Death:
        assert self._process is not None
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return Death()
        return Death(code) if code >= 0 else Death(signal=-code)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        watchdog.forget(self._watched)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        with contextlib.suppress(RuntimeError):  # no loop runs here: this is the end of the worker
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
        self._connection.close()
        os.close(self._raw)

    def __del__(self) -> None:
        self._end()  # the kernel is gone, and so the actor is let go


def _freight(message: Message) -> Freight:
    try:
        return Freight.of(message.data, message.fds)
    finally:
        for fd in message.fds:
            os.close(fd)


def deliver(key: str, freight: Freight) -> None:
    """Deliver what was scattered to the seat on this worker."""
    _seats[key].deliver(freight)
