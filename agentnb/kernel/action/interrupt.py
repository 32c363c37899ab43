"""Stopping code: interrupts and time limits that reach an agent's code and nothing else.

A signal handler raises only where an agent's code is on the stack. It waits while an import is under way (an
interrupted import leaves broken modules behind) and while host code is in a section that must not be torn, and it
strikes again every half second at code that swallows the exception.

An interrupt of the kernel stops all runs. To stop one of them while the main thread is busy, its gate is closed and the
main thread is sent a signal of its own, upon which it looks whose code it is running.

Code that catches what is raised is struck again: politely at first, then so that the next blow falls where the last one
was caught. What no signal reaches (a C function that does not return) is told by the watchdog.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal's enumerations take most of the time of a look
import _thread
import functools
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from agentnb.kernel.action.cell import PREFIX
from agentnb.kernel.action.watchdog import Watchdog

T = TypeVar("T")

AGAIN = 0.5
"""Seconds until code that swallowed an interrupt or a time-out is struck again."""
POLITE = 2
"""Blows that leave the code time to clean up; those after them do not."""
DEFERRED = 0.02
"""Seconds until the next look where an import or a host section is under way."""

_HEARING = 0.05  # seconds within which a signal's handler runs, unless a C function keeps it from that
_TIMERS = hasattr(signal, "setitimer")  # not on Windows: there an action has no time limit, only the interrupt
_LOOK: Any = getattr(signal, "SIGURG", None) if hasattr(signal, "pthread_kill") else None
"""Makes the main thread look whose code it runs: a signal that is ignored where nobody handles it, nor on Windows."""
_STOPPED = "stopped by the person"


class ActionTimeout(BaseException):
    """The action's time was up. Not an ``Exception``, so that ``except Exception`` in the code does not swallow it."""


class Stopped(BaseException):
    """The person stopped the run while the action's code was on the stack."""


class _Insistent(BaseException):
    """Interrupts the main thread again while it is being raised.

    No Python code runs in between that could notice, so the next blow falls in the handler that catches this one, or
    right behind it.
    """

    said = ""
    if _TIMERS:
        __init__ = staticmethod(functools.partial(_thread.interrupt_main, signal.SIGALRM))

    def __str__(self) -> str:
        return self.said


class _TimeoutAgain(_Insistent, ActionTimeout):
    pass


class _StoppedAgain(_Insistent, Stopped):
    pass


class _State:
    """Process-wide, as signals are. Only the main thread touches it."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[], None]] = []
        self.before: dict[signal.Signals, Any] | None = None
        self.idle: tuple[Any, Any] | None = None  # the kernel and what it handles SIGINT with between cells
        self.cells = 0  # that wait for a run
        self.owed: Any = None  # the handler from before the runs, where they ended while a cell waited
        self.clock: Clock | None = None  # of the action whose segment runs
        self.strike: type[BaseException] | None = None
        self.message = ""
        self.blows = 0  # since it was armed
        self.masked = 0
        self.heard_at = 0.0  # when the last interrupt was, by time.monotonic
        self.root: FrameType | None = None  # the frame of ``bounded``, while it is on the stack


_state = _State()


class Clock:
    """Counts the running time of one action against its limit, in seconds; None is no limit.

    ``stopped`` tells whether the action's run is being stopped; ``tell`` takes a sentence for the person, on a thread
    of its own, where the code cannot be stopped.
    """

    def __init__(
        self,
        limit: float | None,
        stopped: Callable[[], bool] = lambda: False,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.limit = self.left = limit
        self.stopped, self.tell = stopped, tell
        self.due = math.inf  # by time.perf_counter: when the stretch that runs now is to end

    @property
    def overdue(self) -> bool:
        """Whether the code that runs now should have ended."""
        return self.stopped() or time.perf_counter() > self.due

    def verdict(self) -> BaseException | None:
        """Return what is to be thrown into code that goes on although it was stopped or its time is up."""
        if self.stopped():
            return Stopped(_STOPPED)
        if self.left is not None and self.left <= 0:
            return ActionTimeout(self._too_long)
        return None

    @property
    def _too_long(self) -> str:
        return f"the code ran longer than {self.limit:g} s"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of one segment."""
        if not _on_main_thread():
            yield
            return
        started = time.perf_counter()
        handlers = _current_handlers()
        before, _state.clock = _state.clock, self
        _state.blows = 0
        self._arm()
        try:
            yield
        finally:
            _state.clock = before
            self.due = math.inf
            _restore_handlers(handlers)
            if _state.strike is not None:
                _disarm()
            if self.left is not None:
                self.left -= time.perf_counter() - started

    def _arm(self) -> None:
        if self.stopped():  # it was thrown in already; code that goes on all the same is struck again
            _arm(Stopped, _STOPPED, AGAIN)
        elif self.left is not None:
            self._limit(self.left, self._too_long)

    def _limit(self, seconds: float, message: str) -> None:
        self.due = time.perf_counter() + seconds
        _arm(ActionTimeout, message, max(seconds, 1e-3))

    @contextmanager
    def within(self, seconds: float, what: str) -> Iterator[None]:
        """Limit a stretch of this action to ``seconds`` (a tool call), with ``what`` named in the error."""
        if not _on_main_thread() or self.stopped() or (self.left is not None and self.left <= seconds):
            yield
            return
        started = time.perf_counter()
        self._limit(seconds, f"{what} ran longer than {seconds:g} s")
        try:
            yield
        finally:
            if not self.stopped():
                _disarm()
                self.due = math.inf
                if self.left is not None:
                    self._limit(self.left - (time.perf_counter() - started), self._too_long)


