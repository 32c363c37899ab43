"""How an MCP server is named and reached."""

from __future__ import annotations

import math
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, TextIO
from urllib.parse import urlsplit

from agentnb.errors import UserError
from agentnb.record.document import Approval
from agentnb.tools.build import identifier

INSTALL = 'MCP servers need one more package; install it with: pip install "agentnb[mcp]"'


@dataclass(frozen=True, kw_only=True, eq=False)
class MCPServer:
    """An MCP server as a source of tools: a program that speaks over stdio, or an address.

    ``command`` is started with ``args``; it sees a few harmless variables of the environment (``PATH``, ``HOME``, ...)
    and those of ``env``. ``url`` is streamable HTTP, or SSE where it ends in ``/sse``, asked with ``headers``. ``name``
    shows in messages, and goes before a tool's name where two tools would have the same. ``timeout`` is in seconds, for
    each call; connecting gets 30 s where that is more. With ``approve="ask"`` the person allows each call. Raises
    ``UserError`` unless there is either a ``command`` or a ``url``.
    """

    command: str | None = None
    args: Sequence[str] = ()
    env: Mapping[str, str] | None = field(default=None, repr=False)  # may hold keys
    url: str | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)  # may hold keys
    name: str | None = None
    timeout: float = 30.0
    approve: Approval = "auto"

    def __post_init__(self) -> None:
        if (self.command is None) == (self.url is None):
            raise UserError(
                'an MCP server needs a command or a url: MCPServer(command="uvx", args=["mcp-server-fetch"])'
            )
        if isinstance(self.args, str):
            raise UserError(
                f"args is a list of strings; write MCPServer(command={self.command!r}, args=[{self.args!r}])"
            )
        if not (math.isfinite(self.timeout) and self.timeout > 0):
            raise UserError("the timeout of an MCP server is in seconds and more than 0, for instance timeout=30")
        object.__setattr__(self, "args", tuple(map(str, self.args)))

    @property
    def connect_timeout(self) -> float:
        """Seconds to connect in; starting a program takes its time however short the calls are."""
        return max(30.0, self.timeout)

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two servers the same one, so that they share a connection."""
        env = tuple(sorted((self.env or {}).items()))
        return (self.command, self.args, env, self.url, tuple(sorted((self.headers or {}).items())))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MCPServer) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def label(self) -> str:
        """The server in a message: its name, its address, or its program. Arguments may hold keys and stay out."""
        if self.name:
            return self.name
        if self.url:
            return urlsplit(self.url).netloc.rpartition("@")[2] or "server"
        script = next((arg for arg in self.args if not arg.startswith("-")), "")
        return PurePath(script or self.command or "server").stem

    @property
    def prefix(self) -> str:
        """What goes before the name of a tool that would not be unique."""
        return identifier(self.label, "mcp")


@asynccontextmanager
async def open_streams(server: MCPServer, errors: TextIO) -> AsyncIterator[tuple[Any, Any]]:
    """Open the transport and yield its read and its write stream; the program's stderr goes to ``errors``."""
    if server.url is None:
        from mcp import StdioServerParameters
        from mcp.client.stdio import stdio_client

        assert server.command is not None
        env = dict(server.env) if server.env is not None else None
        parameters = StdioServerParameters(command=server.command, args=list(server.args), env=env)
        async with stdio_client(parameters, errlog=errors) as (read, write):
            yield read, write
    elif urlsplit(server.url).path.rstrip("/").endswith("/sse"):
        from mcp.client.sse import sse_client

        async with sse_client(server.url, headers=dict(server.headers or {})) as (read, write):
            yield read, write
    else:
        async with _http_streams(server.url, dict(server.headers or {})) as (read, write):
            yield read, write


@asynccontextmanager
async def _http_streams(url: str, headers: dict[str, str]) -> AsyncIterator[tuple[Any, Any]]:
    from mcp.client import streamable_http
    from mcp.shared._httpx_utils import create_mcp_http_client

    if hasattr(streamable_http, "streamable_http_client"):
        async with (
            create_mcp_http_client(headers=headers) as client,
            streamable_http.streamable_http_client(url, http_client=client) as (read, write, _),
        ):
            yield read, write
    else:  # mcp before 1.24 has it under the older name
        async with streamable_http.streamablehttp_client(url, headers=headers) as (read, write, _):
            yield read, write


def error_file() -> TextIO:
    """Return a file for a server's stderr; a notebook's own stderr is no file that a process could write to."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
