"""Teams at work in one process: who is asked, what goes in, what comes back."""

import asyncio

import pytest

from agentnb import Agent, Team, UserError
from agentnb.testing import ScriptedModel
from tests.support.scripts import acting, agent_of, code, final, told


def team(model, *names, **options):
    return Team([Agent(name, f"does {name}") for name in names], model=model, **options)


async def go(desk, task="Do it.", **options):
    options.setdefault("namespace", {})
    return await desk.run(task, show=False, **options)


async def test_a_coordinator_alone_does_a_simple_task_on_the_persons_objects():
    data = [3, 1, 2]
    variables = {"data": data}
    model = acting(lead=[code("ordered = sorted(data)", "ordered[0]"), final("data")])
    run = await go(team(model), namespace=variables)
    assert (run.status, run.record.reason, run.record.error) == ("done", None, None)
    assert run.result is data
    assert variables == {"data": data, "ordered": [1, 2, 3]}
    assert [(step.agent, step.status, step.final) for step in run.steps] == [
        ("coordinator", "done", False),
        ("coordinator", "done", True),
    ]
    assert [(change.kind, change.name) for change in run.changes] == [("added", "ordered")]
    assert "1" in told(model.calls[1])


async def test_objects_go_in_and_come_back_as_themselves():
    thing = object()
    model = acting(
        lead=[code("back = await quant('return it', item=thing)", "final_answer(back)")], quant=[final("item")]
    )
    run = await go(team(model, "quant"), namespace={"thing": thing})
    assert run.result is thing
    assert [(task.agent, task.status, task.parent_step) for task in run.tasks] == [
        ("coordinator", "completed", None),
        ("quant", "completed", "t1.1"),
    ]


async def test_a_variable_that_holds_an_agent_is_called_like_the_agent():
    quant = Agent("quant", "fits")
    model = acting(
        lead=[code("back = await asyncio.gather(quant('one'), fitter('two'))"), final("back")], quant=[final("1")]
    )
    run = await go(Team([quant], model=model), namespace={"quant": quant, "fitter": quant})
    assert (run.status, run.result) == ("done", [1, 1])
    with pytest.raises(UserError, match="works in a team"):
        quant("outside of a team")


async def test_parallel_specialists_overlap():
    model = acting(
        latency=0.05,
        lead=[code("a, b, c = await asyncio.gather(x('do'), y('do'), z('do'))", "final_answer([a, b, c])")],
        x=[final("1")],
        y=[final("2")],
        z=[final("3")],
    )
    run = await go(team(model, "x", "y", "z"))
    assert run.result == [1, 2, 3]
    asked = [step.timing.asked_at for step in run.steps if step.agent != "coordinator"]
    replied = [step.timing.replied_at for step in run.steps if step.agent != "coordinator"]
    assert max(asked) < min(replied)


async def test_two_parallel_calls_of_one_specialist_never_mix():
    briefs = {
        f"take {n}": [code(f"df = {n}", "print('df is', df)"), code("await asyncio.sleep(0)", "final_answer(df * 10)")]
        for n in range(4)
    }
    model = acting(
        lead=[code("final_answer(await asyncio.gather(*(quant(f'take {n}') for n in range(4))))")], quant=briefs
    )
    variables = {"df": "the person's"}
    run = await go(team(model, "quant"), namespace=variables)
    assert run.result == [0, 10, 20, 30]
    assert variables == {"df": "the person's"}
    printed = {
        task.brief: step.outputs[0]["text"]
        for task in run.tasks
        for step in run.steps
        if step.task == task.id and step.outputs
    }
    assert printed == {f"take {n}": f"df is {n}\n" for n in range(4)}


async def test_a_failing_specialist_costs_neither_its_siblings_results_nor_the_run():
    model = acting(
        lead=[
            code("a, b = await asyncio.gather(bad('do'), good('do'))"),
            code("final_answer(results['good'])"),
        ],
        bad=["I cannot."] * 4,
        good=[code("x = 1"), code("y = 2"), code("z = 3"), final("{'kept': x + y + z}")],
    )
    run = await go(team(model, "bad", "good"))
    assert (run.status, run.result) == ("done", {"kept": 6})
    assert {task.agent: task.status for task in run.tasks} == {
        "coordinator": "completed",
        "bad": "failed",
        "good": "completed",
    }
    first = run.steps[0]
    assert first.error.name == "DelegationError"
    assert "`bad` could not do its task" in first.error.message
    assert any("results['good']" in note for note in first.notes)


