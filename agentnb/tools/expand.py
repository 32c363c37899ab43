"""From whatever a person lists as ``tools=`` to tools with unique names."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

from agentnb.errors import UserError
from agentnb.team.config import McpConfig
from agentnb.tools.functions import as_tool, tool
from agentnb.tools.mcp import amcp_tools, mcp_tools
from agentnb.tools.mcp_server import MCPServer
from agentnb.tools.port import Tool
from agentnb.tools.smol import is_smolagents_tool

_SERVER_KEYS = ("command", "args", "env", "url", "headers", "name", "timeout", "approve")


def expand_tools(items: Iterable[object]) -> list[Tool]:
    """Return the tools behind ``items``, in their order, each once; blocks while MCP servers connect.

    An item is anything ``as_tool`` takes, an ``MCPServer`` (or a dict or config table that describes one), a
    ``"package.module:function"`` string, a smolagents ``ToolCollection``, or a list of these. Two tools of one name
    get their server's name in front where they come from MCP servers. Raises ``UserError`` for what is none of these,
    for a server that cannot be reached, and for two different functions of one name.
    """
    found: list[Tool] = []
    for item in _flat(items):
        found += mcp_tools(item) if isinstance(item, MCPServer) else [as_tool(item)]
    return _unique(found)


async def aexpand_tools(items: Iterable[object]) -> list[Tool]:
    """Do as ``expand_tools`` does without blocking the loop; all servers are connected at the same time."""
    flat = _flat(items)
    servers = list(dict.fromkeys(item for item in flat if isinstance(item, MCPServer)))
    offered = dict(zip(servers, await asyncio.gather(*map(amcp_tools, servers)), strict=True))
    found: list[Tool] = []
    for item in flat:
        found += offered[item] if isinstance(item, MCPServer) else [as_tool(item)]
    return _unique(found)


def _flat(items: object) -> list[object]:
    """Return the items one by one, with descriptions of servers and references to functions resolved."""
    if isinstance(items, str):
        return [_referred(items)]
    if isinstance(items, Mapping):
        return [_server(items)]
    if isinstance(items, McpConfig):
        return [_configured(items)]
    if isinstance(items, (Tool, MCPServer)) or callable(items) or is_smolagents_tool(items):
        return [items]
    inner = getattr(items, "tools", items)  # a smolagents ToolCollection
    if isinstance(inner, Iterable):
        return [each for item in inner for each in _flat(item)]
    return [items]


def _server(table: Mapping[Any, Any]) -> MCPServer:
    unknown = [key for key in table if key not in _SERVER_KEYS]
    if unknown:
        raise UserError(f"an MCP server has no {unknown[0]!r}; it takes {', '.join(_SERVER_KEYS)}")
    return MCPServer(**table)


def _configured(config: McpConfig) -> MCPServer:
    missing = [name for name in config.env if name not in os.environ]
    if missing:
        raise UserError(f"an MCP server in agentnb.toml needs {missing[0]}; set it in the environment before you start")
    return MCPServer(
        command=config.command,
        args=config.args,
        env={name: os.environ[name] for name in config.env} or None,
        url=config.url,
        name=config.name,
        timeout=config.timeout,
        approve=config.approve,
    )


def _referred(reference: str) -> object:
    """Return the object that ``"package.module:name"`` speaks of. Raises ``UserError`` where there is none."""
    module, colon, path = reference.partition(":")
    if not (module and colon and path):
        raise UserError(f'the tool "{reference}" is not known; write it as "package.module:function"')
    try:
        found: object = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except Exception as error:  # importing runs code that may raise anything
        raise UserError(f'the tool "{reference}" cannot be loaded ({type(error).__name__}: {error})') from error
    return found


def _unique(tools: list[Tool]) -> list[Tool]:
    """Return each tool once. Tools of servers make way for others of their name; two of the user's own cannot."""
    once: list[Tool] = []
    for each in tools:
        if not any(_is_same(each, other) for other in once):
            once.append(each)
    names = [each.name for each in once]
    renamed = [_prefixed(each) if names.count(each.name) > 1 else each for each in once]
    seen: set[str] = set()
    for each in renamed:
        if each.name in seen:
            hint = f"name one of them: tool(fn, name='{each.name}_2')"
            if _server_of(each):
                hint = "give one of the servers a name: MCPServer(..., name='docs')"
            raise UserError(f"two tools are called {each.name!r}; {hint}")
        seen.add(each.name)
    return renamed


def _is_same(one: Tool, other: Tool) -> bool:
    if one.name != other.name:
        return False
    return one is other or (one.origin is not None and _identity(one.origin) == _identity(other.origin))


def _identity(origin: Any) -> object:
    """Return what tells two origins apart; a bound method is a new object each time it is looked up."""
    if isinstance(origin, tuple):
        return origin
    owner = getattr(origin, "__self__", None)
    return id(origin) if owner is None else (id(owner), getattr(origin, "__name__", None))


def _server_of(each: Tool) -> MCPServer | None:
    origin = each.origin
    return origin[0] if isinstance(origin, tuple) and origin and isinstance(origin[0], MCPServer) else None


def _prefixed(each: Tool) -> Tool:
    server = _server_of(each)
    return each if server is None else tool(each, name=f"{server.prefix}_{each.name}")
