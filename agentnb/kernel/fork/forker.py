"""The thread that forks.

It lives as long as the process and never ran anything else. So a library that keeps a pool per thread (OpenMP in
scikit-learn, LightGBM, torch) finds none of its own in the child and makes a new one, where after a fork from the main
thread it would wait for threads that are not there. And the system ends the children when this thread ends.
"""

from __future__ import annotations

import contextvars
import logging
import os
import queue
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from agentnb.errors import AgentnbError
from agentnb.kernel.fork import guard
from agentnb.kernel.fork.birth import Seeds, be_born
from agentnb.kernel.fork.child import Child
from agentnb.kernel.fork.wire import Connection, pair

_STACK = 64 << 20  # of the thread that becomes the child's main one; only what is used takes memory
_AGAIN = 0.002
_QUIET = 0.005
"""Seconds between switches of threads that leave time enough from the look at the threads to the fork."""

Main = Callable[[Connection], None]


class ForkRefused(AgentnbError):
    """A fork would not be safe; the message says why. ``passing`` is False where that will not change."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


def fork(main: Main, *, label: str = "", patience: float = 0.1) -> Child:
    """Fork this process; ``main(connection)`` runs in the child, which ends where it returns or raises.

    The child is cut off from the kernel: own process group, no sockets, pipes or writable files of the parent's,
    /dev/null as input, output into ``Child.raw``, fresh locks, pools and random numbers (which follow from ``label``),
    and it dies with the parent. ``main`` runs on the child's main thread, in a copy of the caller's context, without
    an event loop. ``patience`` is how long in seconds to wait for other threads to get to a safe place.

    Raises ``ForkRefused``, and ``OSError`` where the system has no room for another process.
    """
    if reason := guard.never():
        raise ForkRefused(reason, passing=False)
    order = _Order(main, label, contextvars.copy_context(), patience)
    _forker().give(order)
    interrupted: BaseException | None = None
    while not order.done.is_set():
        try:
            order.done.wait()
        except BaseException as error:  # an interrupt of the user's: the child must not be lost for it
            interrupted = error
    if interrupted is not None:
        if order.child is not None:
            order.child.kill()
        raise interrupted
    if order.error is not None:
        raise order.error
    assert order.child is not None
    return order.child


@dataclass
class _Order:
    main: Main
    label: str
    context: contextvars.Context
    patience: float
    child: Child | None = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


class _Forker:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        before = threading.stack_size(_STACK)
        try:
            thread = threading.Thread(target=self._run, name="agentnb-forker", daemon=True)
            thread.start()
        finally:
            threading.stack_size(before)

    def give(self, order: _Order) -> None:
        self._orders.put(order)

    def _run(self) -> None:
        while True:
            order = self._orders.get()
            try:
                order.child = _fork_when_safe(order)
            except BaseException as error:
                order.error = error
            order.done.set()
            del order


_the_forker: _Forker | None = None


def _forker() -> _Forker:
    global _the_forker
    if _the_forker is None or _the_forker.pid != os.getpid():
        _the_forker = _Forker()
    return _the_forker


def _fork_when_safe(order: _Order) -> Child:
    end = time.monotonic() + order.patience
    switches = sys.getswitchinterval()
    if switches < _QUIET:
        sys.setswitchinterval(_QUIET)
        time.sleep(switches)
    try:
        while True:
            # the fork's own hooks take this lock; taken before, nobody else runs between the look and the fork
            with logging._lock:  # type: ignore[attr-defined]
                reason = guard.not_now()
                if reason is None:
                    return _fork(order, switches)
            if time.monotonic() >= end:
                raise ForkRefused(reason, passing=True)
            time.sleep(_AGAIN)
    finally:
        sys.setswitchinterval(switches)


def _fork(order: _Order, switches: float) -> Child:
    parent, (here, there) = os.getpid(), pair()
    raw = os.memfd_create("agentnb-raw")
    seeds = Seeds(order.label)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads; they were looked at
        try:
            pid = os.fork()
        except BaseException:
            here.close()
            there.close()
            os.close(raw)
            raise
    if pid == 0:
        _live(order, there, raw, parent, seeds, switches)
    there.close()
    return Child(pid, here, raw)


def _live(order: _Order, connection: Connection, raw: int, parent: int, seeds: Seeds, switches: float) -> None:
    """Be the child; does not return."""
    status = 1
    try:
        os.dup2(raw, 1)
        os.dup2(raw, 2)
        be_born(parent, {connection.fileno(), 1, 2}, seeds)
        sys.setswitchinterval(switches)
        order.context.run(order.main, connection)
        status = 0
    except SystemExit:
        status = 0
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)
