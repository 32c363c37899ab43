"""Going on from a run whose kernel died: what is told, what is run, what is counted."""

from pathlib import Path

import pytest

from agentnb import Agent, Team
from agentnb.errors import RecordError
from agentnb.record import events as ev
from agentnb.record.document import Member, RunRecord
from agentnb.record.fold import fold
from agentnb.record.journal import Journal, read_journal
from agentnb.record.journals import crashed_runs
from agentnb.run.recovery.crash import Crash
from tests.support.crashes import acting_in, asking_for, died, journal_of, step_ended, task_is
from tests.support.scripts import acting, agent_of, code, final, told

TASK = "Double what is there."
LEAD = [
    code("made.append('x')", "x = 1", "print('x is made')"),
    code("made.append('y')", "y = await quant('double it', data=x)"),
    final("x + y"),
]
QUANT = [code("made.append('part')", "part = data * 2"), final("part")]


def desk(lead=LEAD, quant=QUANT, **settings):
    model = acting(lead=lead, quant=quant)
    return Team([Agent("quant", "doubles", model=model)], model=model, **settings)


async def crashed(when, lead=LEAD, quant=QUANT, **options):
    """The journal of a run that died, and what its code had done until it ended."""
    settings = {name: options.pop(name) for name in ("budget",) if name in options}
    run = await desk(lead, quant, **settings).run(TASK, namespace={"made": []}, show=False, **options)
    return died(run, when)


async def resumed(path, team=None, **options):
    """The resumed run, ended, and what its code did."""
    team = team if team is not None else desk()
    namespace = {"made": [], **options.pop("variables", {})}
    run = await team.resume(path, namespace=namespace, show=False, foreground=True, **options)
    return run, namespace["made"], team


def asked(team):
    """Who was asked in each call of the model."""
    return [agent_of(call) for call in team.model.calls]


# --- the variables as they are ----------------------------------------------------------------------------------------


async def test_the_conversation_goes_on_and_nothing_is_run_again():
    path = await crashed(step_ended("t1.1"))
    run, made, team = await resumed(path, variables={"x": 1})
    assert (run.status, run.result, made) == ("done", 3, ["y", "part"])
    first = team.model.calls[0]
    assert [m["role"] for m in first] == ["system", "user", "assistant", "user"]
    assert "made.append('x')" in first[2]["content"]
    assert "x is made" in told(first)
    assert "The kernel died" in told(first)
    assert "Nothing of it was run again" in told(first)
    assert "x: int = 1" in first[1]["content"] or "x" in first[1]["content"].partition("</variables>")[0]


async def test_the_record_has_what_was_reached_and_what_came_after():
    path = await crashed(step_ended("t1.1"))
    run, _, _ = await resumed(path, variables={"x": 1})
    record = run.record
    assert record.resumes == path.stem != record.run_id
    assert [(s.id, s.status) for s in record.steps if s.agent == "coordinator"] == [
        ("t1.1", "done"),
        ("t1.2", "done"),
        ("t1.3", "done"),
    ]
    assert [(t.id, t.status) for t in record.tasks] == [("t1", "completed"), ("t2", "completed")]
    assert fold(read_journal(journal_of(run))) == record
    assert crashed_runs() == []


async def test_an_interrupted_step_is_told_and_not_run_again():
    path = await crashed(acting_in("t2.1"))
    run, made, team = await resumed(path, desk([LEAD[0], final("'enough'")]))
    assert (run.result, made) == ("enough", [])
    letter = told(team.model.calls[0])
    assert "Your step 2 was interrupted" in letter
    assert "y = await quant('double it', data=x)" in letter
    assert "`quant`, asked to: double it\n  interrupted after 0 steps" in letter
    interrupted = [(s.id, s.status, s.timing.code_ended_at is not None) for s in run.steps if s.status != "done"]
    assert interrupted == [("t1.2", "cancelled", True), ("t2.1", "cancelled", True)]
    assert {task.id: task.status for task in run.tasks} == {"t1": "completed", "t2": "cancelled"}
    assert run.steps[-1].id == "t1.3"


