"""A fork as its parent sees it: killing, reaping, how it ended."""

from __future__ import annotations

import os
import queue
import select
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass

from agentnb.kernel.fork.wire import Connection


@dataclass(frozen=True)
class Death:
    """How a child ended: the signal that killed it, or its exit status."""

    status: int = 0
    signal: int | None = None

    def __str__(self) -> str:
        if self.signal is None:
            return f"it ended with status {self.status}"
        with suppress(ValueError):
            return f"it was killed by {signal.Signals(self.signal).name}"
        return f"it was killed by signal {self.signal}"


class Child:
    """A forked process. Whoever holds it calls ``kill`` in the end; that is done for it when it is forgotten.

    ``connection`` is the parent's end. ``raw`` is a memory file with what the child wrote to its descriptors 1 and 2.
    ``kill`` closes both.
    """

    def __init__(self, pid: int, connection: Connection, raw: int) -> None:
        self.pid, self.connection, self.raw = pid, connection, raw
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._killed = False
        self._death: Death | None = None
        self._reaped = threading.Event()

    @property
    def alive(self) -> bool:
        """Whether it runs; one that ended is reaped by the question."""
        with self._lock:
            return self._reap(os.WNOHANG) is None

    def wait(self, timeout: float | None = None) -> Death | None:
        """Wait for its end and return how it came; None where it did not come in ``timeout`` seconds."""
        if self._killed:
            self._reaped.wait(timeout)
            return self._death
        with suppress(OSError):  # reaped already
            pidfd = os.pidfd_open(self.pid)
            try:
                poller = select.poll()
                poller.register(pidfd, select.POLLIN)
                poller.poll(None if timeout is None else timeout * 1000)
            finally:
                os.close(pidfd)
        with self._lock:
            return self._reap(os.WNOHANG)

    def kill(self) -> None:
        """End it and the processes it started, at once; may be called more than once and from any thread."""
        with self._lock:
            if self._killed:
                return
            self._killed = True
            if self._death is None:
                self._strike()
        self.connection.close()
        with suppress(OSError):
            os.close(self.raw)
        if self._death is None:
            _reaper.take(self)
        else:
            self._reaped.set()

    def strike(self) -> None:
        """Send the signal that ends it, and no more: its connection then reads its end. From any thread."""
        with self._lock:
            if self._death is None:
                self._strike()

    def _strike(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)  # it may not be in a group of its own yet

    def _reap(self, options: int) -> Death | None:
        if self._death is not None:
            return self._death
        try:
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | options) is None:
                return None
            self._strike()  # what it started; before its number is free for others
            _, status = os.waitpid(self.pid, 0)
        except ChildProcessError:  # somebody else waited for it
            self._death = Death(-1)
        else:
            code = os.waitstatus_to_exitcode(status)
            self._death = Death(code) if code >= 0 else Death(signal=-code)
        return self._death

    def reap(self) -> None:
        """Wait for the end of a killed child and take it out of the process table; the reaper's thread does this."""
        self._reap(0)
        self._reaped.set()

    def __del__(self) -> None:
        if not self._killed and os.getpid() == self._owner:  # forks hold copies of their siblings' handles
            self.kill()


class _Reaper:
    """A thread that waits for killed children: freeing the tables of 8 GB takes some milliseconds."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._queue: queue.SimpleQueue[Child] = queue.SimpleQueue()

    def take(self, child: Child) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="agentnb-reaper", daemon=True)
                self._thread.start()
        self._queue.put(child)

    def _run(self) -> None:
        while True:
            child = self._queue.get()
            child.reap()
            del child


_reaper = _Reaper()
