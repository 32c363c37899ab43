"""How a run ends where it does not come to its own end: budgets, repairs, repetition, stalls, steps."""

import pytest

from agentnb import Agent, Team
from agentnb.models import resolve
from agentnb.record.document import FINAL
from agentnb.record.events import RunEnded
from tests.support.endpoint import endpoint, fails, says, streams
from tests.support.scripts import acting, code, final, told
from tests.unit.run.test_team import go, team

EIGHT = [f"s{n}" for n in range(8)]
ALL_AT_ONCE = code(
    f"final_answer(await asyncio.gather({', '.join(name + '()' for name in EIGHT)}))".replace("()", "('do')")
)


def open_tasks(run):
    return [task.id for task in run.tasks if task.status not in ("completed", "failed", "cancelled")]


@pytest.mark.parametrize("steps", [1, 3, 5, 8])
async def test_eight_parallel_specialists_cannot_overspend_the_steps(steps):
    model = acting(latency=0.01, lead=[ALL_AT_ONCE], **{name: [final("1")] for name in EIGHT})
    run = await go(team(model, *EIGHT), budget=f"{steps} steps")
    assert (run.status, run.result) == ("limit", None)
    assert f"budget of {steps} steps" in run.record.reason
    assert len(model.calls) <= steps
    assert open_tasks(run) == []


async def test_eight_parallel_specialists_cannot_overspend_the_tokens():
    model = acting(latency=0.01, lead=[ALL_AT_ONCE], **{name: [final("1")] for name in EIGHT})
    run = await go(team(model, *EIGHT), budget="6k")
    assert run.status == "limit"
    assert "6,000 tokens" in run.record.reason
    assert 0 < run.usage.tokens <= 6000
    assert 1 < len(model.calls) < 9
    assert open_tasks(run) == []


async def test_what_was_reached_is_there_when_the_limit_comes():
    variables = {}
    model = acting(lead=[code("x = await quant('do')"), code("y = x"), final("y")], quant=[final("[7]")])
    run = await go(team(model, "quant"), budget="3 steps", namespace=variables)
    assert run.status == "limit"
    assert variables == {"x": [7], "y": [7]}
    assert {task.agent: task.status for task in run.tasks}["quant"] == "completed"


async def test_the_coordinator_counts_among_the_agents():
    model = acting(lead=[code("final_answer([await a('do'), await b('do')])")], a=[final("1")], b=[final("2")])
    run = await go(team(model, "a", "b"), budget="2 agents")
    assert run.status == "limit"
    assert "2 agents" in run.record.reason


async def test_time_is_a_limit_too():
    run = await go(team(acting(lead=[code("await asyncio.sleep(30)")])), budget="0.2 s")
    assert run.status == "limit"
    assert "0.2 s" in run.record.reason
    assert run.steps[0].status == "cancelled"
    assert open_tasks(run) == []


async def test_prose_is_asked_back_three_times_then_the_run_is_over():
    model = acting(lead=["I think 42."] * 9)
    run = await go(team(model))
    assert run.status == "limit"
    assert len(model.calls) == 4
    assert [step.status for step in run.steps] == ["rejected"] * 4
    assert "could not be run" in run.record.reason
    assert all("Nothing was run" in told(call) for call in model.calls[1:])


async def test_prose_in_between_is_repaired():
    run = await go(team(acting(lead=["Well.", code("x = 1"), "Hm.", "Hm.", "Hm.", final("x")])))
    assert (run.status, run.result) == ("done", 1)


async def test_a_repeated_step_is_answered_with_a_request_for_another_plan_then_ends():
    model = acting(lead=[code("print('again')")] * 9)
    run = await go(team(model))
    assert run.status == "limit"
    assert "did the same thing 4 times" in run.record.reason
    assert [step.status for step in run.steps] == ["done"] * 3 + ["rejected"]
    assert "take another way" not in told(model.calls[1])
    assert "take another way" in told(model.calls[2])


async def test_a_stall_is_answered_with_a_request_for_another_plan_then_ends():
    model = acting(lead=[code(f"1 / 0  # {n}", f"x{n} = 1") for n in range(20)])
    run = await go(team(model))
    assert run.status == "limit"
    assert "failed 8 steps in a row" in run.record.reason
    assert len(run.steps) == 8
    assert "make another plan" not in told(model.calls[3])
    assert "make another plan" in told(model.calls[4])


async def test_the_steps_of_a_task_are_bounded():
    run = await go(Team(model=acting(lead=[code(f"x = {n}") for n in range(9)]), max_steps=3))
    assert run.status == "limit"
    assert "within 3 steps" in run.record.reason
    assert len(run.steps) == 3


async def test_a_specialist_that_comes_to_its_limit_is_told_to_the_coordinator():
    model = acting(
        lead=[code("await quant('do')"), final("'alone'")],
        quant=[code(f"x = {n}") for n in range(5)],
    )
    run = await go(Team([Agent("quant", "fits", max_steps=2)], model=model))
    assert (run.status, run.result) == ("done", "alone")
    assert "did not finish within 2 steps" in told(model.calls[-1])


async def test_a_run_has_exactly_one_end():
    ends = []
    run = team(acting(lead=[final("1")])).start("Do it.", show=False, namespace={})
    run.subscribe(lambda event, record: ends.append(event.status) if isinstance(event, RunEnded) else None)
    await run
    run.stop()
    assert ends == ["done"]
    assert run.status in FINAL


# --- faults of a real endpoint ----------------------------------------------------------------------------------------


def remote(server):
    return resolve("openai-compatible/m", api_base=server.url, environ={"AGENTNB_API_KEY": "sk-test-0123456789abcdef"})


async def test_a_retry_is_in_the_record():
    with endpoint(fails(429, retry_after="0.05"), streams(final("42"))) as server:
        run = await go(Team(model=remote(server)))
    assert (run.status, run.result) == ("done", 42)
    assert len(server.requests) == 2
    (note,) = run.steps[0].notes
    assert "429" in note
    assert "try 2" in note


async def test_a_reply_cut_at_the_length_limit_is_never_run():
    variables = {}
    cut = streams(code("danger = 1"), finish="length")
    with endpoint(cut, streams(final("'safe'"))) as server:
        run = await go(Team(model=remote(server)), namespace=variables)
    assert (run.status, run.result) == ("done", "safe")
    assert variables == {}
    assert run.steps[0].status == "rejected"
    assert "cut off" in server.requests[1]["messages"][-1]["content"][0]["text"]


async def test_a_reply_cut_off_in_its_code_is_asked_for_again():
    variables = {}
    with endpoint(streams("<code>\n", "danger = 1\n", "x = 2", cut_after=2), streams(final("'safe'"))) as server:
        run = await go(Team(model=remote(server)), namespace=variables)
    assert (run.status, run.result) == ("done", "safe")
    assert variables == {}
    assert len(run.steps) == 1
    assert len(run.steps[0].notes) == 1


async def test_what_is_wrong_for_good_is_asked_once():
    with endpoint(fails(401, "bad key")) as server:
        run = await go(Team(model=remote(server)))
    assert run.status == "failed"
    assert len(server.requests) == 1
    assert "sk-test" not in run.record.reason


async def test_tokens_are_counted_as_the_provider_counts_them():
    usage = {"prompt_tokens": 123, "completion_tokens": 7, "total_tokens": 130}
    with endpoint(streams(final("1"), usage=usage), says(final("1"), usage=usage)) as server:
        run = await go(Team(model=remote(server)))
    assert (run.usage.input_tokens, run.usage.output_tokens, run.usage.calls) == (123, 7, 1)
    assert not run.usage.estimated
