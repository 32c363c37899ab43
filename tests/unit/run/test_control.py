"""The person takes part: stop, pause, say, questions."""

import asyncio

import pytest

from agentnb.errors import UserError
from agentnb.record.events import ActionStarted, ReplyEnded, RunEnded, RunStatusChanged, StepEnded, StepStarted
from agentnb.testing import ScriptedModel
from tests.support.scripts import acting, code, final, told
from tests.unit.run.test_limits import open_tasks
from tests.unit.run.test_team import go, team

PATIENCE = 20


def start(desk, **options):
    return desk.start("Do it.", show=False, **{"namespace": {}, **options})


async def when(run, kind, number=1):
    """Wait for the n-th event of a kind."""
    seen, there = 0, asyncio.Event()

    def listen(event, record):
        nonlocal seen
        seen += isinstance(event, kind)
        if seen >= number:
            there.set()

    end = run.subscribe(listen)
    await asyncio.wait_for(there.wait(), PATIENCE)
    end()


def at(run, kind, act, number=1):
    """Call ``act`` at the n-th event of a kind."""
    seen = 0

    def listen(event, record):
        nonlocal seen
        seen += isinstance(event, kind)
        if seen == number and isinstance(event, kind):
            act()

    run.subscribe(listen)


async def stopped(run):
    ends = []
    run.subscribe(lambda event, record: ends.append(event.status) if isinstance(event, RunEnded) else None)
    run.stop()
    await asyncio.wait_for(run, PATIENCE)
    assert ends == ["cancelled"]
    assert run.status == "cancelled"
    assert run.record.reason == "stopped by the person"
    assert run.result is None
    assert open_tasks(run) == []


async def test_stop_in_a_model_call():
    slow = ScriptedModel([final("1")], latency=1.0)
    run = start(team(slow))
    await when(run, StepStarted)
    await stopped(run)


async def test_stop_in_an_await():
    run = start(team(acting(lead=[code("await asyncio.sleep(60)")])))
    await when(run, ActionStarted)
    await stopped(run)
    assert run.steps[0].status == "cancelled"


async def test_stop_in_code_that_never_ends():
    run = start(
        team(acting(lead=[code("import os, signal", "os.kill(os.getpid(), signal.SIGINT)", "while True: pass")]))
    )
    await asyncio.wait_for(run, PATIENCE)
    assert run.status == "cancelled"
    assert open_tasks(run) == []


async def test_stop_with_specialists_at_work_in_nested_awaits():
    lead = [code("await asyncio.gather(a('do'), b('do'))")]
    run = start(
        team(acting(lead=lead, a=[code("await asyncio.sleep(60)")], b=[code("await asyncio.sleep(60)")]), "a", "b")
    )
    await when(run, ActionStarted, 3)
    await stopped(run)
    assert {task.status for task in run.tasks} == {"cancelled"}


async def test_code_that_swallows_the_stop_is_stopped_again():
    lead = [
        code(
            "while True:",
            "    try:",
            "        await asyncio.sleep(60)",
            "    except asyncio.CancelledError:",
            "        n = 1",
            "        if 'once' in globals(): raise",
            "        once = 1",
        )
    ]
    run = start(team(acting(lead=lead)))
    await when(run, ActionStarted)
    await stopped(run)


async def test_nothing_runs_while_it_is_paused():
    model = acting(lead=[code("x = 1"), final("x")])
    run = start(team(model))
    run.pause()
    assert run.status == "paused"
    for _ in range(20):
        await asyncio.sleep(0)
    assert model.calls == []
    run.resume()
    assert run.status == "running"
    assert (await run).result == 1


async def test_a_paused_run_can_be_stopped():
    run = start(team(acting(lead=[final("1")])))
    run.pause()
    await stopped(run)


async def test_pausing_twice_or_going_on_unasked_changes_nothing():
    events = []
    run = start(team(acting(lead=[final("1")])))
    run.subscribe(lambda event, record: events.append(event.status) if isinstance(event, RunStatusChanged) else None)
    run.resume()
    run.pause()
    run.pause()
    run.resume()
    await run
    assert events == ["paused", "running"]


async def test_what_the_person_says_is_read_with_the_next_step_and_only_once():
    model = acting(lead=[code("x = 1"), code("y = 1"), final("1")], quant=[final("1")])
    run = start(team(model, "quant"))
    at(run, ReplyEnded, lambda: run.say("use euros"))
    await run
    assert "The person says to you now:\nuse euros" in told(model.calls[1])
    assert str(model.calls[-1]).count("use euros") == 1
    assert [(said.sender, said.to, said.text) for said in run.record.messages] == [("user", "coordinator", "use euros")]


async def test_the_person_can_speak_to_a_specialist():
    model = acting(lead=[code("final_answer(await quant('do'))")], quant=[code("x = 1"), final("x")])
    run = start(team(model, "quant"))
    at(run, ReplyEnded, lambda: run.say("be brief", to="quant"), number=2)
    await run
    assert [index for index, call in enumerate(model.calls) if "be brief" in str(call)] == [2]


async def test_what_is_said_in_a_pause_is_read_with_the_very_next_step():
    model = acting(lead=[code("x = 1"), final("x")])
    run = start(team(model))
    at(run, StepEnded, run.pause)
    await when(run, RunStatusChanged)
    run.say("use euros")
    run.resume()
    await run
    assert "use euros" in told(model.calls[1])


async def test_a_run_stopped_before_its_first_step_ends_like_any_other():
    model = acting(lead=[final("1")])
    await stopped(start(team(model)))
    assert model.calls == []


async def test_saying_something_to_nobody_or_too_late_is_a_mistake():
    run = start(team(acting(lead=[final("1")]), "quant"))
    with pytest.raises(UserError, match="did you mean 'quant'"):
        run.say("hello", to="quand")
    await run
    with pytest.raises(UserError, match="has ended"):
        run.say("hello")


async def test_a_run_started_by_an_agent_is_refused():
    desk = team(acting(lead=[final("1")]))
    run = await go(team(acting(lead=[code("desk.start('more')"), final("'no'")])), namespace={"desk": desk})
    assert run.result == "no"
    assert "cannot start runs" in run.steps[0].error.message
