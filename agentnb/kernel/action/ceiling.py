"""How much an agent's code may take of the machine: memory and processes, as limits of the process while it runs.

Without a limit Linux grants memory that is not there and kills the kernel when it is used; with one the code gets a
``MemoryError`` and the kernel lives. What counts is memory of one's own (``RLIMIT_DATA``): files that are mapped and
address space that is only reserved do not. Processes and threads are those of the person (``RLIMIT_NPROC``, not for
root): code that forks without end gets an error, and so do its children.

``AGENTNB_MEMORY`` sets another limit of what the code may take in addition (``4GB``, ``50%`` of what is free, ``off``),
``AGENTNB_PROCESSES`` another number of processes and threads. Elsewhere than on Linux there are no such limits.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEMORY_VARIABLE, PROCESSES_VARIABLE = "AGENTNB_MEMORY", "AGENTNB_PROCESSES"
SHARE = 0.9
"""Of the memory that is free, which the code may take."""
PROCESSES, PROCESSES_PER_CORE = 1000, 64
"""What the code may start in addition; libraries start threads by the number of cores."""
_FRESH = 2.0  # seconds for which a look at the machine holds
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)

if sys.platform == "linux":
    import resource

    _page = resource.getpagesize()


@contextmanager
def ceiling() -> Iterator[None]:
    """Hold the limits meanwhile. Costs some microseconds."""
    if sys.platform != "linux":
        yield
        return
    before = [(kind, resource.getrlimit(kind)) for kind in (resource.RLIMIT_DATA, resource.RLIMIT_NPROC)]
    for (kind, (soft, hard)), to in zip(before, _limits.now(), strict=True):
        if to is not None and (soft == resource.RLIM_INFINITY or soft > to):
            _set(kind, (to, hard))
    try:
        yield
    finally:
        for kind, limits in before:
            _set(kind, limits)


def _set(kind: int, limits: tuple[int, int]) -> None:
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, limits)


class _Limits:
    """What the limits are now; a look at the machine holds for a while."""

    def __init__(self) -> None:
        self._looked_at = -_FRESH
        self._memory: int | None = None
        self._processes: int | None = None

    def now(self) -> tuple[int | None, int | None]:
        """Return those of memory and of processes, None for no limit."""
        self._look()
        return self._memory, self._processes

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < _FRESH:
            return
        self._looked_at = now
        try:
            more = memory_allowed(os.environ.get(MEMORY_VARIABLE, ""), free_memory())
            self._memory = None if more is None else own_memory() + more
            self._processes = None if os.geteuid() == 0 else _own_tasks() + _processes_allowed()
        except (OSError, ValueError):  # /proc is not there, or not as expected
            self._memory = self._processes = None


_limits = _Limits()


def memory_allowed(setting: str, free: int) -> int | None:
    """Return the bytes that code may take in addition, None for no limit. What is not understood counts as not set."""
    text = setting.strip().lower()
    if text == "off":
        return None
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text):
        return int(free * float(found[1]) / 100)
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", text):
        return int(float(found[1]) * _UNITS[found[2].upper()])
    return int(free * SHARE)


def _processes_allowed() -> int:
    setting = os.environ.get(PROCESSES_VARIABLE, "")
    return int(setting) if setting.isdigit() else PROCESSES + PROCESSES_PER_CORE * (os.cpu_count() or 1)


def free_memory() -> int:
    """Return the bytes that can be had without swapping: of the machine, or of the container where it has less."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    free = int(found[1]) * 1024 if found else sys.maxsize
    for limit, used in _CGROUPS:
        with suppress(OSError, ValueError):  # not there, or "max"
            free = min(free, int(Path(limit).read_text()) - int(Path(used).read_text()))
    return max(free, 0)


def own_memory() -> int:
    """Return the bytes that count against ``RLIMIT_DATA``."""
    return int(Path("/proc/self/statm").read_text().split()[5]) * _page


def _own_tasks() -> int:
    """Return how many processes and threads the person has."""
    me, count = os.getuid(), 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):  # it has just ended
                if entry.stat().st_uid == me:
                    count += os.stat(f"/proc/{entry.name}/task").st_nlink - 2
    return count
