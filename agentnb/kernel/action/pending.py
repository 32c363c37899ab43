"""Calls that an agent must await, and what happens where it forgot to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from agentnb.kernel.action.stage import Stage, current_stage


class Pending(Coroutine[Any, Any, Any]):
    """An async call (to a specialist or an async tool) that has not begun; it begins when it is first awaited.

    It is a coroutine to asyncio, so ``gather``, ``create_task`` and ``TaskGroup`` take it; unlike one it may be awaited
    more than once, and handed to another call as an argument. The stage remembers it: one that the code never awaited
    is awaited at the end of the action.
    """

    def __init__(self, name: str, start: Callable[[], Awaitable[Any]]) -> None:
        self.name = name
        self._start = start
        self._task: asyncio.Task[Any] | None = None
        self._awaiting = 0
        self._inner: Coroutine[Any, Any, Any] | None = None
        self.__name__ = self.__qualname__ = name
        self._stage = current_stage.get()
        if self._stage is not None:
            self._stage.pending.append(self)

    @property
    def begun(self) -> bool:
        """Whether someone awaited it."""
        return self._task is not None

    def detach(self) -> None:
        """Let it be awaited by others than the action in which it was made: no turn is lent for it."""
        if self._stage is not None:
            self._stage.pending.remove(self)
            self._stage = None

    async def wait(self) -> Any:
        """Begin, where that has not happened, and return the result. The last one to give up waiting cancels it."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        self._awaiting += 1
        try:
            stage = self._stage
            if stage is None or self._task.done():
                return await asyncio.shield(self._task)
            async with stage.turn.lent():
                return await asyncio.shield(self._task)
        except asyncio.CancelledError:
            if self._awaiting == 1:
                self._task.cancel()
            raise
        finally:
            self._awaiting -= 1

    async def _run(self) -> Any:
        return await self._start()

    def _coroutine(self) -> Coroutine[Any, Any, Any]:
        if self._inner is None:
            self._inner = self.wait()
        return self._inner

    def send(self, value: Any) -> Any:
        """As of a coroutine."""
        return self._coroutine().send(value)

    def throw(self, *exception: Any) -> Any:
        """As of a coroutine."""
        return self._coroutine().throw(*exception)

    def close(self) -> None:
        """As of a coroutine."""
        if self._inner is not None:
            self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.wait().__await__()

    def __repr__(self) -> str:
        return f"<call to {self.name}: write `await {self.name}(...)` to get its result>"


async def settle(stage: Stage, value: Any) -> tuple[Any, list[str]]:
    """Await the calls that the action forgot to, all at once; put their results where the calls were bound.

    ``value`` is that of the closing expression. Returns it, or its result where it was such a call, and what to say.
    """
    notes: list[str] = []
    forgotten = [call for call in stage.pending if not call.begun]
    if not forgotten:
        return value, notes
    for call, result in zip(forgotten, await asyncio.gather(*forgotten), strict=True):
        notes.append(f"`{call.name}(...)` was not awaited; it was awaited at the end of the step")
        for name in [name for name, bound in stage.namespace.items() if bound is call]:
            stage.namespace[name] = result
        if value is call:
            value = result
    return value, notes
