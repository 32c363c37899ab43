"""Locks of Python's: which of them another thread waits for, whatever code asked for it.

A wait tells only the word of memory that it is for, and who waits there may be any library. Of a lock of Python's the
lock itself is known, too: whoever waits for it has it on the stack, and the lock leads to that very word.
"""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from typing import Any

from agentnb.kernel.fork.peer import Vector

_libc = ctypes.PyDLL(None)  # as for all looks at threads: the interpreter's lock is kept
_HEAD = struct.Struct("NN")
"""How an object begins: the count of references, or of its threads, and its class."""
_WORD = struct.Struct("N")
_KINDS = {id(type(threading.Lock())), id(type(threading.RLock()))}


def is_lock(word: int, stack: bytes) -> bool:
    """Whether the word at that address, which a thread with this stack waits for, is of a lock of Python's.

    False where it cannot be told: with Python 3.14 and newer, whose locks have no word of their own.
    """
    return any(_word_of(place) == word for (place,) in _WORD.iter_unpack(stack))


def _word_of(place: int) -> int | None:
    """Return where the lock at an address is waited for, None where no lock is there."""
    head = _memory(place, _HEAD.size + _WORD.size) if place % _WORD.size == 0 else None
    if head is None or _HEAD.unpack_from(head)[1] not in _KINDS:
        return None
    found: int = _WORD.unpack_from(head, _HEAD.size)[0]
    return found


def _memory(start: int, size: int) -> bytes | None:
    """Return what this process holds at ``start``, None where it holds nothing: what is on a stack is any number."""
    buffer = ctypes.create_string_buffer(size)
    here, there = Vector(ctypes.addressof(buffer), size), Vector(start, size)
    read = _libc.process_vm_readv(os.getpid(), ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    return buffer.raw if read == size else None


def free(lock: Any) -> None:
    """Make a lock free, whoever holds it: in a child, where that thread is not there."""
    lock._at_fork_reinit()
