"""Messages between a process and its fork: bytes with file descriptors, over a socket pair."""

from __future__ import annotations

import array
import os
import select
import socket
import struct
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

_HEADER = struct.Struct("<QI?")
_MOST_FDS = 16
_FDS_SPACE = socket.CMSG_SPACE(_MOST_FDS * array.array("i").itemsize)
_PART = 1 << 20
_IN_LINE = 1 << 16  # more goes through memory, so that a side which does not read cannot block the other for long


@dataclass(frozen=True)
class Message:
    """Bytes, and file descriptors that now belong to whoever took the message."""

    data: bytes
    fds: list[int] = field(default_factory=list)


class Connection:
    """One end. ``send`` may be called from any thread; only one thread receives."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sending = threading.Lock()
        self._came = bytearray()
        self._fds: list[int] = []

    def fileno(self) -> int:
        """Return the descriptor, for a selector or an event loop; -1 once it is closed."""
        return self._socket.fileno()

    def send(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Send a message; the descriptors stay open here. Raises ``OSError`` where the other side is gone."""
        if len(fds) > _MOST_FDS - 1:
            raise ValueError(f"a message takes at most {_MOST_FDS - 1} file descriptors, not {len(fds)}")
        if len(data) <= _IN_LINE:
            self._send(data, list(fds), in_memory=False)
            return
        memory = memory_of([memoryview(data)])
        try:
            self._send(len(data).to_bytes(8, "little"), [*fds, memory], in_memory=True)
        finally:
            os.close(memory)

    def _send(self, data: bytes, fds: list[int], *, in_memory: bool) -> None:
        header = _HEADER.pack(len(data), len(fds), in_memory)
        with self._sending:
            if fds:
                socket.send_fds(self._socket, [header], fds)
            else:
                self._socket.sendall(header)
            self._socket.sendall(data)

    def receive(self) -> Message:
        """Wait for the next message. Raises ``EOFError`` where the other side is gone."""
        while True:
            if message := self._parsed():
                return message
            self._read(0)

    def wait(self, seconds: float) -> None:
        """Wait until something may have come, ``seconds`` at most. From any thread."""
        poll = select.poll()  # not select(), which ends at descriptor 1023; one for each thread
        poll.register(self._socket, select.POLLIN)
        poll.poll(seconds * 1000)

    def poll(self) -> list[Message]:
        """Return the messages that have come, without waiting. Raises ``EOFError`` where there will be no more."""
        messages: list[Message] = []
        while True:
            while message := self._parsed():
                messages.append(message)
            try:
                self._read(socket.MSG_DONTWAIT)
            except BlockingIOError:
                return messages
            except EOFError:
                if messages:
                    return messages
                raise

    def close(self) -> None:
        """Close this end; the other side reads the end of the stream."""
        self._socket.close()
        for fd in self._fds:
            with suppress(OSError):
                os.close(fd)
        self._fds.clear()

    def _read(self, flags: int) -> None:
        try:
            # not socket.recv_fds, which leaves the flags out
            data, extra, _, _ = self._socket.recvmsg(_PART, _FDS_SPACE, flags | socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            data, extra = b"", []
        for level, kind, content in extra:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds = array.array("i")
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
                self._fds += fds
        if not data:
            raise EOFError("the other side is gone")
        self._came += data

    def _parsed(self) -> Message | None:
        if len(self._came) < _HEADER.size:
            return None
        size, count, in_memory = _HEADER.unpack_from(self._came)
        end = _HEADER.size + size
        if len(self._came) < end:
            return None
        data = bytes(memoryview(self._came)[_HEADER.size : end])
        del self._came[:end]
        fds, self._fds = self._fds[:count], self._fds[count:]
        if in_memory:
            data = _taken(fds.pop(), int.from_bytes(data, "little"))
        return Message(data, fds)


def memory_of(parts: Iterable[memoryview]) -> int:
    """Return the descriptor of a new memory file that holds the parts, each at a multiple of 64 bytes.

    Written, not mapped: that makes no page tables in the sender.
    """
    fd = os.memfd_create("agentnb")
    at = 0
    for part in parts:
        flat = part.cast("B")
        done = 0
        while done < flat.nbytes:
            done += os.pwrite(fd, flat[done : done + (1 << 30)], at + done)
        at += aligned(flat.nbytes)
    os.ftruncate(fd, at)
    return fd


def aligned(size: int) -> int:
    """Return ``size``, rounded up to a multiple of 64."""
    return (size + 63) & ~63


def _taken(fd: int, size: int) -> bytes:
    with open(fd, "rb") as memory:
        memory.seek(0)
        return memory.read(size)


def pair() -> tuple[Connection, Connection]:
    """Return the two ends."""
    here, there = socket.socketpair()
    return Connection(here), Connection(there)