@pytest.mark.parametrize("rerun", ["no", "finished"])
async def test_what_the_person_had_said_is_told(rerun):
    run = desk().start(TASK, namespace={"made": []}, show=False)
    run.subscribe(lambda event, _: run.say("Mind the gap.") if step_ended("t1.1")(event) else None)
    run.subscribe(
        lambda event, _: run.set_budget("90k") if step_ended("t1.1")(event) and hasattr(run, "set_budget") else None
    )
    path = died(await run, step_ended("t1.2"))
    run, _, team = await resumed(path, rerun=rerun, variables={"x": 1, "y": 2}, budget="70k")
    assert "The person had said to you meanwhile:\n- Mind the gap." in told(team.model.calls[0])
    assert (run.status, run.record.budget) == ("done", "70,000 tokens")


async def test_results_of_completed_tasks_are_known():
    path = await crashed(task_is("t2", "completed"))
    run, made, team = await resumed(path, desk([LEAD[0], final("1 + 2")]))
    assert (run.result, made) == (3, [])
    assert "`quant`, asked to: double it\n  completed; the object is gone, it was: 2" in told(team.model.calls[0])


async def test_a_specialist_remembers_the_task_that_was_interrupted():
    path = await crashed(asking_for("t2.2"))
    again = [LEAD[0], code("y = await quant('double 4', data=4)"), final("y")]
    run, _, team = await resumed(path, desk(again, [QUANT[0], final("data * 2")]))
    assert run.result == 8
    prompt = next(call for call in team.model.calls if agent_of(call) == "quant")
    assert "part = data * 2" in prompt[2]["content"]
    assert "The kernel died while you were at an earlier task" in told(prompt)
    assert "That task was:\ndouble it" in told(prompt)
    assert "double 4" in prompt[1]["content"]


# --- the code again ---------------------------------------------------------------------------------------------------


async def test_finished_steps_are_run_again_and_a_model_goes_on():
    path = await crashed(asking_for("t2.2"))
    team = desk(quant=[QUANT[0], final("data * 2")])
    run, made, team = await resumed(path, team, rerun="finished")
    assert (run.status, run.result) == ("done", 3)
    assert made == ["x", "y"]  # y because the model wrote that step once more
    assert asked(team) == ["coordinator", "quant", "coordinator"]
    assert "The code of your finished steps was run again" in told(team.model.calls[0])
    assert "Your step 2 was interrupted" in told(team.model.calls[0])
    assert run.record.messages[0].text.startswith(f"this run goes on from run {path.stem}")


async def test_all_steps_are_run_again_and_specialists_go_on_in_the_middle():
    path = await crashed(asking_for("t2.2"))
    run, made, team = await resumed(path, rerun="all")
    assert (run.status, run.result, made) == ("done", 3, ["x", "y", "part"])
    assert asked(team) == ["quant", "coordinator"]
    assert "y = await quant" not in told(team.model.calls[0])


async def test_objects_of_completed_tasks_are_there_again():
    path = await crashed(step_ended("t1.2"))
    run, made, team = await resumed(path, rerun="finished")
    assert (run.result, made, asked(team)) == (3, ["x", "y", "part"], ["coordinator"])


async def test_what_comes_out_differently_is_said():
    path = await crashed(step_ended("t1.1"), [code("print(len(made))", "x = 1"), *LEAD[1:]])
    run, _, _ = await resumed(path, rerun="finished", variables={"made": [0, 0]})
    texts = [message.text for message in run.record.messages]
    assert any("the replay differs: coordinator, step 1" in text for text in texts)


# --- wherever it died -------------------------------------------------------------------------------------------------


