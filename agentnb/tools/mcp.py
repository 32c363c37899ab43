"""Tools of MCP servers, as async functions: ``hits = await search("...")``. Needs the extra ``mcp``."""

from __future__ import annotations

import asyncio
import atexit
import datetime
import importlib.util
import inspect
import json
import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from agentnb.errors import ToolError, UserError
from agentnb.tools.build import build, identifier, text_of
from agentnb.tools.mcp_result import text_content, value_of
from agentnb.tools.mcp_schema import description, signature_of_schema, wraps_result
from agentnb.tools.mcp_server import INSTALL, MCPServer
from agentnb.tools.mcp_session import ConnectError, Hub, LostError, NotSentError
from agentnb.tools.port import Tool

if TYPE_CHECKING:
    from mcp.types import Tool as ServerTool

__all__ = ["MCPServer", "amcp_tools", "close", "mcp_tools"]

_GRACE = 5.0
_hub: Hub | None = None
_lock = threading.Lock()


def mcp_tools(server: MCPServer) -> list[Tool]:
    """Connect to ``server`` and return its tools; blocks until it has answered.

    Raises ``UserError`` where the package is missing or the server cannot be reached in time.
    """
    hub = _running_hub()
    future = hub.submit(hub.tools(server))
    try:
        return _made(server, future.result(server.connect_timeout + _GRACE))
    except (ConnectError, TimeoutError) as error:
        raise _unreachable(server, error) from error


async def amcp_tools(server: MCPServer) -> list[Tool]:
    """Do as ``mcp_tools`` does without blocking the loop."""
    hub = _running_hub()
    future = hub.submit(hub.tools(server))
    try:
        return _made(server, await asyncio.wrap_future(future))
    except ConnectError as error:
        raise _unreachable(server, error) from error


def close() -> None:
    """End all sessions and the processes of servers that were started here. A later call connects again."""
    global _hub
    with _lock:
        hub, _hub = _hub, None
    if hub is not None:
        hub.close()


def _running_hub() -> Hub:
    global _hub
    if importlib.util.find_spec("mcp") is None:
        raise UserError(INSTALL)
    with _lock:
        if _hub is None:
            # without a handler of theirs, Python would print the log of a broken connection into whatever cell runs
            logging.getLogger("mcp").addHandler(logging.NullHandler())
            _hub = Hub()
        return _hub


def _forget() -> None:
    """Drop what a forked child cannot use: the thread is not there, the pipes are its parent's."""
    global _hub, _lock
    _hub, _lock = None, threading.Lock()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _unreachable(server: MCPServer, error: Exception) -> UserError:
    check = "url" if server.url else "command"
    reason = text_of(error) or "no answer"
    return UserError(f"the MCP server {server.label!r} cannot be reached ({reason}); check its {check} and try again")


def _made(server: MCPServer, theirs: list[ServerTool]) -> list[Tool]:
    return [_tool(server, each) for each in theirs]


def _tool(server: MCPServer, theirs: ServerTool) -> Tool:
    output = getattr(theirs, "outputSchema", None)  # mcp before 1.10 has none
    signature, names = signature_of_schema(theirs.inputSchema, output)
    name = identifier(theirs.name)
    wrapped = wraps_result(output)

    async def call(bound: inspect.BoundArguments) -> Any:
        return await _call(server, theirs.name, _arguments(signature, names, bound), name, wrapped)

    doc = description(server.label, theirs.description, theirs.inputSchema, names)
    return build(
        name,
        signature,
        call,
        doc=doc,
        is_async=True,
        timeout=server.timeout,
        origin=(server, theirs.name),
        approve=server.approve,
    )


def _arguments(signature: inspect.Signature, names: dict[str, str], bound: inspect.BoundArguments) -> dict[str, Any]:
    """Return what the agent gave, under the server's names; what it left out, or as None, is the server's to fill."""
    sent: dict[str, Any] = {}
    for ours, value in bound.arguments.items():
        parameter = signature.parameters[ours]
        if parameter.kind is parameter.VAR_KEYWORD:
            sent.update(value)
        elif value is not None or parameter.default is not None:
            sent[names[ours]] = value
    try:
        return dict(json.loads(json.dumps(sent, default=_plain)))
    except (TypeError, ValueError) as error:
        raise ToolError(f"{text_of(error)}; send numbers, text, lists and dicts of these") from error


def _plain(value: Any) -> Any:
    """Return an array, a column or a scalar of numpy or pandas as lists and numbers, a date or a path as text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (datetime.date, os.PathLike)):
        return str(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"a {type(value).__name__} cannot be sent to an MCP server")


async def _call(server: MCPServer, theirs: str, arguments: dict[str, Any], name: str, wrapped: bool) -> Any:
    hub = _running_hub()
    try:
        result = await asyncio.wrap_future(hub.submit(hub.call(server, theirs, arguments)))
    except LostError as error:
        raise ToolError(
            f"{name}: the MCP server {server.label!r} went away in mid-call, and whether the call took effect is "
            "unknown; check that before you call it again (it will be connected anew), or go on without it"
        ) from error
    except (ConnectError, NotSentError) as error:
        raise ToolError(
            f"{name}: the MCP server {server.label!r} cannot be reached ({text_of(error)}); go on without it"
        ) from error
    if result.isError:
        said = text_of(Exception(text_content(result)))
        raise ToolError(f"{name} failed on the MCP server: {said}; call it with other arguments, or find another way")
    return value_of(result, wrapped=wrapped)
