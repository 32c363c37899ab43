"""Tells the person where an agent's code cannot be stopped: it is inside a C function that does not return.

A thread of its own hears of the kernel's interrupt as soon as the signal comes (the main thread would only after the
function's end), and sees stretches of code that go on although they were stopped or their time is up.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable
from typing import Protocol

PATIENCE = 3.0
"""Seconds from the stop, or the end of the time, until the person is told."""
INTERVAL = 0.25
STUCK = (
    "restart needed: the code is inside a function that does not return, so it cannot be stopped; restart the kernel, "
    "or wait until it returns (all finished steps are kept)"
)
_END = b"\0"  # no signal has this number


class Stretch(Protocol):
    """Code of an agent's that the main thread is running."""

    tell: Callable[[str], None]

    @property
    def overdue(self) -> bool:
        """Whether it should have ended."""


class Watchdog:
    """Watches what the main thread is running, which ``running`` tells.

    ``on_interrupt`` is called on the watchdog's thread when the kernel is interrupted meanwhile.
    """

    def __init__(self, running: Callable[[], Stretch | None], on_interrupt: Callable[[], None]) -> None:
        self._running, self._on_interrupt = running, on_interrupt
        self._ears: tuple[int, int] | None = None
        self._installed = False

    def start(self) -> None:
        """Begin to watch. On the main thread only."""
        read, write = self._ears = os.pipe()
        os.set_blocking(write, False)
        before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self._installed = before == -1
        if not self._installed:  # somebody else listens: then an interrupt is heard when the code returns
            signal.set_wakeup_fd(before)
        threading.Thread(target=self._watch, args=(read,), name="agentnb-stop-watchdog", daemon=True).start()

    def stop(self) -> None:
        """End it. On the main thread only."""
        if self._ears is None:
            return
        (_, write), self._ears = self._ears, None
        if self._installed:
            other = signal.set_wakeup_fd(-1)
            if other != write:
                signal.set_wakeup_fd(other)
        os.write(write, _END)
        os.close(write)

    def _watch(self, read: int) -> None:
        since, told = 0.0, False
        listener = selectors.DefaultSelector()
        listener.register(read, selectors.EVENT_READ)
        while True:
            if listener.select(INTERVAL):
                heard = os.read(read, 4096)
                if _END in heard or not heard:
                    break
                if signal.SIGINT in heard and self._running() is not None:
                    self._on_interrupt()
            stretch = self._running()
            if stretch is None or not stretch.overdue:
                since, told = 0.0, False
            elif not since:
                since = time.monotonic()
            elif not told and time.monotonic() - since > PATIENCE:
                told = True
                stretch.tell(STUCK)
        listener.close()
        os.close(read)


def _forget() -> None:
    """In a forked child: its signals are none of the parent's watchdog's business."""
    with contextlib.suppress(ValueError):
        signal.set_wakeup_fd(-1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
