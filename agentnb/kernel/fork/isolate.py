"""Cuts a fork off from what it shares with its parent: descriptors and shared memory. Run in the child, at birth."""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import stat
from collections.abc import Collection
from contextlib import suppress

_MAPPING = re.compile(r"^(\w+)-(\w+) rw-s (\w+) (\w+:\w+) (\d+)\s+(/.*)$")
_MAP_FIXED = 0x10
_PRCTL_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def die_with_parent(signal: int) -> None:
    """Let the system send ``signal`` to this process when the thread that forked it ends."""
    _libc.prctl(_PRCTL_PDEATHSIG, signal, 0, 0, 0)


def detach_descriptors(keep: Collection[int]) -> None:
    """Put ``/dev/null`` in the place of sockets, pipes and events, and make open files read-only with their own offset.

    Every number stays taken, so that an object of the parent's can never write into a file that is opened later.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd == null or fd in keep:
            continue
        with suppress(OSError):  # the descriptor of the listing itself is gone
            mode = os.fstat(fd).st_mode
            if stat.S_ISREG(mode):
                _make_read_only(fd, null)
            elif not stat.S_ISDIR(mode) and not stat.S_ISCHR(mode):
                os.dup2(null, fd, inheritable=os.get_inheritable(fd))
    os.dup2(null, 0)
    os.close(null)


def _make_read_only(fd: int, null: int) -> None:
    try:
        own = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        os.dup2(null, fd)
        return
    os.lseek(own, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
    os.dup2(own, fd, inheritable=os.get_inheritable(fd))
    os.close(own)


def detach_memory() -> None:
    """Make shared writable mappings of files private: what the child writes there is its own (``numpy.memmap``)."""
    with open("/proc/self/maps") as maps:
        found = [match for match in map(_MAPPING.match, maps) if match is not None]
    for match in found:
        begin, end, offset, device, inode, path = match.groups()
        _make_private(int(begin, 16), int(end, 16), int(offset, 16), f"{device} {inode}", path)


def _make_private(begin: int, end: int, offset: int, identity: str, path: str) -> None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # deleted, or of no file system: it stays shared
        return
    try:
        entry = os.fstat(fd)
        same = f"{os.major(entry.st_dev):02x}:{os.minor(entry.st_dev):02x} {entry.st_ino}" == identity
        if same and stat.S_ISREG(entry.st_mode):
            flags = mmap.MAP_PRIVATE | _MAP_FIXED
            _libc.mmap(begin, end - begin, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, offset)
    finally:
        os.close(fd)
