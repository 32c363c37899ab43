"""Whose word counts, and how a run comes to its end."""

from __future__ import annotations

import pytest

from agentnb import Agent, Team
from agentnb.testing import ScriptedModel


def code(*lines):
    return "\n".join(["<code>", *lines, "</code>"])


@pytest.mark.parametrize("endless", ["while True: pass", "import time; time.sleep(60)"])
async def test_a_time_budget_ends_code_that_never_lets_go(endless):
    team = Team(model=ScriptedModel(lambda _: code(endless)))
    run = await team.run("loop", budget="1s", namespace={}, show=False)
    assert (run.status, run.record.reason) == ("limit", "the budget of 1 s is used up; the task is open after 1 step")


async def test_the_argument_goes_before_the_agents_and_the_teams_model():
    def says(word):
        return ScriptedModel(lambda _: code(f"final_answer({word!r})"))

    team = Team([Agent("one", "x", model=says("agent"))], model=says("team"))
    assert (await team.run("x", model=says("argument"), namespace={}, show=False)).result == "argument"
    direct = await team.run("x", agents=("one",), model=says("argument"), namespace={}, show=False)
    assert direct.result == "argument"
    assert (await team.run("x", agents=("one",), namespace={}, show=False)).result == "agent"


async def test_a_call_given_to_final_answer_is_awaited():
    def answers(messages):
        lead = "coordinator of a team" in messages[0]["content"]
        return code("final_answer(one('sum'))") if lead else code("final_answer(42)")

    run = await Team([Agent("one", "x")], model=ScriptedModel(answers)).run("x", namespace={}, show=False)
    assert (run.status, run.result) == ("done", 42)


async def test_the_coordinator_by_its_names_is_no_specialist():
    model = ScriptedModel(lambda _: code("final_answer(1)"))
    run = await Team(model=model).run("x", agents=("manager",), namespace={}, show=False)
    assert run.result == 1