class Masked:
    """Keeps signals from raising inside a short section of host code that an agent's code called."""

    def __enter__(self) -> None:
        if _on_main_thread():
            _state.masked += 1

    def __exit__(self, *_: object) -> None:
        if _on_main_thread():
            _state.masked -= 1


masked = Masked()


def bounded(seconds: float, what: str, work: Callable[[], T]) -> T:
    """Return ``work()``, which is host code that calls an object's own, such as its ``__repr__``.

    Raises ``ActionTimeout`` that names ``what`` after so many seconds, where the handlers of a run are installed.
    """
    if not _on_main_thread() or _state.before is None:
        return work()
    _state.root = sys._getframe()
    _arm(ActionTimeout, f"{what} took longer than {seconds:g} s", seconds)
    try:
        return work()
    finally:
        _disarm()
        _state.root = None


def listen(on_interrupt: Callable[[], None], kernel: Any = None, *, watched: bool = True) -> Callable[[], None]:
    """Call ``on_interrupt`` when the person interrupts the kernel; return the function that ends this.

    The first listener installs the signal handlers, the end of the last one puts the former ones back. Outside of the
    main thread nothing is installed: signals do not arrive there. With ``kernel``, an ipykernel, interrupts between
    cells count too; there it sets a handler of its own around every cell. ``watched`` is False where another process
    sees code that does not return, as it does for branches.
    """
    _state.listeners.append(on_interrupt)
    if _on_main_thread() and _state.before is None:
        _state.before = {number: signal.signal(number, handler) for number, handler in _handlers().items()}
        if getattr(kernel, "saved_sigint_handler", None) is not None:
            _state.idle = kernel, kernel.saved_sigint_handler
            kernel.saved_sigint_handler = _on_idle_interrupt
        if watched:
            _watchdog.start()

    def stop() -> None:
        if on_interrupt in _state.listeners:
            _state.listeners.remove(on_interrupt)
        if not _state.listeners and _state.before is not None:
            _disarm()
            _watchdog.stop()
            _uninstall(_state.before)

    return stop


def look() -> None:
    """Strike the code that the main thread is running, where its run is being stopped. May be called from any thread.

    Where there are no such signals (Windows) nothing is done: the run ends when the code lets go of the loop.
    """
    ident = threading.main_thread().ident
    if _LOOK is not None and _state.before is not None and ident is not None:
        signal.pthread_kill(ident, _LOOK)


def _handlers() -> dict[signal.Signals, Any]:
    handlers: dict[signal.Signals, Any] = {signal.SIGINT: _on_interrupt}
    if _TIMERS:
        handlers[signal.SIGALRM] = _on_alarm
    if _LOOK is not None:
        handlers[_LOOK] = _on_look
    return handlers


def _uninstall(before: dict[signal.Signals, Any]) -> None:
    _state.before = None
    for number, handler in _handlers().items():
        if number == signal.SIGINT and _state.cells:
            _state.owed = before[number]  # the cell that still waits puts it back
        else:
            _put_back(number, handler, before[number])
    if _state.idle is not None:
        (kernel, between), _state.idle = _state.idle, None
        _put_back(signal.SIGINT, _on_idle_interrupt, between)
        if kernel.saved_sigint_handler is _on_idle_interrupt:
            kernel.saved_sigint_handler = between


