"""The thread that forks.

It lives as long as the process and never ran anything else. So a library that keeps a pool per thread (OpenMP in
scikit-learn, LightGBM, torch) finds none of its own in the child and makes a new one, where after a fork from the main
thread it would wait for threads that are not there. And the system ends the children when this thread ends.
"""

from __future__ import annotations

import _imp
import contextvars
import itertools
import logging
import os
import queue
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from agentnb.errors import AgentnbError
from agentnb.kernel.fork import guard, hooks
from agentnb.kernel.fork.birth import be_born
from agentnb.kernel.fork.child import Child
from agentnb.kernel.fork.seeds import Seeds
from agentnb.kernel.fork.threads import learn_mappings, nap
from agentnb.kernel.fork.wire import Connection, pair

_STACK = 64 << 20  # of the thread that becomes the child's main one; only what is used takes memory
_HOLDS = (0.12, 0.24, 0.24)
"""Seconds for which the other threads are kept from running Python code, at most, to let them come to rest: at the
first try, the second, and all others."""
_BRIEF = 0.0005  # the switch interval in which this thread comes to its turn
_GLANCE = 0.05  # for a look without a hold
_MARGIN = 0.25  # between the end of a hold and the first who asks for the interpreter's lock
_NAP = 0.0005
_AGAIN = 0.01

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
    ready = _Ready(order)
    end = time.monotonic() + order.patience
    sys.setswitchinterval(_BRIEF)
    learn_mappings()
    with _unwarned():
        try:
            for hold in itertools.chain((0.0,), _HOLDS, itertools.repeat(_HOLDS[-1])):
                hooks.settle()
                with _forks_locks():
                    reason = _hold(hold, ready.switches)
                    if reason is None:
                        return ready.fork()
                sys.setswitchinterval(_BRIEF)
                if hold and time.monotonic() >= end:
                    raise ForkRefused(reason, passing=True)
                if hold:
                    time.sleep(_AGAIN)
                learn_mappings()
        finally:
            sys.setswitchinterval(ready.switches)
            ready.close()
    raise AssertionError("the tries have no end")


def _hold(seconds: float, switches: float) -> str | None:
    """Hold the interpreter's lock until every other thread sleeps; return the reason where one does not.

    Nobody is to ask for the lock before the fork. So whoever begins to wait for it from here on asks late; whoever
    waited with the former interval ``switches`` has asked, or seen this thread come to its turn, when that has passed
    and it sleeps. The lock may be lost once more for what it asked, so threads count as sleeping that do so twice. A
    look that took so long that the others may ask meanwhile does not count. Without ``seconds`` it is looked at once.
    """
    at_rest = bool(seconds)
    if reason := guard.importing() if at_rest else guard.not_now(at_rest=False):
        return reason
    if at_rest:
        time.sleep(_BRIEF)
    sys.setswitchinterval(seconds + _MARGIN)
    end = time.monotonic() + (seconds or _GLANCE)
    if at_rest:
        nap(max(switches, _BRIEF) + _NAP)
    while True:
        reason = guard.not_now(at_rest=at_rest) or guard.not_now(at_rest=at_rest)
        if time.monotonic() >= end:
            return reason or "the machine is too busy to look at all threads at once"
        if reason is None or not at_rest:
            return reason
        nap(_NAP)


@contextmanager
def _forks_locks() -> Iterator[None]:
    """Take the locks that a fork takes: taken before, nobody else runs between the look at the threads and the fork."""
    _imp.acquire_lock()
    try:
        with logging._lock:  # type: ignore[attr-defined]
            yield
    finally:
        _imp.release_lock()


@contextmanager
def _unwarned() -> Iterator[None]:
    """3.12 warns of forks beside threads; they are looked at here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


class _Ready:
    """All that a fork needs, made before: most calls of the system let other threads run meanwhile."""

    def __init__(self, order: _Order) -> None:
        self._order, self._parent = order, os.getpid()
        self._here, self._there = pair()
        self._raw = os.memfd_create("agentnb-raw")
        self._seeds = Seeds(order.label)
        self.switches = sys.getswitchinterval()
        self._filters = list(warnings.filters)
        self._child: Child | None = None

    def fork(self) -> Child:
        """Fork at once. In the child this does not return."""
        pid = os.fork()
        if pid == 0:
            _imp.release_lock()  # held over the fork, once more than the fork itself does
            warnings.filters[:] = self._filters  # type: ignore[index]  # it is a list
            _live(self._order, self._there, self._raw, self._parent, self._seeds, self.switches)
        self._child = Child(pid, self._here, self._raw)
        return self._child

    def close(self) -> None:
        """Close the child's end, and all where there is no child."""
        self._there.close()
        if self._child is None:
            self._here.close()
            os.close(self._raw)


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
