"""One blocking model call in a thread of its own, read from the event loop.

A fresh daemon thread a call, never a pool: 64 calls start at once, and one that hangs in a socket keeps neither the
next call nor the interpreter's exit waiting.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from agentnb.errors import TransientModelError

T = TypeVar("T")
_numbers = itertools.count(1)


class Abandoned(BaseException):
    """Raised in the thread by ``send`` when nobody waits for the reply any more."""


class Call(Generic[T]):
    """``work`` runs in a thread and talks back through ``begin`` and ``send``; ``run`` waits for it on the loop."""

    def __init__(self, work: Callable[[Call[T]], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._pieces: list[str] = []
        self._patience: float | None = None
        self._result: T | None = None
        self._error: BaseException | None = None
        self._done = False
        self._abandoned = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._told = False

    # --- in the thread ------------------------------------------------------------------------------------------------

    def begin(self, patience: float) -> None:
        """Say that the request goes out now; from here on, silence of ``patience`` seconds is a stall."""
        with self._lock:
            self._patience = patience
        self._tell()

    def send(self, text: str) -> None:
        """Pass on a piece of the reply. Raises ``Abandoned`` when the caller has gone."""
        with self._lock:
            if self._abandoned:
                raise Abandoned
            self._pieces.append(text)
        self._tell()

    def _tell(self) -> None:
        """Wake the loop, once for all pieces that come before it looks: a fast stream does not flood it."""
        with self._lock:
            if self._told or self._abandoned or self._loop is None:
                return
            self._told = True
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:  # the loop is closed: nobody is left to be told
            self._abandoned = True

    def _main(self) -> None:
        try:
            self._result = self._work(self)
        except Abandoned:
            return
        except BaseException as error:
            self._error = error
        self._done = True
        self._tell()

    # --- on the loop --------------------------------------------------------------------------------------------------

    async def run(self, on_text: Callable[[str], None]) -> T:
        """Return what the work returned, or raise what it raised.

        ``on_text`` gets the text as it comes, pieces joined. Raises ``TransientModelError`` after a stall. Cancelled,
        it returns at once, and the thread stops at its next piece.
        """
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._main, name=f"agentnb-model-{next(_numbers)}", daemon=True).start()
        try:
            while not await self._hear(on_text):
                pass
        finally:
            with self._lock:
                self._abandoned = True
        if isinstance(self._error, Exception):
            raise self._error
        if self._error is not None:  # a SystemExit out of a thread must not end the kernel
            raise RuntimeError(f"the model's code raised {type(self._error).__name__}") from self._error
        return self._result  # type: ignore[return-value]

    async def _hear(self, on_text: Callable[[str], None]) -> bool:
        """Wait for news, hand on the text, and tell whether the work is over."""
        patience = self._patience
        try:
            async with asyncio.timeout(patience):
                await self._news.wait()
        except TimeoutError:
            raise TransientModelError(f"the model said nothing for {patience:g} s") from None
        self._news.clear()
        with self._lock:
            self._told = False
            done = self._done
            text = "".join(self._pieces)
            self._pieces.clear()
        if text:
            on_text(text)
        return done
