"""Messages of a branch on their way through Dask: the memory file becomes bytes, which Dask takes along uncopied."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from typing import Any

from agentnb.kernel.fork import Message
from agentnb.kernel.fork.wire import memory_of


class Freight:
    """One message; ``memory`` is the content of the memory file that goes with it, None where none does."""

    def __init__(self, data: Any, memory: Any = None) -> None:
        self.data, self.memory = data, memory

    @classmethod
    def of(cls, data: bytes, fds: Sequence[int] = ()) -> Freight:
        """Return a message as freight; its descriptors stay open."""
        return cls(data, _content(fds[0]) if fds else None)

    def message(self) -> Message:
        """Return the message, with a memory file of its own."""
        return Message(bytes(self.data), [] if self.memory is None else [memory_of([memoryview(self.memory)])])

    def __reduce_ex__(self, protocol: Any) -> Any:
        if protocol < 5 or self.memory is None:
            return Freight, (bytes(self.data), None if self.memory is None else bytes(self.memory))
        return Freight, (bytes(self.data), pickle.PickleBuffer(self.memory))


def _content(fd: int) -> bytes:
    with open(os.dup(fd), "rb") as memory:
        memory.seek(0)
        return memory.read()
