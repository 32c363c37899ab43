"""What the threads of a kernel do, asked from outside: a cell that does not end says why."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_STARTUP = """
import faulthandler as _faulthandler, signal as _signal
_faulthandler.register(_signal.SIGUSR1, file=open({path!r}, "w"), all_threads=True)
del _faulthandler, _signal
"""
_PATIENCE = 5.0


def prepare(home: Path, profile: Path) -> None:
    """Make kernels with this IPython folder write their stacks to a file in ``home`` when they are asked."""
    folder = profile / "profile_default" / "startup"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "00-stacks.py").write_text(_STARTUP.format(path=str(home / "stacks")))


def stacks(home: Path, pid: int) -> str:
    """Return the stack of each thread of the kernel, empty where it does not answer."""
    file = home / "stacks"
    if not file.exists():
        return ""
    seen = file.stat().st_size
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGUSR1)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and file.stat().st_size == seen:
        time.sleep(0.05)
    time.sleep(0.2)  # for the rest of it
    return file.read_bytes()[seen:].decode(errors="replace")
