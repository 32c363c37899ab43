"""A budget in money holds, or is refused before any model is asked."""

from __future__ import annotations

import pytest

from agentnb import Agent, Team
from agentnb.errors import UserError
from agentnb.models import Price
from agentnb.run import context
from agentnb.run.budget import Budget, LimitReached, Meter
from agentnb.testing import ScriptedModel
from tests.support.scripts import acting, code, final
from tests.unit.run.test_team import go

PRICE = Price(input=1e-6, output=1e-5, cached=1e-7, stored=1e-6)


@pytest.fixture
def priced(monkeypatch):
    """Models named ``dear`` have a price, no others."""

    def price_of(model):
        return PRICE if getattr(model, "model_id", "") == "dear" else None

    monkeypatch.setattr("agentnb.models.chat.price_of", price_of)
    monkeypatch.setattr(context, "price_of", price_of)


def dear(model):
    model.model_id = "dear"
    return model


async def test_without_a_known_price_the_run_does_not_begin():
    model = ScriptedModel([final("1")], model_id="some-model")
    with pytest.raises(UserError, match=r"the price of some-model is not known here, so \$0.50 cannot be held") as told:
        await go(Team(model=model), budget="$0.50")
    assert "for instance -b 60k" in str(told.value)
    assert model.calls == []


async def test_every_member_of_the_team_needs_a_price(priced):
    boss, other = dear(acting(lead=[final("1")])), ScriptedModel([], model_id="cheap")
    desk = Team([Team([Agent("quant", model=other)], name="lab", role="models")], model=boss, budget="$1")
    with pytest.raises(UserError, match="the price of cheap is not known"):
        await go(desk)
    assert boss.calls == []


async def test_whom_the_team_hires_needs_a_price_too(priced):
    other = ScriptedModel([], model_id="cheap")
    hiring = [code("hire('quant', 'models', model='openai-compatible/cheap')"), final("'no'")]
    model = dear(acting(lead=hiring))
    run = await go(Team(model=model, api_base="http://127.0.0.1:9/v1"), budget="$1", namespace={"other": other})
    assert run.status == "done"
    assert "the price of openai-compatible/cheap is not known here" in run.steps[0].error.message


async def test_the_cost_is_in_the_record(priced):
    run = await go(Team(model=dear(acting(lead=[final("1")]))), budget="$1")
    assert run.status == "done"
    assert run.usage.cost == pytest.approx(PRICE.cost(run.usage.input_tokens, run.usage.output_tokens))


async def test_eight_parallel_specialists_cannot_overspend_the_money(priced):
    names = [f"s{n}" for n in range(8)]
    calls = ", ".join(f"{name}('do')" for name in names)
    lead = [code(f"final_answer(await asyncio.gather({calls}))")]
    model = dear(acting(latency=0.01, lead=lead, **{name: [final("1")] for name in names}))
    run = await go(Team([Agent(name) for name in names], model=model), budget="$0.04")
    assert run.status == "limit"
    assert "$0.04" in run.record.reason
    assert 0 < run.usage.cost <= 0.04
    assert 1 < len(model.calls) < 9


async def test_a_replay_costs_nothing_and_needs_no_price():
    recorded = await go(Team(model=acting(lead=[final("6 * 7")])))
    run = await go(Team(), replay=recorded.record, budget="$0.01")
    assert (run.status, run.result) == ("done", 42)


def test_the_money_of_a_call_under_way_is_reserved():
    meter = Meter(Budget(money=1.0))
    reserved = meter.reserve(100, 0.7)
    with pytest.raises(LimitReached, match=r"\$1.00"):
        meter.reserve(100, 0.7)
    meter.settle(reserved, None, 0.7)
    assert meter.reserve(100, 0.7) == 100
