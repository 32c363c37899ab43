"""In the branch: tools, specialists and what else the kernel gives an agent's code, called from afar."""

from __future__ import annotations

import asyncio
import functools
import itertools
import pickle
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from agentnb.errors import Correction
from agentnb.kernel.action.interrupt import masked
from agentnb.kernel.action.pending import Pending
from agentnb.kernel.action.stage import current_stage
from agentnb.kernel.branch import post
from agentnb.kernel.branch.post import Letter
from agentnb.kernel.branch.travel import Call, Ground, Parcel, StandIn, pack, unpack
from agentnb.kernel.fork import Connection

_GLANCE = 0.05
"""Seconds after which a thread that waits looks whether another one has read its answer."""
Take = Callable[[Letter], None]


class RemoteCall(Pending, Call):
    """A call that the kernel knows by its number and begins when it is first awaited here."""

    def __init__(self, name: str, start: Callable[[], Any], number: int) -> None:
        super().__init__(name, start)
        self.number = number


class Kernel:
    """The other side, as the branch calls it. Used on the branch's main thread, but for ``call`` and ``read``."""

    def __init__(self, connection: Connection, ground: Ground, same: Container[int], take: Take) -> None:
        self._connection, self._ground, self._same, self._take = connection, ground, same, take
        self._numbers = itertools.count(1)
        self._asked: dict[int, Letter | None] = {}  # calls by their numbers, their results by those below 0
        self._reading = threading.Lock()
        self._awaited: dict[int, asyncio.Future[Letter]] = {}
        self._loop = asyncio.get_running_loop()
        self.names: dict[str, Any] = {}  # of the action under way

    def call(self, path: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call what the kernel has under ``path`` and return the result, or a call to await.

        From any thread, also while the main one waits for it; another than that one always gets the result.
        """
        parcel = pack((args, kwargs), self._ground, same=self._same)
        if (stage := current_stage.get()) is not None:
            stage.flush()  # what it prints comes after what was printed here
        number = next(self._numbers)
        answer = self._ask(number, "call", parcel, number=number, path=path)
        if answer["is_pending"] and not _is_main():
            return self._value(self._ask(-number, "await", None, number=number))
        return self._result(path, answer)

    def _ask(self, key: int, kind: str, parcel: Parcel | None, **fields: Any) -> Letter:
        """Send a letter and wait for its answer; whoever waits reads what comes for all."""
        self._asked[key] = None
        try:
            with masked:
                post.send(self._connection, kind, parcel, **fields)
            while (answer := self._asked[key]) is None:
                self._connection.wait(_GLANCE)  # here a time limit strikes
                self.read()
            return answer
        finally:
            del self._asked[key]

    def _result(self, path: tuple[Any, ...], answer: Letter) -> Any:
        if answer["is_pending"]:
            number = answer["number"]
            return RemoteCall(str(path[0]), lambda: self._wait_for(number), number)
        return self._value(answer)

    async def _wait_for(self, number: int) -> Any:
        self._awaited[number] = asyncio.get_running_loop().create_future()
        post.send(self._connection, "await", number=number)
        try:
            return self._value(await self._awaited[number])
        except asyncio.CancelledError:
            post.send(self._connection, "cancel", number=number)
            raise
        finally:
            del self._awaited[number]

    def _value(self, answer: Letter) -> Any:
        value: Any = unpack(answer.parcel, self._ground) if answer.parcel is not None else None
        if answer["failed"]:
            raise value
        return value

    def _learn(self, news: Mapping[str, Any]) -> None:
        """Specialists that are hired or dismissed while the action runs come and go at once."""
        for name in [name for name, what in news.items() if what is None]:
            self.names.pop(name, None)
        self.names.update(placed(self, {name: what for name, what in news.items() if what is not None}))

    def read(self) -> None:
        """Take what has come; from any thread. Raises ``EOFError`` where the kernel is gone."""
        with masked, self._reading:
            for message in self._connection.poll():
                self._on_letter(post.read(message))

    def _on_letter(self, letter: Letter) -> None:
        if letter.kind in ("answer", "result"):
            self._learn(letter["names"])
            key = letter["number"] if letter.kind == "answer" else -letter["number"]
            if key in self._asked:  # else its time was up
                self._asked[key] = letter
            elif letter.kind == "result":
                self._on_main(_settle, self._awaited.get(letter["number"]), letter)
        else:
            self._on_main(self._take, letter)

    def _on_main(self, work: Callable[..., None], *arguments: Any) -> None:
        if _is_main():
            work(*arguments)
        else:
            self._loop.call_soon_threadsafe(work, *arguments)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _settle(future: asyncio.Future[Letter] | None, letter: Letter) -> None:
    if future is not None and not future.done():
        future.set_result(letter)


class RemoteFunction(StandIn):
    """Stands for a function of the kernel's and runs it there."""

    def __init__(self, kernel: Kernel, name: str, doc: str | None) -> None:
        self.name = self.__name__ = self.__qualname__ = name
        self.__doc__ = doc
        self._kernel = kernel

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the kernel's function."""
        return self._kernel.call((self.name,), args, kwargs)


class RemoteMapping(Mapping[str, Any]):
    """A mapping of the kernel's, such as ``results``, whose values travel when they are asked for."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self._kernel, self._name = kernel, name

    def __getitem__(self, key: str) -> Any:
        return self._kernel.call((self._name, "__getitem__"), (key,), {})

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())

    def _keys(self) -> list[str]:
        keys: list[str] = self._kernel.call((self._name, "keys"), (), {})
        return keys


def portable(error: BaseException) -> BaseException:
    """Return the error, or one that says the same where it cannot travel."""
    try:
        same = pickle.loads(pickle.dumps(error))
    except Exception:
        return Correction(f"{type(error).__name__}: {error}")
    return error if type(same) is type(error) and str(same) == str(error) else Correction(str(error))


@functools.singledispatch
def described(value: Any) -> Any:
    """Return how a name of an agent's code is told to the branch, see ``placed``."""
    return "function", getattr(value, "__doc__", None)


@described.register
def _(value: Mapping) -> Any:  # type: ignore[type-arg]  # singledispatch wants the plain class
    return "mapping", None


def placed(kernel: Kernel, names: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    """Return what stands in the branch for the described names."""
    return {
        name: RemoteFunction(kernel, name, what) if kind == "function" else RemoteMapping(kernel, name)
        for name, (kind, what) in names.items()
    }
