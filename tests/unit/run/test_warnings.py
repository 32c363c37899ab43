"""A limit that comes near is said once; a run that is cut short says what it leaves."""

import asyncio

import pytest

from agentnb import Agent, Team
from agentnb.errors import UserError
from agentnb.record.document import RunRecord, Task
from agentnb.record.events import StepEnded
from agentnb.run.budget import Budget, Meter
from agentnb.run.cell import check_done
from agentnb.run.outlook import outlook
from tests.support.scripts import acting, code, final, told
from tests.unit.run.test_control import at


def start(model, *members, **options):
    return Team([*members], model=model).start("Do it.", namespace={}, show=False, **options)


def said(run):
    return [message.text for message in run.record.messages if message.sender == "agentnb"]


async def test_each_limit_warns_once_at_four_fifths_and_the_coordinator_is_told():
    model = acting(lead=[*[code(f"x = {n}") for n in range(5)], final("x")])
    run = await start(model, budget="6 steps, 100k")
    assert said(run) == ["5 of 6 steps are used; %agents budget SPEC changes it"]
    assert "Of the budget, 5 of 6 steps are used. Come to an end with what you have." in told(model.calls[5])
    assert run.status == "done"


async def test_a_changed_budget_counts_for_the_next_step_and_warns_anew():
    run = start(acting(lead=[*[code(f"x = {n}") for n in range(9)], final("x")]), budget="3 steps")
    at(run, StepEnded, lambda: run.set_budget("8 steps", by="ann"), number=2)
    await run
    assert (run.status, run.record.limits.steps, run.record.budget) == ("limit", 8, "8 steps")
    assert said(run) == ["7 of 8 steps are used; %agents budget SPEC changes it"]


async def test_a_lowered_time_ends_the_run():
    run = start(acting(lead=[code("await asyncio.sleep(60)")]))
    await asyncio.sleep(0.2)
    run.set_budget("0.1s")
    await asyncio.wait_for(run, 10)
    assert (run.status, run.record.limits.seconds) == ("limit", 0.1)


async def test_a_budget_of_an_ended_run_is_no_matter():
    run = await start(acting(lead=[final("1")]))
    with pytest.raises(UserError, match="the run has ended"):
        run.set_budget("5k")


def test_the_meter_warns_of_each_limit_by_itself():
    warned = []
    meter = Meter(Budget.parse("100 tokens, 2 agents"))
    meter.warn = warned.append
    meter.admit("a")
    assert warned == []
    meter.admit("b")
    meter.admit("b")
    assert warned == ["2 of 2 agents are used"]


async def test_what_was_finished_and_what_is_open_at_the_limit():
    model = acting(
        lead=[code("a = await ingest('load it')"), code("b = await quant('fit it')"), final("b")],
        ingest=[final("[1, 2]")],
        quant=[*[code(f"x = {n}") for n in range(9)]],
    )
    run = await start(model, Agent("ingest", ""), Agent("quant", ""), budget="5 steps")
    assert run.status == "limit"
    assert run.record.reason.endswith("; finished: ingest; open: quant (fit it)")
    assert (run.result, run.partial) == (None, {"ingest": [1, 2]})
    assert {name: usage.calls > 0 for name, usage in run.usage_by_agent.items()} == dict.fromkeys(
        ("coordinator", "ingest", "quant"), True
    )
    with pytest.raises(UserError, match=r"What was reached is in `agents_run.partial` \(ingest\)"):
        check_done(run)


def test_the_outlook_of_records():
    root = Task(id="t1", agent="lead", brief="all", status="cancelled")
    part = Task(id="t2", agent="ingest", brief="load", status="completed", parent="t1")
    assert outlook(RunRecord(tasks=[root])) == "the task is open after 0 steps"
    assert outlook(RunRecord(tasks=[root, part])) == "finished: ingest; open: the answer itself"
