"""The kernel's side of one action of a branch: takes its outputs, makes the calls that its code asks for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

from agentnb.errors import Correction
from agentnb.kernel.action.cell import PREFIX
from agentnb.kernel.action.interrupt import ActionTimeout, Stopped
from agentnb.kernel.action.names import given
from agentnb.kernel.action.pending import Pending
from agentnb.kernel.action.stage import Stage, current_stage
from agentnb.kernel.branch import post
from agentnb.kernel.branch.post import Letter
from agentnb.kernel.branch.remote import described, portable
from agentnb.kernel.branch.travel import Ground, Parcel, pack, unpack
from agentnb.kernel.port import Sink
from agentnb.kernel.shell import Shell
from agentnb.kernel.turn import Turn

_CALL = compile("call(*args, **kwargs)", f"{PREFIX}call from a branch>", "eval")
"""Under a file name of agents' code, so that interrupts and time limits strike in it."""


class Clock(Protocol):
    """Keeps the time that an action may run."""

    def begin(self, timeout: float | None) -> None:
        """An action begins that may run for ``timeout`` seconds."""

    def end(self) -> None:
        """The action has ended."""

    def pause(self) -> None:
        """The action waits for the kernel."""

    def go_on(self) -> None:
        """The action does not wait any more; the wait does not count."""


class Host:
    """Lives as long as the action; ``done`` is its last letter."""

    def __init__(
        self,
        shell: Shell,
        ground: Ground,
        link: post.Link,
        clock: Clock,
        names: dict[str, Any],
        sink: Sink,
        turn: Turn,
    ) -> None:
        self._shell, self._ground, self._link, self._clock = shell, ground, link, clock
        self._names, self._sink, self._turn = names, sink, turn
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Letter] = self._loop.create_future()
        self.told: dict[str, Any] = {}  # the names that the branch knows, as they are told to it
        self._places: dict[int, int] = {}
        self._calls: dict[int, Pending] = {}
        self._work: dict[int, asyncio.Task[None]] = {}
        self._ways: dict[str, Callable[[Letter], object]] = {
            "output": self._on_output,
            "clear": lambda letter: self._sink.clear(),
            "note": lambda letter: self._sink.note(letter["text"]),
            "late": lambda letter: self._sink.late(letter["output"]),
            "call": lambda letter: self._start(letter, self._on_call(letter)),
            "await": lambda letter: self._start(letter, self._on_await(letter)),
            "cancel": self._on_cancel,
        }

    def take(self, letter: Letter) -> None:
        """Act on a letter from the branch."""
        way = self._ways.get(letter.kind)
        if way is not None:
            way(letter)
        elif not self.done.done():
            self.done.set_result(letter)

    def close(self) -> None:
        """The action is over: nobody waits for what it asked for."""
        for work in self._work.values():
            work.cancel()

    def _on_output(self, letter: Letter) -> None:
        index = letter["index"]
        place = self._sink.add(letter["output"], None if index is None else self._places.get(index))
        self._places[letter["place"]] = place

    def _start(self, letter: Letter, work: Any) -> None:
        if not self._work:
            self._clock.pause()
        number: int = letter["number"]
        task = self._work[number] = self._loop.create_task(work)

        def over(_: Any) -> None:
            if self._work.get(number) is task:
                del self._work[number]
            if not self._work:
                self._clock.go_on()

        task.add_done_callback(over)

    def _on_cancel(self, letter: Letter) -> None:
        work = self._work.get(letter["number"])
        if work is not None:
            work.cancel()

    async def _on_call(self, letter: Letter) -> None:
        number = letter["number"]
        try:
            value = await self._call(letter)
        except Stopped as stopped:
            raise asyncio.CancelledError(str(stopped)) from None
        except ActionTimeout as late:
            self._reply("answer", number, Correction(str(late)), failed=True)
            return
        except Exception as error:
            self._reply("answer", number, portable(error), failed=True)
            return
        if isinstance(value, Pending):
            value.detach()
            self._calls[number] = value
            self._send("answer", None, number=number, is_pending=True, failed=False)
        else:
            self._reply("answer", number, value)

    async def _call(self, letter: Letter) -> Any:
        name, *rest = letter["path"]
        args, kwargs = unpack(letter.parcel, self._ground, self._calls) if letter.parcel else ((), {})
        target = self._names.get(name)
        if target is None:
            raise Correction(f"there is no `{name}` any more")
        if rest:  # of a mapping
            return list(target) if rest == ["keys"] else target[args[0]]
        async with self._turn:  # a tool runs on the kernel's main thread, between the user's cells
            stage = Stage(self._shell, self._ground.namespace, self._names, self._sink, turn=self._turn)
            token = current_stage.set(stage)
            try:
                return await stage.drive(_run(target, args, kwargs))
            finally:
                current_stage.reset(token)
                stage.finish()

    async def _on_await(self, letter: Letter) -> None:
        number = letter["number"]
        try:
            value = await self._calls[number]
        except Exception as error:
            self._reply("result", number, portable(error), failed=True)
        else:
            self._reply("result", number, value)

    def _reply(self, kind: str, number: int, value: Any, *, failed: bool = False) -> None:
        try:
            parcel = pack(value, self._ground)
        except Exception as error:
            reason = f"what came back cannot travel into the branch ({type(error).__name__}: {error})"
            parcel, failed = pack(Correction(reason), self._ground), True
        self._send(kind, parcel, number=number, is_pending=False, failed=failed)

    def news(self) -> dict[str, Any]:
        """Return the names that the branch is to know from now on, None for those that are no more."""
        now = {name: described(value) for name, value in given(self._names).items()}
        news = {name: what for name, what in now.items() if self.told.get(name) != what}
        news |= dict.fromkeys(self.told.keys() - now.keys())
        self.told = now
        return news

    def _send(self, kind: str, parcel: Parcel | None, **fields: Any) -> None:
        fields["names"] = self.news()
        with contextlib.suppress(OSError):  # the branch just died; its end is read elsewhere
            post.send(self._link, kind, parcel, **fields)


async def _run(target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return eval(_CALL, {"call": target, "args": args, "kwargs": kwargs})
