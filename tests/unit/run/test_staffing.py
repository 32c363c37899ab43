"""Hiring, dismissing and changing in mid-run; tools; names that meet."""

import functools

import pytest

from agentnb import Agent, Team
from agentnb.errors import ModelSetupError, UserError
from agentnb.record.events import ReplyEnded
from agentnb.tools import tool
from tests.support.scripts import acting, agent_of, code, final, told
from tests.unit.run.test_control import at, start
from tests.unit.run.test_team import go, team


def double(x: int) -> int:
    """Twice x."""
    return 2 * x


async def later(x: int) -> int:
    """One more than x."""
    return x + 1


def roster(run):
    return {member.name: (member.role, member.left_at is None) for member in run.record.roster}


async def test_a_specialist_hired_in_a_step_works_in_that_step():
    model = acting(lead=[code("hire('quant', 'fits models')", "final_answer(await quant('do'))")], quant=[final("42")])
    desk = team(model)
    run = await go(desk)
    assert run.result == 42
    assert roster(run)["quant"] == ("fits models", True)
    assert "quant" in desk


async def test_a_dismissed_specialist_is_gone_in_that_step():
    model = acting(
        lead=[
            code("dismiss('quant')", "try:", "    await quant('do')", "except NameError:", "    final_answer('gone')")
        ]
    )
    run = await go(team(model, "quant"))
    assert run.result == "gone"
    assert roster(run)["quant"] == ("does quant", False)


async def test_a_changed_specialist_has_its_new_settings_with_its_next_task():
    lead = [code("change('quant', role='adds up', tools=[double])", "final_answer(await quant('do'))")]
    model = acting(lead=lead, quant=[final("double(4)")])
    run = await go(team(model, "quant"), namespace={"double": double})
    assert run.result == 8
    assert roster(run)["quant"] == ("adds up", True)
    prompt = next(call for call in model.calls if agent_of(call) == "quant")[0]["content"]
    assert "adds up" in prompt
    assert "double(x: int)" in prompt


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("hire('two words', 'x')", "try 'two_words'"),
        ("hire('quant', 'x')", "already an agent"),
        ("hire('data', 'x')", "variable of the person's"),
        ("hire('b', 'x', tools=['nothing'])", "no tool 'nothing'"),
        ("hire('b', 'x', colour='red')", "no setting 'colour'"),
        ("dismiss('quand')", "did you mean 'quant'"),
        ("change('quant', colour='red')", "no setting 'colour'"),
        ("await quant()", 'call it as `await quant("what to do'),
        ("await quant('a', 'b')", 'call it as `await quant("what to do'),
    ],
)
async def test_a_slip_is_told_to_the_model(line, says):
    model = acting(lead=[code(line), final("'on'")])
    run = await go(team(model, "quant"), namespace={"data": [1]})
    assert run.result == "on"
    assert says in told(model.calls[1])


async def test_the_person_hires_in_mid_run_and_the_coordinator_is_told():
    model = acting(lead=[code("x = 1"), code("final_answer(await quant('do'))")], quant=[final("x + 1")])
    desk = team(model)
    run = start(desk)
    at(run, ReplyEnded, lambda: desk.hire("quant", "fits models"))
    await run
    assert run.result == 2
    assert "user hired `quant` (fits models)" in told(model.calls[1])
    assert model.calls[1][:2] == model.calls[0]


async def test_the_person_changes_and_dismisses_in_mid_run():
    model = acting(lead=[code("x = 1"), code("y = 1"), final("y")])
    desk = team(model, "a", "b")
    run = start(desk)
    at(run, ReplyEnded, lambda: desk.dismiss("a"))
    at(run, ReplyEnded, lambda: desk.change("b", role="does more"), number=2)
    await run
    assert "user dismissed `a`" in told(model.calls[1])
    assert "user changed `b`: role='does more'" in told(model.calls[2])
    assert roster(run)["b"] == ("does more", True)


# --- tools ------------------------------------------------------------------------------------------------------------


class Desk:
    factor = 3

    def times(self, x: int) -> int:
        """X times the factor."""
        return self.factor * x


def smolagents_tool():
    from agentnb._smolagents import import_smolagents

    class Shout(import_smolagents().Tool):
        name = "shout"
        description = "Says it loud."
        inputs = {"text": {"type": "string", "description": "what"}}
        output_type = "string"

        def forward(self, text: str) -> str:
            return text.upper()

    return Shout()


def power(base: int, exponent: int) -> int:
    """Base to the exponent."""
    return base**exponent


@pytest.mark.parametrize(
    ("made", "call", "result"),
    [
        (double, "double(21)", 42),
        (later, "await later(41)", 42),
        (Desk().times, "times(14)", 42),
        (functools.partial(power, exponent=2), "power(3)", 9),
        (smolagents_tool, "shout('hey')", "HEY"),
    ],
    ids=["function", "async", "method", "partial", "smolagents"],
)
async def test_tools_are_called_from_code(made, call, result):
    model = acting(lead=[code("final_answer(await quant('do'))")], quant=[final(call)])
    variables = {}
    run = await go(
        Team([Agent("quant", "fits", tools=[made() if made is smolagents_tool else made])], model=model),
        namespace=variables,
    )
    assert run.result == result
    assert variables == {}


async def test_a_tool_that_hangs_is_ended_and_the_model_told():
    @tool(timeout=0.2)
    def hangs() -> None:
        """Never returns."""
        while True:
            pass

    model = acting(lead=[code("hangs()"), final("'on'")])
    run = await go(Team(model=model, tools=[hangs]))
    assert run.result == "on"
    assert "hangs() ran longer than 0.2 s" in told(model.calls[1])


# --- mistakes of the person's: one sentence, and no model is asked ----------------------------------------------------


@pytest.mark.parametrize(
    ("members", "options", "says"),
    [
        ([Agent("quant", "x")], {"namespace": {"quant": 5}}, "also a variable of yours"),
        ([Agent("quant", "x", tools=[double])], {"namespace": {"double": 5}}, "'double' is a tool and also a variable"),
        ([Agent("quant", "x")], {"agents": ("quand",)}, "did you mean 'quant'"),
        ([], {"budget": "lots"}, "is not understood"),
        ([], {"mode": "fast"}, "no mode 'fast'"),
        ([], {"approve": "maybe"}, "no approval 'maybe'"),
        ([], {"task": " "}, "there is no task"),
    ],
)
async def test_a_mistake_costs_no_model_call(members, options, says):
    model = acting(lead=[final("1")])
    with pytest.raises(UserError, match=says):
        await go(Team(members, model=model), **options)
    assert model.calls == []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Team([Agent("a", "x"), Agent("a", "y")]), "already an agent 'a'"),
        (lambda: Team([Agent("hire", "x")]), "meaning of its own"),
        (lambda: Team([Agent("two words", "x")]), "try 'two_words'"),
        (lambda: Team([Team([])]), "needs a name and a role"),
        (lambda: Team(["quant"]), "is an Agent or a Team, not str"),
        (lambda: Team(budget="lots"), "is not understood"),
    ],
)
def test_a_team_that_cannot_be(make, says):
    with pytest.raises(UserError, match=says):
        make()


async def test_without_a_model_it_is_said_how_to_set_one(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    with pytest.raises(ModelSetupError, match="model"):
        await go(Team())
    with pytest.raises(ModelSetupError):
        await go(Team(model="nowhere/m"))
