"""The sessions with MCP servers, all on one background thread with an event loop of its own.

A kernel's loop can stop at any time for a long cell, and sessions have to be left by the task that entered them; so
each session is one task over there, and a call from a kernel is handed over and awaited.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from agentnb.errors import AgentnbError
from agentnb.tools.build import text_of
from agentnb.tools.mcp_server import MCPServer, error_file, open_streams

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult
    from mcp.types import Tool as ServerTool

_PING_TIMEOUT = 2.0
_CLOSE_TIMEOUT = 6.0  # a server gets 2 s to leave by itself and 2 s after SIGTERM, see mcp.client.stdio
_MOST_PAGES = 20
_CONNECTION_CLOSED = -32000
_SESSION_TERMINATED = 32600  # so written in mcp.client.streamable_http: the server no longer knows the session

T = TypeVar("T")


class ConnectError(AgentnbError):
    """A server that could not be reached; the message is the reason."""


class LostError(AgentnbError):
    """A server that went away in mid-call: whether the call took effect is unknown."""


class NotSentError(AgentnbError):
    """A call that surely never reached the server, so that it may be sent again."""


class Connection:
    """One session with one server. Lives on the hub's loop only."""

    def __init__(self, server: MCPServer) -> None:
        self.server = server
        self.tools: list[ServerTool] = []
        self._session: ClientSession | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._suspect = False
        self._lost = False
        self.task = asyncio.create_task(self._serve())

    async def opened(self) -> None:
        """Wait until the server has told its tools. Raises ``ConnectError``."""
        try:
            async with asyncio.timeout(self.server.connect_timeout):
                await self._ready
        except TimeoutError:
            self.task.cancel()
            raise ConnectError(f"no answer within {self.server.connect_timeout:g} s") from None
        except asyncio.CancelledError:
            self.task.cancel()
            raise

    async def usable(self) -> bool:
        """Tell whether calls can go out. After a call that was given up, the server has to answer a ping first."""
        if self._session is None or self._lost or self.task.done():
            return False
        if self._suspect:
            try:
                async with asyncio.timeout(_PING_TIMEOUT):
                    await self._session.send_ping()
            except Exception:
                return False
            self._suspect = False
        return True

    async def call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool. Raises ``LostError``, ``NotSentError``, or what the server answered as ``McpError``."""
        assert self._session is not None
        request = asyncio.ensure_future(self._session.call_tool(name, arguments))
        try:
            await self._answered(request)
            if not request.done():
                self._lost = True
                raise LostError("connection closed")
            return self._outcome(request)
        except asyncio.CancelledError:
            self._suspect = True
            raise
        finally:
            request.cancel()

    async def _answered(self, request: asyncio.Future[CallToolResult]) -> None:
        """Wait for the answer or the end of the session.

        A server at an address that dies in mid-call goes unnoticed by the transport until something is sent to it,
        so that a ping is on its way while the call is. A busy server may leave it unanswered.
        """
        pings: set[asyncio.Task[None]] = set()
        pause = _PING_TIMEOUT if self.server.url else None
        waited: set[asyncio.Future[Any]] = {request, self.task}
        try:
            while not (await asyncio.wait(waited, timeout=pause, return_when=asyncio.FIRST_COMPLETED))[0]:
                if not pings:
                    pings.add(ping := asyncio.create_task(self._ping()))
                    ping.add_done_callback(pings.discard)
        finally:
            for ping in pings:
                ping.cancel()

    async def _ping(self) -> None:
        assert self._session is not None
        with contextlib.suppress(Exception):  # a session that ends is seen by its task
            await self._session.send_ping()

    async def _serve(self) -> None:
        with error_file() as errors:
            try:
                await self._hold(errors)
            except (Exception, BaseExceptionGroup) as error:
                if not self._ready.done():
                    errors.seek(0)
                    last_words = errors.read()[-2000:].strip().rpartition("\n")[2]
                    self._ready.set_exception(ConnectError(last_words or _reason(error)))

    async def _hold(self, errors: Any) -> None:
        """Keep the session open until this task is cancelled or the transport breaks."""
        from mcp import ClientSession

        async with open_streams(self.server, errors) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            self.tools = await _list_tools(session)
            self._session = session
            self._ready.set_result(None)
            await asyncio.get_running_loop().create_future()

    def _outcome(self, request: asyncio.Future[CallToolResult]) -> CallToolResult:
        import anyio
        from mcp import McpError

        try:
            return request.result()
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            self._lost = True
            raise NotSentError("connection closed") from error
        except anyio.EndOfStream as error:
            self._lost = True
            raise LostError("connection closed") from error
        except McpError as error:
            if error.error.code == _SESSION_TERMINATED:
                self._lost = True
                raise NotSentError("the server has forgotten the session") from error
            if error.error.code == _CONNECTION_CLOSED:
                self._lost = True
                raise LostError("connection closed") from error
            raise


async def _list_tools(session: ClientSession) -> list[ServerTool]:
    tools: list[ServerTool] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await session.list_tools(cursor)
        tools += page.tools
        cursor = page.nextCursor
        if not cursor:
            break
    return tools


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):  # what anyio's task groups wrap everything in
        error = error.exceptions[0]
    return f"{type(error).__name__}: {text_of(error)}"


async def _cancelled(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    found = [task for task in tasks if task is not None]
    for task in found:
        task.cancel()
    await asyncio.gather(*found, return_exceptions=True)


async def _is_usable(opening: asyncio.Task[Connection]) -> bool:
    """Tell whether a finished opening has left a connection that still works; one that does not is closed."""
    if opening.cancelled() or opening.exception() is not None:
        return False
    connection = opening.result()
    if await connection.usable():
        return True
    connection.task.cancel()
    return False


class Hub:
    """The background thread, its loop, and the connections on it, one per server."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._opened: dict[MCPServer, asyncio.Task[Connection]] = {}
        self._sessions: set[asyncio.Task[None]] = set()
        self._locks: defaultdict[MCPServer, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._thread = threading.Thread(target=self._loop.run_forever, name="agentnb-mcp", daemon=True)
        self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run ``coroutine`` over there. Cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def tools(self, server: MCPServer) -> list[ServerTool]:
        """Return what ``server`` offers, connecting where needed. Raises ``ConnectError``."""
        return (await self._connected(server)).tools

    async def call(self, server: MCPServer, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool; connects again, once, where the call could not be sent.

        Raises ``ConnectError``, ``LostError``, ``NotSentError`` or ``McpError``.
        """
        connection = await self._connected(server)
        with contextlib.suppress(NotSentError):
            return await connection.call(name, arguments)
        connection = await self._connected(server)
        return await connection.call(name, arguments)

    def close(self) -> None:
        """End all sessions and their processes, and the thread. Takes a few seconds where a server does not listen."""
        closing = self.submit(self._close())
        with contextlib.suppress(TimeoutError):
            closing.result(_CLOSE_TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._loop.close()

    async def _connected(self, server: MCPServer) -> Connection:
        async with self._locks[server]:
            opening = self._opened.get(server)
            if opening is None or (opening.done() and not await _is_usable(opening)):
                opening = self._opened[server] = asyncio.create_task(self._open(server))
        return await asyncio.shield(opening)  # a caller that gives up leaves the connection to the next one

    async def _open(self, server: MCPServer) -> Connection:
        connection = Connection(server)
        self._sessions.add(connection.task)
        connection.task.add_done_callback(self._sessions.discard)
        await connection.opened()
        return connection

    async def _close(self) -> None:
        """Let the sessions end in order, then what still waits for them."""
        self._opened.clear()
        sessions = list(self._sessions)
        await _cancelled(sessions)
        await _cancelled(asyncio.all_tasks() - {asyncio.current_task()})
