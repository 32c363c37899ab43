"""A call to a specialist begins when it is first awaited, gives its result to all who wait, and is not forgotten."""

import asyncio

import pytest

from agentnb.kernel.action.pending import Pending
from agentnb.kernel.action.stage import tasks_on_stage
from tests.unit.kernel.actions import Pause, act, stage_over


class Desk:
    """Calls a specialist that answers in capitals, and counts how often its work begins."""

    def __init__(self):
        self.begun = []

    def __call__(self, task):
        async def work():
            self.begun.append(task)
            await asyncio.sleep(0)
            return task.upper()

        return Pending("desk", work)


async def acted(code, desk):
    stage = stage_over(names={"desk": desk})
    with tasks_on_stage(asyncio.get_running_loop()):
        return await act(code, stage)


@pytest.mark.parametrize(
    "code",
    [
        "[await desk('a'), await desk('b')]",
        "await asyncio.gather(desk('a'), desk('b'))",
        "ts = [asyncio.create_task(desk(x)) for x in 'ab']\n[await t for t in ts]",
        "async with asyncio.TaskGroup() as g:\n    ts = [g.create_task(desk(x)) for x in 'ab']\n[await t for t in ts]",
        "[await asyncio.wait_for(desk(x), 9) for x in 'ab']",
        "[await t for t in asyncio.as_completed([desk('a')])] + [await desk('b')]",
    ],
)
async def test_every_way_to_wait_gives_the_results(code):
    desk = Desk()
    _, outcome = await acted(code, desk)
    assert outcome.error is None
    assert outcome.value == ["A", "B"]
    assert sorted(desk.begun) == ["a", "b"]
    assert outcome.notes == []


async def test_awaited_twice_it_works_once():
    desk = Desk()
    _, outcome = await acted("call = desk('a')\n[await call, await call, *await asyncio.gather(call, call)]", desk)
    assert outcome.value == ["A"] * 4
    assert desk.begun == ["a"]


async def test_calls_that_were_forgotten_are_awaited_and_put_in_their_place():
    desk = Desk()
    stage, outcome = await acted("one = desk('a')\nsame = one\ndesk('b')\ndesk('c')", desk)
    assert sorted(desk.begun) == ["a", "b", "c"]
    assert (stage.namespace["one"], stage.namespace["same"], outcome.value) == ("A", "A", "C")
    assert len(outcome.notes) == 3
    assert all("`desk(...)` was not awaited" in note for note in outcome.notes)


async def test_a_coroutine_of_the_codes_own_as_closing_expression_is_awaited():
    _, outcome = await acted("async def f():\n    return 3\nf()", Desk())
    assert outcome.value == 3
    assert "not awaited" in outcome.notes[0]


async def test_nothing_is_said_of_calls_that_were_awaited_or_begun():
    desk = Desk()
    stage, outcome = await acted(
        "x = await desk('a')\nt = asyncio.create_task(desk('b'))\nawait asyncio.sleep(0)", desk
    )
    assert outcome.notes == []
    assert stage.namespace["x"] == "A"
    assert await stage.namespace["t"] == "B"


@pytest.mark.parametrize("code", ["await bad()", "x = bad()"])
async def test_its_error_is_the_actions(code):
    async def work():
        raise LookupError("no such file")

    _, outcome = await act(code, stage_over(names={"bad": lambda: Pending("bad", work)}))
    assert isinstance(outcome.error, LookupError)
    assert outcome.report.message == "no such file"


async def test_only_the_last_to_give_up_cancels_it():
    pause = Pause()
    ended = []

    async def work():
        try:
            await pause()
        finally:
            ended.append(True)

    call = Pending("desk", work)
    waiting = [asyncio.create_task(call.wait()) for _ in range(2)]
    await pause.reached.wait()
    for task, over in zip(waiting, ([], [True]), strict=True):
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0)
        assert ended == over


async def test_one_who_stays_gets_the_result():
    pause = Pause()

    async def work():
        await pause()
        return "kept"

    call = Pending("desk", work)
    leaves, stays = (asyncio.create_task(call.wait()) for _ in range(2))
    await pause.reached.wait()
    leaves.cancel()
    await asyncio.wait([leaves])
    pause.over.set()
    assert await stays == "kept"
    assert await call == "kept"


async def test_it_has_not_begun_before_it_is_awaited_and_may_be_closed():
    desk = Desk()
    call = desk("a")
    assert not call.begun
    assert "await desk(...)" in repr(call)
    call.close()
    assert desk.begun == []
    assert await call == "A"
    assert call.begun