async def test_of_several_calls_of_one_specialist_each_finished_one_is_kept():
    briefs = {
        "one": [final("[1]")],
        "two": ["I cannot."] * 4,
        "three": [code("x = 3")] + [code(f"x + {n}") for n in range(5)] + [final("[x]")],
    }
    model = acting(
        lead=[
            code("await asyncio.gather(quant('one'), quant('two'), quant('three'))"),
            code("final_answer([results['t2'], results['t4']])"),
        ],
        quant=briefs,
    )
    run = await go(team(model, "quant"))
    assert run.result == [[1], [3]]
    assert [note for note in run.steps[0].notes if "results" in note] == [
        "`quant` finished; its result is kept in `results['t2']`",
        "`quant` finished; its result is kept in `results['t4']`",
    ]


async def test_teams_within_teams_at_the_same_time():
    def desk(name, worker):
        return Team([Agent(worker, "works")], name=name, role="a desk")

    script = "a, b = await asyncio.gather({0}('one'), {0}('two'))"
    model = acting(
        lead=[code("final_answer(await asyncio.gather(left('do'), right('do')))")],
        left=[code(script.format("adder")), final("a + b")],
        right=[code(script.format("timer")), final("a * b")],
        adder=[code("x = 2"), final("x")],
        timer=[code("x = 3"), final("x")],
    )
    run = await asyncio.wait_for(go(Team([desk("left", "adder"), desk("right", "timer")], model=model)), timeout=20)
    assert (run.status, run.result) == ("done", [4, 9])
    assert sorted(task.agent for task in run.tasks) == [
        "adder",
        "adder",
        "coordinator",
        "left",
        "right",
        "timer",
        "timer",
    ]
    assert {member.name: member.team for member in run.record.roster}["adder"] == "left"


async def test_a_specialist_is_asked_directly():
    model = acting(quant=[final("42")])
    desk = team(model, "quant", "other")
    run = await go(desk, agents=("quant",))
    assert run.result == 42
    assert [task.agent for task in run.tasks] == ["quant"]


async def test_several_specialists_are_asked_directly_and_answer_by_name():
    run = await go(team(acting(a=[final("1")], b=[final("2")]), "a", "b"), agents=("a", "b"))
    assert run.result == {"a": 1, "b": 2}


async def test_a_later_run_follows_up_until_it_is_told_to_start_afresh():
    model = acting(lead=[code("x = 5", "final_answer(x)"), final("x + 1"), final("'never'")])
    desk, variables = team(model), {}
    await go(desk, "Make x.", namespace=variables)
    second = await go(desk, "Add one.", namespace=variables)
    assert second.result == 6
    first_prompt, second_prompt = model.calls
    assert second_prompt[: len(first_prompt)] == first_prompt
    assert "Add one." in told(second_prompt)
    await go(desk, "Make x.", namespace=variables, fresh=True)
    assert len(model.calls[2]) == 2
    assert "Add one." not in str(model.calls[2])


async def test_a_specialist_keeps_its_variables_from_task_to_task():
    model = acting(
        lead=[code("await quant('one')", "final_answer(await quant('two'))")],
        quant={"one": [code("kept = 41", "final_answer(None)")], "two": [final("kept + 1")]},
    )
    variables = {}
    run = await go(team(model, "quant"), namespace=variables)
    assert run.result == 42
    assert "kept" not in variables


async def test_a_forgotten_await_is_awaited_and_told():
    model = acting(lead=[code("x = quant('do')"), final("x")], quant=[final("7")])
    run = await go(team(model, "quant"))
    assert run.result == 7
    assert any("was not awaited" in note for note in run.steps[0].notes)
    assert "was not awaited" in told(model.calls[-1])


