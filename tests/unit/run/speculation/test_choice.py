"""Which of several tries is the best: by score, by judge, by majority, and with tries that fail."""

import itertools

import pytest

from agentnb.errors import DelegationError
from agentnb.run.budget import LimitReached
from agentnb.run.speculation.choice import Choice, choose


def tries(*answers):
    """A try that comes to these answers in turn; an exception is raised."""
    numbers = itertools.count()

    async def attempt():
        number = next(numbers)
        if isinstance(answers[number], BaseException):
            raise answers[number]
        return answers[number], f"t{number + 1}"

    return attempt


async def slow_score(answer):
    return -answer


@pytest.mark.parametrize(("judge", "best"), [(None, (2, "t2")), (max, None), (slow_score, (1, "t1"))])
async def test_the_highest_score_wins_or_else_the_most_frequent_answer(judge, best):
    if judge is max:  # of a single number it raises: a judge's fault is its own
        with pytest.raises(TypeError):
            await choose(tries(1, 2, 2), 3, judge, None)
    else:
        choice = await choose(tries(1, 2, 2), 3, judge, None)
        assert (choice.answer, choice.kept) == best
        assert [*choice.dropped, choice.kept] == sorted(choice.tasks, key=lambda task: task == choice.kept)


async def test_tries_that_fail_are_left_out():
    choice = await choose(tries(ValueError("no"), 5, 7), 3, lambda answer: answer, None)
    assert (choice, choice.dropped) == (Choice(7, "t3", [None, "t2", "t3"]), ["t2"])
    assert await choose(tries(ValueError("no"), 5), 2, None, None) == Choice(5, "t2", [None, "t2"])
    with pytest.raises(ValueError, match="first"):
        await choose(tries(ValueError("first"), ValueError("second")), 2, None, None)


async def test_a_used_up_budget_ends_it_though_a_try_has_its_answer():
    with pytest.raises(LimitReached):
        await choose(tries(1, LimitReached("used up")), 2, None, None)


@pytest.mark.parametrize(("number", "best"), [("1", 6), (0, 5), (2, None), ("the first", None)])
async def test_an_agent_that_judges_answers_with_a_number(number, best):
    async def ask(question, candidates):
        assert (question, candidates) == ("which?", [5, 6])
        return number

    if best is None:
        with pytest.raises(DelegationError, match="a number from 0 to 1"):
            await choose(tries(5, 6), 2, None, ("which?", ask))
    else:
        assert (await choose(tries(5, 6), 2, None, ("which?", ask))).answer == best


@pytest.mark.parametrize("n", [0, 17, "3"])
async def test_the_number_of_tries_is_bounded(n):
    with pytest.raises(DelegationError, match="from 1 to 16"):
        await choose(tries(), n, None, None)
