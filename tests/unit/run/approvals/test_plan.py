"""Under ``plan`` nothing of the coordinator's code runs before the person has allowed its plan."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb import Agent, Team
from agentnb.errors import Correction
from agentnb.models.prices import Price
from agentnb.record.document import PlanItem
from agentnb.run.approvals.plan import plan_line, priced, read_plan
from tests.support.crashes import died, step_ended
from tests.support.scripts import acting, code, final, told
from tests.unit.run.approvals.test_approval import answering

PLAN = (
    "propose_plan([{'agent': 'quant', 'task': 'fit it', 'tokens': 5000}, {'agent': 'coordinator', 'task': 'answer'}])"
)
ITEMS = [PlanItem(agent="quant", brief="fit it", tokens=5000), PlanItem(agent="coordinator", brief="answer")]


def start(model, *members, **options):
    return Team([*members], model=model, approve="plan").start("Do it.", namespace={}, show=False, **options)


async def test_the_plan_is_allowed_and_then_it_runs_freely():
    model = acting(lead=[code(PLAN), code("x = await quant('fit it')"), final("x")], quant=[code("y = 1"), final("y")])
    run = start(model, Agent("quant", "fits"))
    asked = answering(run, ("allowed",))
    await run
    assert [(each.kind, each.plan, each.text) for each in asked] == [("plan", ITEMS, "coordinator proposes this plan")]
    assert (run.result, run.status, run.steps[0].status) == (1, "done", "done")
    assert run.steps[0].timing.code_started_at is None
    assert "propose_plan([" in model.calls[0][1]["content"]
    assert "propose_plan" not in model.calls[0][0]["content"]  # the prompt's beginning is the same as without
    assert told(model.calls[1]).startswith("The person allowed your plan.")


@pytest.mark.parametrize(
    "first",
    [
        code("made = 1"),
        code("made = 1", PLAN),
        code("propose_plan([{'agent': open('made', 'w').name, 'task': 'x'}])"),
        code("propose_plan(print('made') or [])"),
        code("(propose_plan, made := 1)"),
        code("if True:", f"    {PLAN}", "made = 1"),
    ],
)
async def test_nothing_runs_before_the_plan(first, tmp_path):
    model = acting(lead=[first, code(PLAN), final("sorted(k for k in globals() if k == 'made')")])
    run = start(model)
    asked = answering(run, ("allowed",))
    await run
    assert (run.result, len(asked)) == ([], 1)
    assert (run.steps[0].status, run.steps[0].outputs) == ("rejected", [])
    assert told(model.calls[1]).startswith("Nothing was run: your plan comes first")
    assert list(tmp_path.glob("made")) == []


async def test_what_follows_the_plan_in_one_reply_is_not_run():
    run = start(acting(lead=[code(PLAN, "made = 1"), final("'made' in globals()")]))
    answering(run, ("allowed",))
    assert (await run).result is False


async def test_an_edited_plan_is_told_and_kept():
    model = acting(lead=[code(PLAN), final("1")])
    run = start(model)
    answering(run, ("allowed", {"plan": [{"agent": "quant", "brief": "fit two", "tokens": 900}]}))
    await run
    assert "changed your plan and allowed it like this; go on with it:\n  1. quant: fit two (about 900 tokens)" in told(
        model.calls[1]
    )
    (request,) = run.record.requests
    assert (request.edited, [item.brief for item in request.plan]) == (True, ["fit two"])


async def test_a_denied_plan_is_made_anew():
    model = acting(lead=[code(PLAN), code(PLAN.replace("fit it", "fit both")), final("1")])
    run = start(model)
    asked = answering(run, ("denied", {"text": "both models"}), ("allowed",))
    await run
    assert [each.plan[0].brief for each in asked] == ["fit it", "fit both"]
    assert "They say:\nboth models\nPropose another plan." in told(model.calls[1])
    assert [step.status for step in run.steps] == ["rejected", "done", "done"]


async def test_a_model_that_never_plans_comes_to_an_end():
    run = await start(acting(lead=[code(f"x = {n}") for n in range(9)]))
    assert run.status == "limit"
    assert "gave no plan in 4 replies" in run.record.reason


async def test_unattended_the_plan_is_denied():
    run = await start(acting(lead=[code(PLAN)] * 9))
    assert (run.status, {each.status for each in run.record.requests}) == ("limit", {"expired"})


async def test_a_plan_that_nobody_asks_for_is_passed_over():
    model = acting(lead=[code(PLAN), final("1")])
    run = await Team(model=model).start("Do it.", namespace={}, show=False)
    assert (run.result, run.record.requests) == (1, [])


async def test_a_later_task_of_the_conversation_is_planned_too():
    model = acting(lead=[final("1"), code(PLAN), final("2")])
    team = Team(model=model)
    await team.run("First.", namespace={}, show=False)
    run = team.start("Second.", namespace={}, show=False, approve="plan")
    answering(run, ("allowed",))
    assert (await run).result == 2
    assert "propose_plan" in told(model.calls[1])


async def test_a_team_within_a_team_plans_for_itself():
    model = acting(
        lead=[final("await desk('go')")],
        desk=[code("propose_plan([{'agent': 'desk', 'task': 'do it'}])"), final("7")],
    )
    desk = Team(name="desk", role="does it", approve="plan")
    run = Team([desk], model=model).start("Do it.", namespace={}, show=False)
    asked = answering(run, ("allowed",))
    await run
    assert (run.result, [each.agent for each in asked]) == (7, ["desk"])


@pytest.mark.parametrize(
    "source",
    [
        "propose_plan()",
        "propose_plan([])",
        "propose_plan(['x'])",
        "propose_plan([{'agent': 'a'}])",
        "propose_plan(x)",
        "propose_plan([{'agent': 'a', 'task': 'b', 'tokens': 'many'}])",
        "propose_plan([], now=True)",
    ],
)
def test_a_plan_that_is_none_says_how_to_write_it(source):
    with pytest.raises(Correction, match=r"write propose_plan\(\["):
        read_plan(source)


@pytest.mark.parametrize("source", ["plan = propose_plan({})", "await propose_plan({})", "propose_plan({})\nx = 1"])
def test_how_a_plan_may_be_written(source):
    lines = [{"agent": "a", "task": "b"}]
    found = read_plan(source.format(lines))
    assert found == ([PlanItem(agent="a", brief="b")], "x = 1" in source)


@given(st.text())
def test_other_text_is_no_plan(text):
    assert read_plan(text) is None


def test_a_known_price_is_put_to_the_tokens():
    item = priced([PlanItem(agent="a", brief="b", tokens=1000)], Price(0.001, 0.01, 0.0, 0.0))[0]
    assert item.cost == pytest.approx(900 * 0.001 + 100 * 0.01)
    assert plan_line(item) == "a: b (about 1,000 tokens, $1.90)"


async def test_a_resumed_run_has_the_plan_that_was_allowed():
    model = acting(lead=[code(PLAN), code("x = 1"), final("x")])
    run = Team(model=model, approve="plan").start("Do it.", namespace={}, show=False)
    answering(run, ("allowed",))
    await run
    again = Team(model=model, approve="plan").resume(
        died(run, step_ended("t1.2")), namespace={"x": 1}, show=False, foreground=True
    )
    await again
    assert (again.result, again.status, [each.status for each in again.record.requests]) == (1, "done", ["allowed"])
