"""The kernel's side of Dask: whose cluster it is, what was scattered on it, and the line to a seat on a worker."""

from __future__ import annotations

import asyncio
import concurrent.futures
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from agentnb.errors import UserError
from agentnb.kernel.branch.away import how_it_ended
from agentnb.kernel.dask.freight import Freight
from agentnb.kernel.dask.seat import Parting, Seat, deliver, versions
from agentnb.kernel.fork import Message

Client = Any
"""``distributed.Client``, which is loaded where it is needed and has few types."""
_LOOK = 1.0
"""Seconds between two looks at whether a worker is still there."""
_CONNECT = 10.0
_MISSING = 'mode="dask" needs Dask: type `%pip install "agentnb[dask]"`'
_NO_CLIENT = (
    "there is no Dask cluster to work on: type `from distributed import Client; client = Client(address)`, or set "
    'address = "tcp://..." under [dask] in agentnb.toml'
)
_own: dict[str, Client] = {}


def check(address: str | None) -> None:
    """Raise ``UserError`` where Dask is not installed, or no cluster is known."""
    if _current() is None and not _address(address):
        raise UserError(_NO_CLIENT)


def _current() -> Any:
    try:
        import distributed.client as dask
    except ImportError:
        raise UserError(_MISSING) from None
    try:
        client: Any = dask.Client
        return client.current()
    except ValueError:
        return None


def _address(configured: str | None) -> str | None:
    import dask

    address: str | None = configured or dask.config.get("scheduler-address", None)
    return address


