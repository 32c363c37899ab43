"""What child processes and C libraries write past Python to the process' descriptors 1 and 2, as output of the action.

While an agent's code is on the stack both lead into pipes, which a thread reads. So what ``subprocess.run(["env"])``
shows is seen by the model, bounded and kept free of secrets like all output. A child that is left running keeps its
pipes, and with them its action. Not on Windows.
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

_BUFFER = 1 << 20  # bytes a pipe holds: C code that keeps the interpreter's lock must not wait for the reader
_PATIENCE = 5.0  # seconds at the end of a stretch without anything being read of what was written


class Writable(Protocol):
    """Takes text."""

    def write(self, text: str) -> int:
        """Take ``text``."""


Pair = tuple[Writable, Writable]
"""Where descriptors 1 and 2 lead."""


class _Pipes:
    """Two pipes and the thread that reads them, until nobody can write to them any more."""

    def __init__(self) -> None:
        self.targets: Pair | None = None
        ends = [os.pipe(), os.pipe()]
        self.writes = [write for _, write in ends]
        self._reads = [read for read, _ in ends]
        self._passed_on = [0, 0]  # bytes
        self._reading = threading.Lock()
        self._written = self._poll()
        for write in self.writes:
            with suppress(OSError, AttributeError):
                fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _BUFFER)
        threading.Thread(target=self._read, name="agentnb-descriptors", daemon=True).start()

    def drain(self) -> None:
        """Let the reader come to what was written so far, so that it stands before what the action does next."""
        with self._reading:  # the reader holds it from a piece's reading to its passing on
            if not self._written.poll(0):
                return
            due = [passed + _waiting(end) for passed, end in zip(self._passed_on, self._reads, strict=True)]
        seen, deadline = list(self._passed_on), time.monotonic() + _PATIENCE
        while any(passed < end for passed, end in zip(self._passed_on, due, strict=True)):
            if seen != self._passed_on:
                seen, deadline = list(self._passed_on), time.monotonic() + _PATIENCE
            elif time.monotonic() > deadline:
                return
            time.sleep(0.001)

    def let_go(self) -> None:
        """Write no more to them: the reader ends with those that still do."""
        for write in self.writes:
            os.close(write)

    def _poll(self) -> select.poll:
        poll = select.poll()  # not select(), which ends at descriptor 1023
        for read in self._reads:
            poll.register(read, select.POLLIN)
        return poll

    def _read(self) -> None:
        decoders = [codecs.getincrementaldecoder("utf-8")("replace") for _ in self._reads]
        places = {end: place for place, end in enumerate(self._reads)}
        poll = self._poll()
        while places:
            ready = poll.poll()
            with self._reading:
                for end, _ in ready:
                    piece = os.read(end, _BUFFER)
                    self._pass_on(places[end], decoders[places[end]].decode(piece))
                    self._passed_on[places[end]] += len(piece)
                    if not piece:
                        poll.unregister(end)
                        del places[end]
                        os.close(end)

    def _pass_on(self, place: int, text: str) -> None:
        targets = self.targets
        if targets is not None and text:
            with suppress(Exception):  # a view's fault must not end the reader
                targets[place].write(text)


class Descriptors:
    """Leads the process' descriptors to one action after the other."""

    def __init__(self) -> None:
        self.enabled = sys.platform != "win32"
        self._pipes: _Pipes | None = None

    @contextmanager
    def lead_to(self, targets: Pair) -> Iterator[None]:
        """Pass on what is written to descriptors 1 and 2 meanwhile; only on the main thread, else nothing is done."""
        if not self.enabled or threading.current_thread() is not threading.main_thread():
            yield
            return
        try:
            pipes, saved = self._redirect(targets)
        except OSError:  # closed, or no more descriptors to be had
            yield
            return
        try:
            yield
        finally:
            for descriptor, copy in saved.items():
                os.dup2(copy, descriptor)
                os.close(copy)
            pipes.drain()

    def drain(self) -> None:
        """Wait until what was written so far is passed on. On the main thread."""
        if self._pipes is not None and threading.current_thread() is threading.main_thread():
            self._pipes.drain()

    def leave_to_children(self) -> None:
        """Let the children that were just left running keep the pipes; what comes out goes to their action for good."""
        pipes, self._pipes = self._pipes, None
        if pipes is not None:
            pipes.let_go()

    def _redirect(self, targets: Pair) -> tuple[_Pipes, dict[int, int]]:
        if self._pipes is None:
            self._pipes = _Pipes()
        self._pipes.targets = targets
        saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        for descriptor, write in zip(saved, self._pipes.writes, strict=True):
            os.dup2(write, descriptor)
        return self._pipes, saved

    def forget(self) -> None:
        """In a forked child: the reader is not there."""
        self.enabled, self._pipes = False, None


def _waiting(pipe: int) -> int:
    """Return how many bytes are in a pipe."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))
    return int(count)


descriptors = Descriptors()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=descriptors.forget)
