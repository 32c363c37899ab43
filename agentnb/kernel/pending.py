"""Calls that an agent must await, and what happens where it forgot to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from agentnb.kernel.stage import Stage, current_stage


class Pending(Coroutine[Any, Any, Any]):
    """An async call (to a specialist or an async tool) that has not begun; it begins when it is awaited.

    It is a coroutine to asyncio, so ``gather``, ``create_task`` and ``TaskGroup`` take it. The stage remembers it: one
    that the code never awaited is awaited at the end of the action.
    """

    def __init__(self, name: str, start: Callable[[], Awaitable[Any]]) -> None:
        self.name = name
        self._start = start
        self._inner: Coroutine[Any, Any, Any] | None = None
        self.__name__ = self.__qualname__ = name
        stage = current_stage.get()
        if stage is not None:
            stage.pending.append(self)

    @property
    def begun(self) -> bool:
        """Whether someone awaited it."""
        return self._inner is not None

    async def _run(self) -> Any:
        stage = current_stage.get()
        if stage is None:
            return await self._start()
        async with stage.turn.lent():
            return await self._start()

    def _coroutine(self) -> Coroutine[Any, Any, Any]:
        if self._inner is None:
            self._inner = self._run()
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
        return self._coroutine().__await__()

    def __repr__(self) -> str:
        return f"<call to {self.name}: write `await {self.name}(...)` to get its result>"


async def settle(stage: Stage, namespace: dict[str, Any], value: Any) -> tuple[Any, list[str]]:
    """Await the calls that the action forgot to; put their results where the calls were bound.

    ``value`` is that of the closing expression. Returns it, or its result where it was such a call, and what to say.
    """
    notes = []
    while forgotten := [call for call in stage.pending if not call.begun]:
        for call in forgotten:
            result = await call
            notes.append(f"`{call.name}(...)` was not awaited; it was awaited at the end of the step")
            for name in [name for name, bound in namespace.items() if bound is call]:
                namespace[name] = result
            if value is call:
                value = result
    return value, notes
