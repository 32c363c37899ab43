"""Ends branches that hang, overrun their time or take too much memory: in a thread, for the loop may be busy."""

from __future__ import annotations

import os
import platform
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Protocol

PERIOD = 0.25
HUNG_AFTER = 5.0
"""Seconds for which every thread of a branch waits for a lock, without a limit, before it counts as hung."""
GRACE = 3.0
"""Seconds past its time limit that an action has to stop by itself."""
_FUTEX = {"x86_64": 202, "aarch64": 98}.get(platform.machine())
_SHARE = 0.02  # of the time may go into counting memory
_PART = 0.5
"""Of the memory that the machine has left, a branch may take this much unless a limit is set."""
_GB = 1 << 30


class Process(Protocol):
    """What is watched: a branch, or the process beside a Dask worker."""

    @property
    def pid(self) -> int:
        """Its number."""

    def strike(self) -> None:
        """End it at once. From any thread."""


class Watched:
    """One branch under watch. ``limit`` is for the memory of its own, in bytes. ``verdict`` says why it was ended."""

    def __init__(self, child: Process, limit: int) -> None:
        self.child, self.limit = child, limit
        self.verdict: str | None = None
        self._began: float | None = None
        self._paused: float | None = None
        self._allowed: float | None = None
        self._still_since: float | None = None
        self._next_count = 0.0

    def begin(self, timeout: float | None) -> None:
        """An action begins that may run for ``timeout`` seconds."""
        self._allowed, self._paused, self._still_since = timeout, None, None
        self._began = time.monotonic()

    def end(self) -> None:
        """The action has ended."""
        self._began = None

    def pause(self) -> None:
        """The action waits for the kernel."""
        self._paused = time.monotonic()

    def go_on(self) -> None:
        """The action does not wait any more; the wait does not count."""
        if self._paused is not None and self._began is not None:
            self._began += time.monotonic() - self._paused
        self._paused = None

    def look(self, now: float) -> None:
        """End the branch where something is wrong with it."""
        if self.verdict is None and (verdict := self._judge(now)):
            self.verdict = verdict
            self.child.strike()

    def _judge(self, now: float) -> str | None:
        if now >= self._next_count and (taken := self._memory(now)) > self.limit:
            return f"it took {taken / _GB:.2g} GB of memory, more than its limit of {self.limit / _GB:.2g} GB"
        began = self._began
        if began is None or self._paused is not None:
            self._still_since = None
            return None
        if self._allowed is not None and now - began > self._allowed + GRACE:
            return f"it ran longer than {self._allowed:g} s and could not be stopped"
        if not _waits_for_locks(self.child.pid):
            self._still_since = None
        elif self._still_since is None:
            self._still_since = now
        elif now - self._still_since > HUNG_AFTER:
            return (
                "it hung: all its threads waited for locks, as one does that another thread of the kernel held, or "
                "the threads of a library, which are not there in a branch"
            )
        return None

    def _memory(self, now: float) -> int:
        start = time.perf_counter()
        taken = own_memory(self.child.pid)
        self._next_count = now + (time.perf_counter() - start) / _SHARE
        return taken


def own_memory(pid: int) -> int:
    """Return the bytes that a process shares with no other."""
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as rollup:
        return sum(int(line.split()[1]) << 10 for line in rollup if line.startswith("Private_"))
    return 0


def available_memory() -> int:
    """Return the bytes that the machine still has."""
    with suppress(OSError), open("/proc/meminfo") as info:
        return next((int(line.split()[1]) << 10 for line in info if line.startswith("MemAvailable")), 1 << 62)
    return 1 << 62


def _waits_for_locks(pid: int) -> bool:
    """Whether every thread of a process waits for a lock with no limit, and no process works for it."""
    try:
        tasks = [Path(f"/proc/{pid}/task/{task}") for task in os.listdir(f"/proc/{pid}/task")]
        return all(map(_waits_for_lock, tasks)) and not (tasks[0].parent / str(pid) / "children").read_text().strip()
    except OSError:
        return False


def _waits_for_lock(task: Path) -> bool:
    call = (task / "syscall").read_text().split()
    # arguments: address, operation, value, time limit
    return len(call) > 4 and call[0] == str(_FUTEX) and int(call[4], 16) == 0


class Watchdog:
    """Looks at all branches of this process in turn."""

    def __init__(self) -> None:
        self._watched: weakref.WeakSet[Watched] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    def watch(self, child: Process, limit: int | None) -> Watched:
        """Begin to watch; it ends with ``forget``, or when the returned object does.

        ``limit`` is for the memory of its own, in bytes; None is half of what the machine has left.
        """
        watched = Watched(child, limit or int(available_memory() * _PART))
        with self._lock:
            self._watched.add(watched)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="agentnb-branch-watchdog", daemon=True)
                self._thread.start()
        self._wake.set()
        return watched

    def forget(self, watched: Watched) -> None:
        """End to watch, before the child is killed and its number is free for others."""
        with self._lock:
            self._watched.discard(watched)

    def _run(self) -> None:
        while True:
            with self._lock:
                for watched in list(self._watched):
                    watched.look(time.monotonic())
                if not self._watched:
                    self._wake.clear()
            self._wake.wait()
            time.sleep(PERIOD)


watchdog = Watchdog()
