"""Commands reach the run, on its loop or at once, and each gets one reply."""

import asyncio
import gc
import threading
import weakref

import pytest

from agentnb.errors import UserError
from agentnb.page.desk import Desk
from agentnb.page.feed import Feed
from agentnb.record.document import PlanItem


class Run:
    """A run that notes what it is told, and on which thread."""

    id = "r"

    def __init__(self):
        self.status = "running"
        self.done = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def act(*args, **kwargs):
            self.done.append((name, args, kwargs, threading.current_thread()))

        return act

    @property
    def staff(self):
        return self


class Undoing(Run):
    def undo(self, step=None):
        assert threading.current_thread() is not threading.main_thread()
        if step == "bad":
            raise UserError("step 'bad' cannot be undone; undo a later one first")
        self.done.append(("undo", step))
        return "put back: x"


class Fixture:
    def __init__(self, run):
        self.run, self.replies = run, []
        self.desk = Desk(run, Feed("r", lambda: None), asyncio.get_running_loop())
        self.subscription = self.desk.feed.subscribe(lambda message: None)

    def send(self, name, **arguments):
        message = {"kind": "command", "id": "7", "name": name, **arguments}
        self.desk.take(message, self.replies.append, self.subscription)

    async def ask(self, name, **arguments):
        """Send from another thread, as a subshell does."""
        await asyncio.to_thread(self.send, name, **arguments)
        while not self.replies:
            await asyncio.sleep(0.001)
        (reply,) = self.replies
        self.replies.clear()
        return reply


async def test_stop_is_done_on_the_spot_and_the_rest_on_the_loop():
    at = Fixture(Run())
    await asyncio.to_thread(at.send, "stop")
    await asyncio.to_thread(at.send, "pause")
    await asyncio.sleep(0)
    here = threading.current_thread()
    assert [(name, thread is here) for name, _, _, thread in at.run.done] == [("stop", False), ("pause", True)]
    assert [reply["ok"] for reply in at.replies] == [True, True]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("say", {"text": "hi"}, ("say", ("hi",), {"to": None})),
        ("say", {"text": "hi", "to": "quant"}, ("say", ("hi",), {"to": "quant"})),
        (
            "hire",
            {"agent": "ann", "role": "adds", "settings": {"model": "openai/x"}},
            ("hire", ("ann", "adds", {"model": "openai/x"}), {"by": "user"}),
        ),
        ("change", {"agent": "ann", "settings": {"role": "y"}}, ("change", ("ann", {"role": "y"}), {"by": "user"})),
        ("dismiss", {"agent": "ann"}, ("dismiss", ("ann",), {"by": "user"})),
        ("budget", {"spec": "100k"}, ("set_budget", ("100k",), {"by": "user"})),
        (
            "answer",
            {"request": "q", "status": "allowed", "plan": [{"agent": "a", "brief": "b"}]},
            (
                "answer",
                ("q", "allowed"),
                {
                    "text": "",
                    "code": None,
                    "plan": [PlanItem(agent="a", brief="b")],
                    "for_run": False,
                    "by": "user",
                },
            ),
        ),
    ],
)
async def test_commands_are_the_runs_own_methods(name, arguments, expected):
    at = Fixture(Run())
    reply = await at.ask(name, **arguments)
    assert reply == {"kind": "reply", "id": "7", "ok": True, "text": "", "data": None}
    assert at.run.done[0][:3] == expected


async def test_undo_may_wait_and_is_answered_with_what_came_of_it():
    at = Fixture(Undoing())
    reply = await at.ask("undo", step="s1")
    assert (reply["ok"], reply["text"]) == (True, "put back: x")
    assert at.run.done == [("undo", "s1")]
    assert (await at.ask("undo", step="bad"))["text"].startswith("step 'bad' cannot be undone")


async def test_a_fault_of_ours_is_told_as_one(caplog):
    class Broken(Run):
        def pause(self):
            raise RuntimeError("oh")

    reply = await Fixture(Broken()).ask("pause")
    assert not reply["ok"]
    assert "RuntimeError: oh" in reply["text"]
    assert "oh" in caplog.text


async def test_an_ended_run_is_let_go_and_takes_what_is_for_ended_ones_while_someone_holds_it():
    at = Fixture(Undoing())
    at.run.status = "done"
    at.desk.release()
    assert "the run has ended (done)" in (await at.ask("pause"))["text"]
    assert (await at.ask("undo"))["ok"]
    held = weakref.ref(at.run)
    del at.run
    gc.collect()
    assert held() is None
    assert "run its cell again" in (await at.ask("undo"))["text"]
    assert (await at.ask("cells"))["ok"]
