"""The names an agent's code sees beside the variables, and the end of its task."""

import builtins

import pytest

from agentnb.errors import Correction
from agentnb.kernel.action.names import FinalAnswer, cell_names, final_answer
from tests.unit.kernel.actions import act, stage_over


def test_they_are_the_builtins_and_more_and_the_builtins_stay_as_they_are():
    before = dict(vars(builtins))
    names = cell_names({"tool": 1, "len": 2})
    assert (names["tool"], names["len"], names["sum"]) == (1, 2, sum)
    assert dict(vars(builtins)) == before


async def test_a_name_put_in_while_the_code_runs_is_seen_at_once_and_is_no_variable():
    stage = stage_over()
    stage.names["hire"] = lambda: stage.names.update(risk=lambda: "at work")
    _, outcome = await act("hire()\nrisk()", stage)
    assert outcome.value == "at work"
    assert set(stage.namespace) == {"__name__"}


async def test_a_variable_hides_a_tool_of_the_same_name():
    stage = stage_over({"search": "the user's"}, {"search": "the tool"})
    _, outcome = await act("search", stage)
    assert outcome.value == "the user's"


@pytest.mark.parametrize("call", ["input('how many?')", "breakpoint()"])
async def test_what_would_wait_for_a_person_is_corrected(call):
    _, outcome = await act(call)
    assert isinstance(outcome.error, Correction)


async def test_a_final_answer_ends_the_action_with_the_object_itself():
    stage, outcome = await act("rows = [1]\nfinal_answer(rows)\nrows.append(2)")
    assert outcome.final
    assert outcome.value is stage.namespace["rows"]
    assert outcome.value == [1]
    assert outcome.error is None


@pytest.mark.parametrize("how", ["except BaseException", "except"])
async def test_a_final_answer_that_the_code_swallows_counts(how):
    stage, outcome = await act(f"try:\n    final_answer(7)\n{how}:\n    print('went on')\n'closing'")
    assert (outcome.final, outcome.value, outcome.error) == (True, 7, None)
    assert stage.outputs.text.startswith("went on")


async def test_except_exception_does_not_catch_a_final_answer():
    stage, outcome = await act("try:\n    final_answer()\nexcept Exception:\n    print('caught')")
    assert (outcome.final, outcome.value) == (True, None)
    assert stage.outputs == []


async def test_a_final_answer_in_a_task_of_the_code_counts():
    code = "async def f():\n    final_answer(1)\ntry:\n    await f()\nfinally:\n    print('cleaned up')"
    stage, outcome = await act(code)
    assert (outcome.final, outcome.value) == (True, 1)
    assert stage.outputs.text == "cleaned up\n"


async def test_an_action_without_one_is_not_final():
    _, outcome = await act("3")
    assert (outcome.final, outcome.value) == (False, 3)


def test_outside_of_an_action_it_only_raises():
    with pytest.raises(FinalAnswer) as raised:
        final_answer(5)
    assert raised.value.value == 5