async def test_a_call_handed_over_as_an_argument_is_a_dependency():
    model = acting(
        lead=[code("final_answer(await quant('fit', data=ingest('load')))")],
        ingest=[final("[1, 2]")],
        quant=[final("sum(data)")],
    )
    run = await go(team(model, "ingest", "quant"))
    assert run.result == 3
    ids = {task.agent: task.id for task in run.tasks}
    assert {task.agent: task.depends_on for task in run.tasks}["quant"] == [ids["ingest"]]


async def test_a_task_depends_on_those_whose_results_it_was_handed():
    model = acting(
        lead=[code("a = await ingest('load')", "final_answer(await quant('fit', data=a))")],
        ingest=[final("[1, 2]")],
        quant=[final("sum(data)")],
    )
    run = await go(team(model, "ingest", "quant"))
    ids = {task.agent: task.id for task in run.tasks}
    assert {task.agent: task.depends_on for task in run.tasks} == {
        "coordinator": [],
        "ingest": [],
        "quant": [ids["ingest"]],
    }


async def test_any_model_that_has_only_generate():
    class Own:
        def generate(self, messages, **options):
            return type("Said", (), {"content": final("6 * 7"), "token_usage": None})()

    run = await go(Team(model=Own()))
    assert run.result == 42


async def test_each_agent_may_have_a_model_of_its_own():
    lead, quant = acting(lead=[code("final_answer(await quant('do'))")]), acting(quant=[final("1")])
    run = await go(Team([Agent("quant", "fits", model=quant)], model=lead))
    assert run.result == 1
    assert [agent_of(call) for call in quant.calls] == ["quant"]
    assert [agent_of(call) for call in lead.calls] == ["coordinator"]


async def test_a_model_that_fails_for_good_fails_the_run_once():
    model = ScriptedModel([])
    run = await go(Team(model=model))
    assert run.status == "failed"
    assert len(model.calls) == 1
    assert "has 0 replies" in run.record.reason


async def test_start_returns_at_once_and_the_run_is_awaited():
    run = team(acting(lead=[final("1")])).start("Do it.", show=False, namespace={})
    assert (run.status, run.result) == ("running", None)
    assert await run is run
    assert (run.status, run.result) == ("done", 1)


@pytest.mark.parametrize("value", ["None", "[]", "0", "''"])
async def test_an_empty_answer_is_an_answer(value):
    run = await go(team(acting(lead=[final(value)])))
    assert run.status == "done"
    assert run.result == eval(value)


async def test_two_parallel_calls_of_one_team_never_mix():
    model = acting(
        lead=[code("final_answer(await asyncio.gather(desk('one'), desk('two')))")],
        desk={n: [code(f"mine = '{n}'"), code("await asyncio.sleep(0)"), final("mine")] for n in ("one", "two")},
    )
    run = await go(Team([Team(name="desk", role="a desk")], model=model))
    assert run.result == ["one", "two"]


async def test_two_runs_of_one_team_at_the_same_time_have_conversations_of_their_own():
    model = acting(latency=0.02, lead=[code("x = 1"), final("x")])
    desk = team(model)
    runs = [desk.start(f"Task {n}.", show=False, namespace={}) for n in "ab"]
    await asyncio.gather(*(asyncio.ensure_future(run) for run in runs))
    assert [run.result for run in runs] == [1, 1]
    assert all(("Task a." in str(call)) != ("Task b." in str(call)) for call in model.calls)


async def test_the_mode_of_a_team_is_that_of_members_without_their_own():
    crew = [Agent("ingest", "reads"), Agent("quant", "fits", mode="scratch")]
    model = acting(
        lead=[code("await ingest('do'); await quant('do')", "final_answer(1)")],
        ingest=[final("'kept = 5'"), final("1")],
        quant=[final("1")],
    )
    team = Team(crew, model=model, mode="live")
    run = await go(team)
    assert run.status == "done"
    assert {member.name: member.mode for member in run.record.roster} == {
        "coordinator": "live",
        "ingest": "live",
        "quant": "scratch",
    }
    assert "own namespace" in str(model.calls[1][0])
    run = await go(Team([Agent("ingest", "reads")], model=acting(lead=[final("1")]), mode="live"), mode="scratch")
    assert [member.mode for member in run.record.roster] == ["live", "scratch"]  # the coordinator's mode is its own
