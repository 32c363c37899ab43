"""What the other threads of the process do right now: only where none is inside native code is a fork safe.

A thread inside OpenBLAS or OpenMP holds locks that nobody releases in the child, and OpenBLAS's own fork handler waits
in the *parent* for the computation to end, while the thread waits for the interpreter's lock: the kernel would hang.
So a thread counts as safe only where it provably waits: in a system call, in a known lock of the standard library,
or at a point where Python code gives the interpreter's lock away. Whoever asks holds that lock meanwhile.
"""

from __future__ import annotations

import dis
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

_TASKS = Path("/proc/self/task")
_FUTEX = "futex"
_SYSCALLS = {
    "x86_64": {
        0: "read", 7: "poll", 23: "select", 35: "nanosleep", 43: "accept", 45: "recvfrom", 47: "recvmsg", 61: "wait4",
        202: _FUTEX, 230: "clock_nanosleep", 232: "epoll_wait", 247: "waitid", 270: "pselect6", 271: "ppoll",
        281: "epoll_pwait", 288: "accept4", 441: "epoll_pwait2", 128: "rt_sigtimedwait",
    },
    "aarch64": {
        63: "read", 72: "pselect6", 73: "ppoll", 101: "nanosleep", 98: _FUTEX, 115: "clock_nanosleep", 207: "recvfrom",
        212: "recvmsg", 202: "accept", 242: "accept4", 22: "epoll_pwait", 441: "epoll_pwait2", 260: "wait4",
        95: "waitid", 137: "rt_sigtimedwait",
    },
}.get(platform.machine(), {})  # fmt: skip
_LOCKS = {
    ("threading.py", "wait"),
    ("threading.py", "_wait_for_tstate_lock"),
    ("threading.py", "join"),
    ("threading.py", "__enter__"),
    ("threading.py", "acquire"),
    ("queue.py", "get"),
    ("queue.py", "put"),
    ("thread.py", "_worker"),
    ("__init__.py", "acquire"),
    ("<frozen importlib._bootstrap>", "acquire"),
}
"""Where the standard library waits for a lock: file and function of the innermost Python frame."""


def busy_thread() -> str | None:
    """Return the name of a thread that may be inside native code and where, None where all provably wait."""
    me = threading.get_ident()
    known = {thread.ident: thread for thread in threading.enumerate()}
    unsure: list[tuple[str, FrameType]] = []
    natives: set[int] = {threading.get_native_id()}
    for ident, frame in sys._current_frames().items():
        thread = known.get(ident)
        if thread is not None and thread.native_id is not None:
            natives.add(thread.native_id)
        if ident == me or _waits_for_lock(frame) or _between_instructions(frame):
            continue
        call = _system_call(thread.native_id) if thread is not None else None
        name = f"{thread.name if thread else 'a thread'} ({_place(frame)})"
        if call is None:
            return name
        if call == _FUTEX:
            unsure.append((name, frame))
    if unsure and any(_running(task) for task in _tasks() if task not in natives):
        return unsure[0][0]  # it waits for threads of a native library that compute
    return None


def native_names() -> set[str]:
    """Return the names of all threads, those of native libraries too."""
    names: set[str] = set()
    for task in _tasks():
        with suppress(OSError):
            names.add((_TASKS / str(task) / "comm").read_text().strip())
    return names


def _waits_for_lock(frame: FrameType) -> bool:
    code = frame.f_code
    return (os.path.basename(code.co_filename), code.co_name) in _LOCKS


def _between_instructions(frame: FrameType) -> bool:
    """Whether the frame stands where it can only be waiting for the interpreter's lock: no native code is under way."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if not 0 <= at < len(code):
        return False
    name = dis.opname[code[at]]
    return name == "RESUME" or name.startswith("JUMP_BACKWARD")


def _system_call(task: int | None) -> str | None:
    """Return the waiting system call that a thread is in, None where it runs or where that cannot be told."""
    try:
        number = (_TASKS / str(task) / "syscall").read_text().split()[0]
    except (OSError, IndexError):
        return None
    return _SYSCALLS.get(int(number)) if number.isdigit() else None


def _running(task: int) -> bool:
    try:
        stat = (_TASKS / str(task) / "stat").read_text()
    except OSError:
        return False
    return stat[stat.rindex(")") + 2] == "R"


def _tasks() -> Iterator[int]:
    with suppress(OSError):
        yield from map(int, os.listdir(_TASKS))


def _place(frame: FrameType) -> str:
    return f"{os.path.basename(frame.f_code.co_filename)}, line {frame.f_lineno}"