async def test_it_goes_on_from_every_event():
    whole = await desk().run(TASK, namespace={"made": []}, show=False)
    lines = journal_of(whole).read_bytes()
    # a model that looks at what is there, as a real one would
    script = [code("x = globals().get('x', 1)", "y = await quant('double it', data=x)"), final("x + y")]
    begun = next(n for n, line in enumerate(lines.splitlines(), 1) if b'"type":"task_added"' in line)
    for number in range(begun, lines.count(b"\n")):
        for rerun in ("no", "finished", "all"):
            journal_of(whole).write_bytes(lines)
            path = died(whole, number)
            if fold(read_journal(path)).tasks[0].status == "completed":
                continue
            model = acting(lead=[*script, *script, *script, *script], quant=[final("data * 2")] * 4)
            team = Team([Agent("quant", "doubles", model=model)], model=model)
            run, _, _ = await resumed(path, team, rerun=rerun)
            assert (run.status, run.result) == ("done", 3), (number, rerun, run.record.reason)
            spent = run._context.meter.usage.tokens  # also on what the model had said of a step that was interrupted
            assert spent >= fold(read_journal(path)).usage.tokens


async def test_what_went_on_and_crashed_too_can_be_gone_on_with():
    path = await crashed(step_ended("t1.1"))
    once, _, _ = await resumed(path, variables={"x": 1})
    again = died(once, step_ended("t1.2"))
    assert [run.start.run_id for run in crashed_runs()] == [once.id]
    run, made, team = await resumed(again, variables={"x": 1, "y": 2})
    assert (run.result, made, run.record.resumes) == (3, [], once.id)
    assert [m["role"] for m in team.model.calls[0]].count("assistant") == 2
    assert [step.id for step in run.steps] == ["t1.1", "t1.2", "t2.1", "t2.2", "t1.3"]


# --- limits, agents, teams --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rerun", ["no", "finished"])
async def test_the_budget_that_is_left_counts(rerun):
    path = await crashed(step_ended("t1.1"), budget="5 steps")
    run, _, _ = await resumed(path, rerun=rerun, variables={"x": 1})
    assert (run.status, len(run.steps)) == ("done", 5)
    path = await crashed(step_ended("t1.1"), budget="5 steps")
    run, _, _ = await resumed(path, rerun=rerun, variables={"x": 1}, budget="4 steps")
    assert (run.status, len(run.steps)) == ("limit", 4)
    assert run.record.reason == "the budget of 4 steps is used up; finished: quant; open: the answer itself"


@pytest.mark.parametrize("rerun", ["no", "finished"])
async def test_tokens_and_time_go_on_from_where_they_were(rerun):
    path = await crashed(step_ended("t1.1"))
    before = fold(read_journal(path))
    run, _, team = await resumed(path, rerun=rerun, variables={"x": 1})
    assert run.usage.calls == len(team.model.calls) + (before.usage.calls if rerun == "no" else 0)
    assert run.usage.tokens > before.usage.tokens
    assert run.record.timing.elapsed > before.timing.elapsed
    assert run.steps[-1].timing.asked_at > before.timing.elapsed


async def test_agents_asked_directly_go_on_without_a_coordinator():
    path = await crashed(step_ended("t1.1"), quant=[code("part = 1"), final("part + 1")], agents=["quant"])
    team = desk(quant=[code("part = 1"), final("41 + 1")])
    run, _, _ = await resumed(path, team)
    assert (run.result, asked(team)) == (42, ["quant"])


async def test_who_was_on_the_team_is_hired_again_with_the_tools_that_are_there():
    def double(number: int) -> int:
        """Double a number."""
        return number * 2

    model = acting(lead=LEAD, quant=QUANT)
    first = Team([Agent("quant", "doubles", model=model, tools=[double])], model=model)
    run = await first.run(TASK, namespace={"made": [], "double": double}, show=False)
    path = died(run, step_ended("t1.1"))
    team = Team(model=acting(lead=LEAD, quant=QUANT))
    run, _, _ = await resumed(path, team, variables={"x": 1, "double": double})
    assert run.result == 3
    assert (team["quant"].role, [tool.__name__ for tool in team["quant"].tools]) == ("doubles", ["double"])