def forget() -> None:
    """In a fork: the runs that listen are the parent's; its handlers are gone already."""
    _state.__init__()  # type: ignore[misc]


@contextmanager
def caught() -> Iterator[None]:
    """Take interrupts of the current cell, which waits for a run; the kernel's own handler would miss running code."""
    if not _on_main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _on_interrupt)
    _state.cells += 1
    try:
        yield
    finally:
        _state.cells -= 1
        if before is _on_interrupt:  # it was there before this cell waited: the run's, which may have ended meanwhile
            before = _state.owed if not _state.cells and _state.before is None else _on_interrupt
        if before is not _on_interrupt:
            _put_back(signal.SIGINT, _on_interrupt, before)


def _current_handlers() -> list[Any]:
    return [_signal.getsignal(number) for number in _NUMBERS]


def _restore_handlers(before: list[Any]) -> None:
    """Put back what the agent's code has replaced: the person's Stop must reach the code after it."""
    for number, handler in zip(_NUMBERS, before, strict=True):
        if handler is not None and _signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _put_back(number: signal.Signals, ours: Any, before: Any) -> None:
    # A cell that began meanwhile may have set its own handler; then ours is not there to be replaced.
    if signal.getsignal(number) is ours:
        signal.signal(number, before if before is not None else signal.SIG_DFL)


def _on_interrupt(number: int, frame: FrameType | None) -> None:
    _state.heard_at = time.monotonic()
    for listener in list(_state.listeners):
        listener()
    if _agent_on_stack(frame):
        _state.strike, _state.message = Stopped, _STOPPED
        _strike(frame)


def _on_idle_interrupt(number: int, frame: FrameType | None) -> None:
    """Another object than ``_on_interrupt``, to tell whose place it took: the cell's, or that between cells."""
    _on_interrupt(number, frame)


def _on_look(number: int, frame: FrameType | None) -> None:
    if _state.clock is None or not _state.clock.stopped():
        return
    _state.strike, _state.message = Stopped, _STOPPED
    if _agent_on_stack(frame):
        _strike(frame)
    else:  # the segment is just beginning
        _set_timer(DEFERRED)


def _on_alarm(number: int, frame: FrameType | None) -> None:
    if _state.strike is not None and (_below_root(frame) or _agent_on_stack(frame)):
        _strike(frame)


def _strike(frame: FrameType | None) -> None:
    if _state.strike is None:
        return
    if _state.masked or _importing(frame):
        _set_timer(DEFERRED)
        return
    _state.blows += 1
    _set_timer(AGAIN)
    if _state.blows <= POLITE:
        raise _state.strike(_state.message)
    again: type[_Insistent] = _StoppedAgain if _state.strike is Stopped else _TimeoutAgain
    again.said = _state.message
    raise again


def _arm(strike: type[BaseException], message: str, seconds: float) -> None:
    _state.strike, _state.message, _state.blows = strike, message, 0
    _set_timer(seconds)


def _disarm() -> None:
    if _TIMERS:
        signal.setitimer(signal.ITIMER_REAL, 0)
    _state.strike = None


def _set_timer(seconds: float) -> None:
    if _TIMERS:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)


def _below_root(frame: FrameType | None) -> bool:
    """Whether code runs that ``bounded`` has called, and not its own."""
    if _state.root is None or frame is _state.root:
        return False
    while frame is not None and frame is not _state.root:
        frame = frame.f_back
    return frame is not None


def _agent_on_stack(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(PREFIX):
            return True
        frame = frame.f_back
    return False


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        if frame.f_code.co_filename.startswith(PREFIX):
            return False
        frame = frame.f_back
    return False


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _interrupted_in_vain() -> None:
    """Stop, on the watchdog's thread, where the handler did not: a C function is at work, or it is the code's own."""
    at = time.monotonic()
    time.sleep(_HEARING)
    if _state.heard_at > at - _HEARING:
        return
    for listener in list(_state.listeners):
        listener()
    look()


_NUMBERS = tuple(map(int, _handlers()))
_watchdog = Watchdog(lambda: _state.clock, _interrupted_in_vain)
