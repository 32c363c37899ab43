"""Reading the memory of another process where it lies: one copy, into memory that is this process's own."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Sequence
from typing import Any

_PIECE = 32 << 20
_MOST_THREADS = 4  # more do not make memory faster


class Vector(ctypes.Structure):
    """A stretch of memory, as the system takes it."""

    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def read_other(pid: int, start: int, target: Any) -> None:
    """Fill the numpy array ``target`` with what the process ``pid`` holds at ``start``.

    Raises ``OSError`` where that is not allowed, or the process is gone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    read = getattr(libc, "process_vm_readv", None)
    if read is None:
        raise OSError("process_vm_readv is not there")
    read.restype = ctypes.c_ssize_t
    done, size, goal = 0, target.nbytes, target.ctypes.data
    while done < size:
        length = min(size - done, 1 << 30)
        here, there = Vector(goal + done, length), Vector(start + done, length)
        count = read(ctypes.c_int(pid), ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        if count <= 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        done += count


def may_read(pid: int) -> bool:
    """Whether the memory of ``pid``, a fork of this process, can be read here; containers may forbid it."""
    import numpy as np

    try:
        read_other(pid, id(None), np.zeros(1, np.uint8))  # which lies at the same address in a fork
    except OSError:
        return False
    return True


async def fetch(pid: int, spans: Sequence[tuple[int, int]]) -> list[Any]:
    """Return the bytes that ``pid`` holds in each span (address, size), as numpy arrays of new memory.

    Read by threads, so that the event loop goes on. Raises ``OSError`` as ``read_other`` does.
    """
    import numpy as np

    targets = [np.empty(size, np.uint8) for _, size in spans]
    pieces = [
        (start + done, target[done : done + _PIECE])
        for (start, size), target in zip(spans, targets, strict=True)
        for done in range(0, size, _PIECE)
    ]
    count = min(_MOST_THREADS, len(os.sched_getaffinity(0)), len(pieces))
    await asyncio.gather(*(asyncio.to_thread(_read_all, pid, pieces[at::count]) for at in range(count)))
    return targets


def _read_all(pid: int, pieces: Sequence[tuple[int, Any]]) -> None:
    for start, target in pieces:
        read_other(pid, start, target)