async def find_client(address: str | None) -> Client:
    """Return the notebook's own client, else one for the address that is configured.

    Raises ``UserError`` where there is neither, or nobody answers at the address.
    """
    current = _current()
    if current is not None:
        return current
    where = _address(address)
    if where is None:
        raise UserError(_NO_CLIENT)
    client = _own.get(where)
    if client is None or client.status != "running":
        from distributed import Client as Connected

        try:
            client = await asyncio.to_thread(Connected, where, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UserError(f"no Dask scheduler answers at {where} ({error}); check [dask] in agentnb.toml") from None
        _own[where] = client
    return client


def unfit(theirs: dict[str, str]) -> str | None:
    """Return why a worker with these versions cannot be worked on from here, None where it can."""
    ours = versions()
    differ = [f"{name} {theirs.get(name)} (here {value})" for name, value in ours.items() if theirs.get(name) != value]
    if not differ:
        return None
    return f"the Dask worker has {' and '.join(differ)}; give workers and notebook the same versions"


class Cluster:
    """The client of one run. ``scattered`` holds what is on the workers already, by what tells that it is the same."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.scattered: dict[Any, Any] = {}

    def forget(self) -> None:
        """Let the workers drop what was scattered."""
        self.scattered.clear()

    def do(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        """Run a coroutine on the client's loop, and return its future for this one."""
        return asyncio.wrap_future(self._begin(work))

    def do_sometime(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine for which nobody waits; it is dropped where the client was closed."""
        with suppress(RuntimeError):
            self._begin(work)

    def _begin(self, work: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        try:
            return asyncio.run_coroutine_threadsafe(work, self.client.loop.asyncio_loop)
        except RuntimeError:  # the loop was closed
            work.close()
            raise

    async def seat(self, owner: str, memory: int | None) -> Line:
        """Open a seat on the worker that Dask chooses, whose process may take ``memory`` bytes.

        Raises ``UserError`` where that cannot be.
        """
        key = f"agentnb-{owner}-{uuid.uuid4().hex[:8]}"
        try:
            line = Line(self, key, *await self.do(self._open(key, owner, memory)))
        except Exception as error:
            raise UserError(
                f"no Dask worker takes the task ({type(error).__name__}: {error}); workers need agentnb "
                f"{versions()['agentnb']} and the libraries of your variables"
            ) from None
        if reason := unfit(line.versions):
            line.close()
            raise UserError(reason)
        return line

    async def _open(self, key: str, owner: str, memory: int | None) -> tuple[Any, Any, dict[str, str]]:
        future = self.client.submit(Seat, key, actor=True, key=key, pure=False)
        try:
            with self.client.as_current():  # an actor looks for its client there
                actor = await future
                return future, actor, await actor.open(owner, memory)
        except BaseException:
            await self.drop(future)
            raise

    async def drop(self, future: Any) -> None:
        """Let the worker forget an actor: to forget its future is not enough, its handle keeps another."""
        with suppress(Exception):  # the cluster is gone
            await self.client.cancel([future], force=True)

    async def deliver(self, key: str, worker: str, freight: Freight, same: Any) -> None:
        """Bring a large message to a seat, scattered once however many seats get it."""
        if same not in self.scattered:
            named = await self.client.scatter({f"agentnb-freight-{uuid.uuid4().hex}": freight}, hash=False)
            self.scattered[same] = next(iter(named.values()))
        await self.client.submit(deliver, key, self.scattered[same], workers=[worker], pure=False, priority=100)


class Line:
    """Letters to and from a seat, in their order. Used on the kernel's loop only."""

    def __init__(self, cluster: Cluster, key: str, future: Any, actor: Any, theirs: dict[str, str]) -> None:
        self._cluster, self._key, self._held = cluster, key, [future, actor]
        self.versions = theirs
        self.worker: str = actor._address
        self._outbox: asyncio.Queue[Callable[[], Awaitable[Any]]] = asyncio.Queue()
        self._work: list[asyncio.Task[None]] = []
        self._take: Callable[[Message], None]
        self._lost: Callable[[str, str], object]

    def start(self, take: Callable[[Message], None], lost: Callable[[str, str], object]) -> None:
        """Begin: ``take`` gets what comes, ``lost`` why nothing comes any more and what the process said last."""
        self._take, self._lost = take, lost
        self._work = [asyncio.ensure_future(self._guarded(work)) for work in (self._receive, self._send, self._look)]

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # cancelled by others: the client was closed
            self._lost(f"its worker {self.worker} cannot be reached ({type(error).__name__})", "")

    async def _receive(self) -> None:
        while True:
            came = await self._cluster.do(self._call("next"))
            if isinstance(came, Parting):
                self._lost(came.verdict or how_it_ended(came.reason, came.said), came.said)
                return
            for freight in came:
                self._take(freight.message())

    async def _send(self) -> None:
        while True:
            await (await self._outbox.get())()

    async def _look(self) -> None:
        """A call to an actor whose worker was killed may wait for ever."""
        while await self._cluster.do(self._is_there()):
            await asyncio.sleep(_LOOK)
        self._lost(f"its worker {self.worker} is gone", "")

    def send(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Send a message, as a ``Connection`` does."""
        freight = Freight.of(data, fds)
        self._outbox.put_nowait(lambda: self._cluster.do(self._call("post", freight)))

    def send_once(self, same: Any, freight: Freight | None) -> None:
        """Send a large message by way of the workers' own memory; ``freight`` may be None where it is there already."""
        self._outbox.put_nowait(
            lambda: self._cluster.do(self._cluster.deliver(self._key, self.worker, freight or Freight(b""), same))
        )

    def close(self) -> None:
        """End the process on the worker and let the seat go."""
        for work in self._work:
            work.cancel()
        if self._held:
            self._cluster.do_sometime(self._leave())

    async def _leave(self) -> None:
        with suppress(Exception):  # its worker is gone, or the cluster
            await asyncio.wait_for(self._call("close"), _CONNECT)
        await self._cluster.drop(self._held[0])
        self._held.clear()

    async def _call(self, method: str, *args: Any) -> Any:
        _, actor = self._held
        with self._cluster.client.as_current():
            return await getattr(actor, method)(*args)

    async def _is_there(self) -> bool:
        info = await self._cluster.client.scheduler.identity(n_workers=-1)
        return self.worker in info["workers"]
