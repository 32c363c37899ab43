"""What the other threads of the process do right now: only where none is inside native code is a fork safe.

A thread inside OpenBLAS or OpenMP holds locks that nobody releases in the child, and OpenBLAS's own fork handler waits
in the *parent* for the computation to end, while the thread waits for the interpreter's lock: the kernel would hang.
So a thread counts as safe only where it provably waits: in a system call, in a known lock of the standard library, or
for the interpreter's lock. Whoever asks must hold that lock from the question to the fork, so nothing here gives it
away: ``/proc`` is read through calls that keep it.
"""

from __future__ import annotations

import bisect
import ctypes
import dis
import functools
import os
import platform
import struct
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from agentnb.kernel.fork.locks import is_lock

_libc = ctypes.PyDLL(None)  # not CDLL, which gives the interpreter's lock away
_TASKS = "/proc/self/task"
_RUNTIME_SIZE = 1 << 20
_DEPTH = 1024
"""Bytes of a waiting thread's stack that are looked at; who called the system's wait is found in the first few."""
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
_GETDENTS = {"x86_64": 217, "aarch64": 61}.get(platform.machine(), -1)
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


def busy_thread(*, at_rest: bool) -> str | None:
    """Return the name of a thread that may be inside native code and where, None where all provably sleep.

    ``at_rest`` tells that threads which wait for the interpreter's lock do not count: without it they may get it at any
    moment, and so are named too. ``learn_mappings`` is to be called before.
    """
    me = threading.get_ident()
    known: dict[int, Any] = threading._active.copy()  # type: ignore[attr-defined]  # enumerate() might wait
    for ident, frame in sys._current_frames().items():
        if ident == me:
            continue
        thread = known.get(ident)
        if not _is_safe(thread.native_id if thread is not None else _task_of(ident), frame, at_rest=at_rest):
            return _named(thread, frame)
    return _busy_native({thread.native_id for thread in known.values()})


def _is_safe(task: int | None, frame: FrameType, *, at_rest: bool) -> bool:
    call = _call_of(task)
    if call is None:  # it runs, if only to ask for the interpreter's lock
        return False
    if not at_rest and call.waits_for_interpreter():
        return False
    return _waits_for_lock(frame) or (at_rest and _between_instructions(frame)) or call.is_wait()


def _busy_native(pythons: Collection[int]) -> str | None:
    """A worker of OpenBLAS that is still on its way to sleep misses the word to end, and the fork waits for it."""
    for task in _tasks():
        if task not in pythons and not _sleeps(task):
            return f"{_read(f'{_TASKS}/{task}/comm').strip()} (of a native library)"
    return None


def native_names() -> set[str]:
    """Return the names of all threads, those of native libraries too."""
    names: set[str] = set()
    with suppress(OSError):
        for task in os.listdir(_TASKS):
            names.add(Path(_TASKS, task, "comm").read_text().strip())
    return names


def nap(seconds: float) -> None:
    """Sleep without giving the interpreter's lock away: the others come to rest meanwhile."""
    _libc.usleep(int(seconds * 1e6))


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


def _task_of(ident: int) -> int | None:
    """Return the system's number of a thread that ``threading`` does not know, as C code and ``_thread`` start them.

    It stands in the thread library's own description of the thread, at the same place as for this thread.
    """
    place = _place_of_number()
    if place is None:
        return None
    task = int.from_bytes(ctypes.string_at(ident + place, 4), sys.byteorder)
    return task if task in _tasks() else None


@functools.cache
def _place_of_number() -> int | None:
    own = ctypes.string_at(threading.get_ident(), 1024)
    place = own.find(threading.get_native_id().to_bytes(4, sys.byteorder))
    return place if place >= 0 and place % 4 == 0 else None


def _call_of(task: int | None) -> _Call | None:
    """Return the system call that a thread sleeps in; None where it runs, or that cannot be told."""
    number, *rest = _read(f"{_TASKS}/{task}/syscall").split() or [""]
    return _Call(_SYSCALLS.get(int(number)), [int(word, 16) for word in rest]) if number.isdigit() else None


@dataclass(frozen=True)
class _Call:
    """A system call of a sleeping thread; after its six arguments come the pointers to its stack and its code."""

    name: str | None
    words: list[int]

    def is_wait(self) -> bool:
        """Whether no native code waits here, but Python itself."""
        if self.name != _FUTEX:
            return self.name is not None
        if self.words[0] in _mappings.runtime:  # without a limit it may be on its way out, about to begin native code
            return self.waits_for_interpreter()
        stack = ctypes.string_at(self.words[6], _DEPTH)
        return _mappings.are_pythons(stack) or is_lock(self.words[0], stack)

    def waits_for_interpreter(self) -> bool:
        """Whether the interpreter's lock is what it waits for, for a time."""
        return self.name == _FUTEX and self.words[0] in _mappings.runtime and bool(self.words[3])


class _Mappings:
    """Where the code of native libraries lies, and the lock of the interpreter."""

    def __init__(self) -> None:
        self.runtime = range(0)
        self._foreign: list[int] = []  # first and last address, in turn

    def learn(self) -> None:
        """Look the mappings up; not while the interpreter's lock is to be held."""
        start = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
        foreign: list[int] = []
        with open("/proc/self/maps") as maps:
            for line in maps:
                place, access, *_, path = line.split(maxsplit=5)
                first, last = (int(part, 16) for part in place.split("-"))
                if first <= start < last:
                    self.runtime = range(start, min(last, start + _RUNTIME_SIZE))
                if "x" in access and not _is_pythons(path.strip()):
                    foreign += first, last
        self._foreign = foreign

    def are_pythons(self, words: bytes) -> bool:
        """Whether no word of a stack points into the code of a library that is not Python's."""
        return not any(bisect.bisect_right(self._foreign, word) % 2 for (word,) in struct.iter_unpack("N", words))


_mappings = _Mappings()
learn_mappings = _mappings.learn


def _is_pythons(path: str) -> bool:
    name = os.path.basename(path)
    return "/lib-dynload/" in path or name.startswith(("python", "libpython", "libc.", "ld-", "libpthread", "[v"))


def _sleeps(task: int) -> bool:
    stat = _read(f"{_TASKS}/{task}/stat")
    return not stat or stat[stat.rfind(")") + 2 :].startswith("S")


def _tasks() -> Iterator[int]:
    """Yield the threads of this process; as ``os.listdir`` would, without giving the interpreter's lock away."""
    fd = _libc.open(_TASKS.encode(), os.O_RDONLY | os.O_CLOEXEC)
    buffer = ctypes.create_string_buffer(1 << 15)
    try:
        while (size := _libc.syscall(_GETDENTS, fd, buffer, len(buffer))) > 0:
            at = 0
            while at < size:
                (length,) = struct.unpack_from("H", buffer, at + 16)
                name = buffer.raw[at + 19 : at + length].split(b"\0")[0]
                at += length
                if name.isdigit():
                    yield int(name)
    finally:
        _libc.close(fd)


def _read(path: str) -> str:
    fd = _libc.open(path.encode(), os.O_RDONLY | os.O_CLOEXEC)
    if fd < 0:
        return ""
    buffer = ctypes.create_string_buffer(1024)
    size = _libc.read(fd, buffer, len(buffer))
    _libc.close(fd)
    return buffer.raw[: max(size, 0)].decode(errors="replace")


def _named(thread: Any, frame: FrameType) -> str:
    name = thread.name if thread is not None else "a thread"
    return f"{name} ({os.path.basename(frame.f_code.co_filename)}, line {frame.f_lineno})"
