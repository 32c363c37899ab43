"""Taking turns: a background run's actions and the user's cells alternate under the kernel's own lock.

A foreground run needs none of this: the cell it runs in holds the kernel already.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

from IPython.core.interactiveshell import InteractiveShell

from agentnb.kernel.shell import kernel_of


class Lock(Protocol):
    """What a kernel serialises its cells with."""

    async def acquire(self) -> Any:
        """Wait for the turn."""

    def release(self) -> None:
        """Give the turn back."""


class Gate:
    """One run's way to the kernel's lock; open where the kernel is held for the run already."""

    def __init__(self, lock: Lock | None) -> None:
        self._lock = lock
        self._awaited = 0
        self._opened = asyncio.Event()
        self.closed = False

    def close(self) -> None:
        """Let no action begin any more: the run is being stopped. May be called from a signal handler."""
        self.closed = True

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let the run's actions pass freely, while a cell of the user's waits for the run."""
        self._awaited += 1
        self._opened.set()
        try:
            yield
        finally:
            self._awaited -= 1
            if not self._awaited:
                self._opened.clear()

    async def acquire(self) -> Callable[[], None]:
        """Wait for the turn and return the function that gives it back. Raises ``CancelledError`` once it is closed."""
        if self.closed:
            raise asyncio.CancelledError("the run is being stopped")
        if self._lock is None or self._awaited:
            return _nothing
        mine = asyncio.ensure_future(self._lock.acquire())
        opened = asyncio.ensure_future(self._opened.wait())
        try:
            await asyncio.wait({mine, opened}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._give_up(mine)
            raise
        finally:
            opened.cancel()
        if mine.done() and not mine.cancelled():
            return self._lock.release
        self._give_up(mine)
        return _nothing

    def _give_up(self, mine: asyncio.Future[Any]) -> None:
        """Cancel a wait for the lock; one that was granted in this very moment is given back."""
        lock = self._lock
        assert lock is not None

        def settle(future: asyncio.Future[Any]) -> None:
            if not future.cancelled() and future.exception() is None:
                lock.release()

        mine.cancel()
        mine.add_done_callback(settle)


class Turn:
    """The turn of one agent: held while its action runs, lent while the action waits for others."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._release: Callable[[], None] | None = None
        self._waiting = 0

    @property
    def run(self) -> object:
        """What is the same for all agents of one run."""
        return self._gate

    @property
    def closed(self) -> bool:
        """Whether the run is being stopped."""
        return self._gate.closed

    async def __aenter__(self) -> Turn:
        self._release = await self._gate.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._give()

    def _give(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            release()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Give the turn away while the action waits for a specialist, an async tool or the person.

        With several waits at once (``gather``) the turn is taken back after the last of them: taken back earlier, it
        would keep the others' actions from ever running.
        """
        self._waiting += 1
        self._give()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._release = await self._gate.acquire()


def kernel_lock(shell: InteractiveShell) -> Lock | None:
    """Return what serialises the kernel's cells, or None where there is no kernel."""
    kernel = kernel_of(shell)
    if kernel is None:
        return None
    lock: Lock | None = getattr(kernel, "_main_asyncio_lock", None)  # ipykernel 7
    if lock is not None:
        return lock
    queue = getattr(kernel, "msg_queue", None)  # ipykernel 6
    return _QueueLock(queue) if queue is not None else None


class _QueueLock:
    """ipykernel 6 works through a queue of messages: to have the turn is to be the message in work."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._held: asyncio.Event | None = None

    async def acquire(self) -> None:
        granted: asyncio.Future[asyncio.Event] = asyncio.get_running_loop().create_future()

        async def dispatch() -> None:
            if granted.cancelled():
                return
            over = asyncio.Event()
            granted.set_result(over)
            await over.wait()

        self._queue.put_nowait((0, dispatch, ()))
        self._held = await granted

    def release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.set()


def _nothing() -> None:
    """Give back a turn that was not taken."""
