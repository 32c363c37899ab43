"""What the person types at a prompt, as an answer; and the requests of a run one after the other."""

import asyncio

import pytest

from agentnb import Team
from agentnb.record.document import PlanItem, Request
from agentnb.run.approvals.prompting import converse, describe
from agentnb.run.approvals.requests import check_syntax
from tests.support.scripts import acting, code, final

ACTION = Request(id="r1", kind="action", agent="quant", text="quant wants to run this", code="x = 1", touches=["x"])
PLAN = Request(id="r1", kind="plan", agent="lead", text="a plan", plan=[PlanItem(agent="a", brief="b", tokens=10)])
QUESTION = Request(id="r1", kind="question", agent="lead", text="which?")


def person(*lines):
    """Somebody who types these lines, then closes the prompt; returns it and the prompts that were shown."""
    left, shown = list(lines), []

    async def ask(prompt):
        shown.append(prompt)
        if not left:
            raise EOFError
        return left.pop(0)

    return ask, shown


@pytest.mark.parametrize(
    ("request_", "lines", "expected"),
    [
        (ACTION, ["y"], ("allowed", "", None, False)),
        (ACTION, [" YES "], ("allowed", "", None, False)),
        (ACTION, ["a"], ("allowed", "", None, True)),
        (ACTION, ["n"], ("denied", "", None, False)),
        (ACTION, ["no: use the copy"], ("denied", "use the copy", None, False)),
        (ACTION, ["e", "x = 2", "y = 3", "."], ("allowed", "", "x = 2\ny = 3", False)),
        (ACTION, ["e", ".", "n"], ("denied", "", None, False)),
        (ACTION, ["e", "x = (", ".", "y"], ("allowed", "", None, False)),
        (ACTION, ["", "what?", "y but not today", "n"], ("denied", "", None, False)),
        (ACTION, [], ("denied", "", None, False)),
        (PLAN, ["a", "e", "y"], ("allowed", "", None, False)),
        (QUESTION, ["y"], ("answered", "y", None, False)),
        (QUESTION, [], ("denied", "", None, False)),
    ],
)
async def test_what_is_typed(request_, lines, expected):
    ask, _ = person(*lines)
    answer = await converse(request_, ask, check_syntax)
    assert (answer.status, answer.text, answer.code, answer.for_run) == expected


async def test_what_is_shown():
    ask, shown = person("maybe", "y")
    await converse(ACTION, ask, check_syntax)
    assert shown[0].startswith("quant wants to run this\n    x = 1\ntouches: x\nallow it? y: yes")
    assert shown[1].startswith("allow it? y: yes")
    assert describe(PLAN) == "a plan\n  1. a: b (about 10 tokens)"


async def test_at_a_terminal_one_request_follows_the_other(terminal, capsys):
    model = acting(lead=[code("x = 1"), code("x = 5"), code("q = await ask_user('how many?')"), final("(x, q)")])
    run = Team(model=model, approve="ask").start("Do it.", namespace={}, show=False)
    for line in ("y", "n not five", "y", "many"):
        terminal(f"{line}\n")
    await asyncio.wait_for(run, 20)
    assert run.result == (1, "many")
    assert [each.status for each in run.record.requests] == ["allowed", "denied", "allowed", "answered"]
    assert "how many?" in capsys.readouterr().out


async def test_an_answer_from_elsewhere_ends_the_prompt(terminal):
    model = acting(lead=[code("x = 1"), code("y = 2"), final("[x, y]")])
    run = Team(model=model, approve="ask").start("Do it.", namespace={}, show=False)
    waiting = asyncio.ensure_future(run._wait())
    while not run.requests:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    run.answer("r1", "allowed")
    while [each.id for each in run.requests] != ["r2"]:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    terminal("y\n")
    await asyncio.wait_for(waiting, 20)
    assert (run.result, [each.by for each in run.record.requests]) == ([1, 2], ["user", "user"])


async def test_where_a_view_with_buttons_is_there_the_prompt_does_not_ask(terminal, capsys):
    run = Team(model=acting(lead=[code("x = 1"), final("x")]), approve="ask").start("Do it.", namespace={}, show=False)
    run.attend()
    waiting = asyncio.ensure_future(run._wait())
    while not run.requests:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert capsys.readouterr().out == ""
    run.answer("r1", "allowed")
    await asyncio.wait_for(waiting, 20)
