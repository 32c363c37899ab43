"""Tools under their names in an agent's code, each within its time limit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from agentnb.kernel.action import guard
from agentnb.kernel.action.pending import Pending
from agentnb.kernel.action.stage import current_stage
from agentnb.tools import Tool


def bind_tools(tools: Iterable[Tool]) -> dict[str, Callable[..., Any]]:
    """Return the callables by name. Async tools are calls to await; sync ones run where they are called."""
    return {tool.name: _async(tool) if tool.is_async else _sync(tool) for tool in tools}


def _async(tool: Tool) -> Callable[..., Pending]:
    def call(*args: Any, **kwargs: Any) -> Pending:
        async def work() -> Any:
            with guard.lifted():
                return await tool.call(*args, **kwargs)

        return Pending(tool.name, work)

    return functools.update_wrapper(call, _named(tool))


def _sync(tool: Tool) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        stage = current_stage.get()
        if stage is None:
            return tool.call(*args, **kwargs)
        with stage.clock.within(tool.timeout, f"{tool.name}()"), guard.lifted():
            return tool.call(*args, **kwargs)

    return functools.update_wrapper(call, _named(tool))


def _named(tool: Tool) -> Callable[..., Any]:
    """What ``help(tool)`` in an agent's code shows."""

    def shown() -> None: ...

    shown.__name__ = shown.__qualname__ = tool.name
    shown.__doc__ = f"{tool.signature}\n\n{tool.doc}"
    return shown
