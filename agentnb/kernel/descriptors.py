"""What child processes and C libraries write past Python to the process' descriptors 1 and 2, as output of the action.

While an agent's code is on the stack both lead into pipes, which a thread reads. So what ``subprocess.run(["env"])``
shows is seen by the model, bounded and kept free of secrets like all output. What comes later, from a child that was
left running, is late output of the last action. Not on Windows.
"""

from __future__ import annotations

import codecs
import os
import select
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

if sys.platform != "win32":
    import fcntl
    import struct
    import termios

_BUFFER = (
    1 << 20
)  # bytes that a pipe holds: a C function that keeps the interpreter's lock must not wait for the reader
_PATIENCE = 0.2  # seconds at the end of a stretch for what was written to be read


class Writable(Protocol):
    """Takes text."""

    def write(self, text: str) -> int:
        """Take ``text``."""


class Descriptors:
    """The two pipes and their reader, made when they are first needed."""

    def __init__(self) -> None:
        self.enabled = sys.platform != "win32"
        self._pipes: list[tuple[int, int]] = []
        self._targets: tuple[Writable, Writable] | None = None
        self._reading = threading.Lock()

    @contextmanager
    def lead_to(self, targets: tuple[Writable, Writable]) -> Iterator[None]:
        """Pass on what is written to descriptors 1 and 2 meanwhile; only on the main thread, else nothing is done."""
        if not self.enabled or threading.current_thread() is not threading.main_thread():
            yield
            return
        try:
            saved = self._redirect(targets)
        except OSError:  # closed, or no more descriptors to be had
            yield
            return
        try:
            yield
        finally:
            for descriptor, copy in saved.items():
                os.dup2(copy, descriptor)
                os.close(copy)
            self._drain()

    def _redirect(self, targets: tuple[Writable, Writable]) -> dict[int, int]:
        if not self._pipes:
            self._open()
        self._targets = targets
        saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        for descriptor, (_, write) in zip(saved, self._pipes, strict=True):
            os.dup2(write, descriptor)
        return saved

    def _open(self) -> None:
        self._pipes = [os.pipe(), os.pipe()]
        for _, write in self._pipes:
            with suppress(OSError, AttributeError):
                fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _BUFFER)
        threading.Thread(target=self._read, args=(self._pipes,), name="agentnb-descriptors", daemon=True).start()

    def _drain(self) -> None:
        """Let the reader come to what was written, so that it stands before what the action does next."""
        deadline = time.monotonic() + _PATIENCE
        while any(_waiting(read) for read, _ in self._pipes) and time.monotonic() < deadline:
            time.sleep(0.001)
        with self._reading:  # it may be about to pass the last piece on
            pass

    def _read(self, pipes: list[tuple[int, int]]) -> None:
        decoders = [codecs.getincrementaldecoder("utf-8")("replace") for _ in pipes]
        ends = [read for read, _ in pipes]
        while True:
            ready, _, _ = select.select(ends, [], [])
            with self._reading:
                for end in ready:
                    place = ends.index(end)
                    self._pass_on(place, decoders[place].decode(os.read(end, _BUFFER)))

    def _pass_on(self, place: int, text: str) -> None:
        targets = self._targets
        if targets is not None and text:
            with suppress(Exception):  # a view's fault must not end the reader
                targets[place].write(text)


def _waiting(pipe: int) -> int:
    """Return how many bytes are in a pipe."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))
    return int(count)


descriptors = Descriptors()


def _leave() -> None:
    """In a forked child: the reader is not there."""
    descriptors.enabled, descriptors._pipes = False, []


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)
