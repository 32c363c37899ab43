import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.errors import OptionError, UserError
from agentnb.record.document import Usage
from agentnb.run.budget import Budget, LimitReached, Meter


@pytest.mark.parametrize(
    ("spec", "budget"),
    [
        (None, Budget()),
        ("", Budget()),
        ("60k", Budget(tokens=60_000)),
        ("1.5M", Budget(tokens=1_500_000)),
        ("800", Budget(tokens=800)),
        ("60k tokens", Budget(tokens=60_000)),
        ("$0.50", Budget(money=0.5)),
        ("0.5$", Budget(money=0.5)),
        ("2 usd", Budget(money=2.0)),
        ("5m", Budget(seconds=300.0)),
        ("90s", Budget(seconds=90.0)),
        ("2 min", Budget(seconds=120.0)),
        ("10 minutes", Budget(seconds=600.0)),
        ("1.5h", Budget(seconds=5400.0)),
        ("20 steps", Budget(steps=20)),
        ("1 step", Budget(steps=1)),
        ("3 agents", Budget(agents=3)),
        (
            "60k, $0.50, 5m, 20 steps, 3 agents",
            Budget(tokens=60_000, money=0.5, seconds=300.0, steps=20, agents=3),
        ),
        (Budget(steps=2), Budget(steps=2)),
    ],
)
def test_forms(spec, budget):
    assert Budget.parse(spec) == budget


@pytest.mark.parametrize("spec", ["lots", "5 apples", "60kk", "-3", "1e5", "5m 20 steps", "$", "nan", "$inf", "½k"])
def test_what_is_not_understood_names_the_part_and_an_example(spec):
    with pytest.raises(OptionError, match=r"is not understood; write for instance '60k"):
        Budget.parse(f"10 steps, {spec}")


@pytest.mark.parametrize("spec", ["0", "0 steps", "$0", "0m", "0.0001"])
def test_nothing_is_no_budget(spec):
    with pytest.raises(OptionError, match="leaves nothing to spend"):
        Budget.parse(spec)


def test_a_limit_is_given_once():
    with pytest.raises(OptionError, match="limits tokens twice"):
        Budget.parse("60k, 3 steps, 70k")


@given(st.text(max_size=40))
def test_any_text_is_a_budget_or_a_mistake_of_the_persons(text):
    with contextlib.suppress(UserError):
        budget = Budget.parse(text)
        assert all(value is None or value > 0 for value in (budget.tokens, budget.steps, budget.agents, budget.seconds))


@given(
    st.builds(
        Budget,
        tokens=st.none() | st.integers(1, 10**9),
        money=st.none() | st.integers(1, 10**6).map(lambda cents: cents / 100),
        seconds=st.none() | st.integers(1, 10**5).map(float),
        steps=st.none() | st.integers(1, 10**4),
        agents=st.none() | st.integers(1, 100),
    )
)
def test_what_is_written_is_what_was_read(budget):
    written = re.sub(r"(?<=\d),(?=\d)", "", str(budget))
    assert Budget.parse(written) == budget


def used(tokens: int, cost: float | None = None) -> Usage:
    return Usage(input_tokens=tokens, calls=1, cost=cost)


def test_tokens_are_reserved_before_they_are_spent():
    meter = Meter(Budget(tokens=1000))
    first, second = meter.reserve(400), meter.reserve(400)
    with pytest.raises(LimitReached, match="does not last for another call"):
        meter.reserve(400)
    meter.settle(first, used(100))
    third = meter.reserve(400)
    meter.settle(second, None)
    meter.settle(third, used(300))
    assert meter.usage.tokens == 400
    assert meter.reserve(600) == 600


def test_steps_are_counted_as_they_begin():
    meter = Meter(Budget(steps=2))
    meter.reserve(1)
    meter.reserve(1)
    with pytest.raises(LimitReached, match="2 steps"):
        meter.reserve(1)


def test_money_ends_the_run_once_it_is_spent():
    meter = Meter(Budget(money=0.5))
    meter.settle(meter.reserve(10), used(10, 0.3))
    meter.settle(meter.reserve(10), used(10, 0.3))
    with pytest.raises(LimitReached, match=r"\$0\.50"):
        meter.reserve(10)


def test_an_agent_counts_once():
    meter = Meter(Budget(agents=2))
    for name in ("coordinator", "quant", "quant", "coordinator"):
        meter.admit(name)
    with pytest.raises(LimitReached, match="2 agents"):
        meter.admit("reporter")
