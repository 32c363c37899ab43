"""Where the commands of the pages of one run are carried out, each with a reply."""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from collections.abc import Callable, Mapping
from typing import Any, cast

from agentnb.errors import UserError
from agentnb.page import orders
from agentnb.page.feed import Feed, Subscription
from agentnb.page.port import Accountable, Send, Steered
from agentnb.record.document import FINAL
from agentnb.record.read import read_record

logger = logging.getLogger("agentnb")

BY = "user"
_HERE = (orders.Resync, orders.Stop, orders.Cells, orders.Replay, orders.Bundle)
"""What is done on the thread that the command comes on; the rest waits for the run's loop."""
_OF_ENDED = (orders.Resync, orders.Cells, orders.Replay, orders.Undo)


class Desk:
    """Takes commands for one run, from any thread. An ended run is held by those alone who still use it."""

    def __init__(self, run: Steered, feed: Feed, loop: asyncio.AbstractEventLoop) -> None:
        self.feed = feed
        self._loop = loop
        self._run: Steered | None = run
        self._ended: weakref.ref[Steered] = weakref.ref(run)

    def release(self) -> None:
        """Let go of the run and of the objects that it holds: it has ended."""
        self._run = None

    def attend(self) -> Callable[[], None]:
        """Tell the run that a page is there in which the person can answer; return the function that ends this."""
        run = self._run
        return cast("Accountable", run).attend() if run is not None else lambda: None

    def take(self, message: Mapping[str, Any], reply: Send, subscription: Subscription) -> None:
        """Carry out a command and send its reply, now or when the run's loop has come to it. Raises nothing."""
        answer = _Answer(str(message.get("id", "")), reply)
        with answer:
            order = orders.read_order(message)
            if isinstance(order, _HERE):
                answer.give(self._here(order, subscription))
            else:
                self._loop.call_soon_threadsafe(self._on_loop, order, answer)

    def _here(self, order: orders.AnyOrder, subscription: Subscription) -> Any:
        match order:
            case orders.Resync():
                self.feed.resync(subscription)
            case orders.Stop():
                self._going(order).stop()
            case orders.Cells() | orders.Replay() | orders.Bundle():
                return self._take_away(order)
        return None

    def _take_away(self, order: orders.Cells | orders.Replay | orders.Bundle) -> Any:
        # nbformat takes time to load
        from agentnb.page.takeaway import display_bundle, replay_source, run_cells, step_cells

        record = read_record(self.feed.snapshot())
        if isinstance(order, orders.Bundle):
            return display_bundle(record)
        if isinstance(order, orders.Replay):
            return replay_source(record)
        return step_cells(record, order.step) if order.step else run_cells(record)

    def _on_loop(self, order: orders.AnyOrder, answer: _Answer) -> None:
        with answer:
            outcome = self._carry_out(order, self._going(order))
            if inspect.isawaitable(outcome):
                _keep(asyncio.ensure_future(answer.wait(outcome)))
            else:
                answer.give(None)

    def _carry_out(self, order: orders.AnyOrder, run: Steered) -> Any:
        match order:
            case orders.Pause():
                return run.pause()
            case orders.Resume():
                return run.resume()
            case orders.Say(text=text, to=to):
                return run.say(text, to=to or None)
            case orders.Undo(step=step):  # elsewhere, for it waits for a turn between two cells
                return asyncio.to_thread(run.undo, step or None)
            case orders.Answer() | orders.SetBudget():
                return self._account(order, cast("Accountable", run))
            case _:
                return self._staff(order, run)

    def _account(self, order: orders.Answer | orders.SetBudget, run: Accountable) -> Any:
        if isinstance(order, orders.SetBudget):
            return run.set_budget(order.spec, by=BY)
        return run.answer(
            order.request,
            order.status,
            text=order.text,
            code=order.code,
            plan=order.plan,
            for_run=order.for_run,
            by=BY,
        )

    def _staff(self, order: orders.AnyOrder, run: Steered) -> None:
        match order:
            case orders.Hire(agent=agent, role=role, settings=settings):
                given = settings.given()
                run.staff.hire(agent, given.pop("role", role) or role, given, by=BY)
            case orders.Change(agent=agent, settings=settings):
                run.staff.change(agent, settings.given(), by=BY)
            case orders.Dismiss(agent=agent):
                run.staff.dismiss(agent, by=BY)

    def _going(self, order: orders.AnyOrder) -> Steered:
        run = self._run or self._ended()
        if run is None:
            raise UserError("the objects of this run are gone; run its cell again")
        if run.status in FINAL and not isinstance(order, _OF_ENDED):
            raise UserError(f"the run has ended ({run.status}); ask on with %%agents")
        return run


class _Answer:
    """The reply to one command; as a context, it says what went wrong."""

    def __init__(self, command: str, reply: Send) -> None:
        self._command, self._reply = command, reply

    def give(self, data: Any, *, ok: bool = True, text: str = "") -> None:
        self._reply({"kind": "reply", "id": self._command, "ok": ok, "text": text, "data": data})

    async def wait(self, outcome: Any) -> None:
        with self:
            came = await outcome
            self.give(None, text="" if came is None else str(came))

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if not isinstance(error, Exception):
            return False
        if isinstance(error, UserError):
            text = str(error)
        else:
            logger.error("a command of the page failed", exc_info=error)
            text = f"that failed inside agentnb ({type(error).__name__}: {error}); the kernel's log has more"
        self.give(None, ok=False, text=text)
        return True


_waiting: set[asyncio.Future[Any]] = set()


def _keep(task: asyncio.Future[Any]) -> None:
    """A loop holds its tasks weakly."""
    _waiting.add(task)
    task.add_done_callback(_waiting.discard)