@pytest.mark.parametrize("rerun", ["no", "finished"])
async def test_who_was_hired_by_the_coordinator_is_there_once(rerun):
    hiring = [code("hire('nina', 'halves')"), code("h = await nina('halve', data=4)"), final("h")]
    nina = [final("data / 2")]
    run = await Team(model=acting(lead=hiring, nina=nina)).run("Halve 4.", namespace={}, show=False)
    path = died(run, step_ended("t1.1"))
    team = Team(model=acting(lead=hiring, nina=nina))
    run, _, _ = await resumed(path, team, rerun=rerun)
    assert (run.status, run.result, run.record.reason) == ("done", 2.0, None)
    assert [member.name for member in team] == ["nina"]


async def test_the_conversation_can_be_followed_up():
    path = await crashed(step_ended("t1.1"))
    _, _, team = await resumed(path, desk([*LEAD, final("'more'")]), variables={"x": 1})
    more = await team.run("And more?", namespace={}, show=False)
    assert more.result == "more"
    assert "x is made" in str(team.model.calls[-1])


# --- what cannot be gone on with --------------------------------------------------------------------------------------


async def test_only_a_run_that_crashed_and_that_nobody_works_on():
    whole = await desk().run(TASK, namespace={"made": []}, show=False)
    with pytest.raises(RecordError, match="ended as done"):
        desk().resume(whole.id, show=False)
    path = died(whole, step_ended("t1.1"))
    with Journal(path), pytest.raises(RecordError, match="is at work in a kernel that is alive"):
        desk().resume(path, show=False)
    with Journal(path):
        assert crashed_runs() == []
    assert [run.path for run in crashed_runs()] == [path]
    with pytest.raises(RecordError, match="has no journal of a run 'abc'"):
        desk().resume("abc")


async def test_a_replay_is_replayed_and_not_resumed():
    whole = await desk().run(TASK, namespace={"made": []}, show=False)
    again = await desk().run(TASK, namespace={"made": []}, show=False, replay=whole.record)
    path = died(again, step_ended("t1.1"))
    assert crashed_runs() == []
    with pytest.raises(RecordError, match="was a replay"):
        desk().resume(path)


async def test_events_of_others_are_no_crash(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "empty.jsonl").write_text("")
    (folder / "noise.jsonl").write_text("{}\n")
    with Journal(folder / "other.jsonl") as journal:
        journal.append(ev.RunStarted(run_id="other", task="t", created="", generator="", notebook="other.ipynb"))
    assert [run.start.run_id for run in crashed_runs(folder)] == ["other"]
    assert [run.start.run_id for run in crashed_runs(folder, notebook="other.ipynb")] == ["other"]
    assert crashed_runs(folder, notebook="mine.ipynb") == []


# --- how it ran -------------------------------------------------------------------------------------------------------


def roster(*modes, model="scripted"):
    """A crash of a run with a coordinator and specialists in these modes."""
    members = [
        Member(name=f"a{number}", kind="specialist" if number else "coordinator", mode=mode, model=model)
        for number, mode in enumerate(modes)
    ]
    return Crash(Path("r.jsonl"), [], RunRecord(run_id="r", roster=members))


@pytest.mark.parametrize(
    ("modes", "given"),
    [
        ([], None),
        (["live"], None),
        (["live", "scratch"], None),
        (["live", "live"], "live"),
        (["scratch"], "scratch"),
        (["scratch", "live"], "scratch"),
    ],
)
def test_where_actions_ran_is_kept(modes, given):
    assert roster(*modes).mode == given


def test_the_model_is_that_of_the_run_where_it_has_a_name():
    assert roster("live", "scratch", model="openai/gpt-5").model == "openai/gpt-5"
    assert roster("live", model="scripted").model is None
    assert roster().model is None


async def test_it_died_before_its_coordinator_had_joined():
    path = await crashed(task_is("t1", "in_progress"))
    run, made, _ = await resumed(path)
    assert (run.status, run.result, made) == ("done", 3, ["x", "y", "part"])
