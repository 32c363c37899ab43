"""What calls cost, and that a budget in money holds or is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from agentnb.models import Message, ModelChat, Price, price_of, resolve
from agentnb.models import prices as module
from agentnb.testing import ScriptedModel
from tests.support.endpoint import endpoint, streams

ENVIRON = {"OPENAI_API_KEY": "sk-0", "ANTHROPIC_API_KEY": "sk-1", "GEMINI_API_KEY": "sk-2"}
ENTRIES = {
    "gpt-a": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "output_cost_per_token": 8e-6}
    | {"cache_read_input_token_cost": 1e-7},
    "claude-b": {"litellm_provider": "anthropic", "input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6}
    | {"cache_creation_input_token_cost": 3.75e-6},
    "images-only": {"litellm_provider": "openai", "output_cost_per_image": 0.04},
}


@pytest.fixture(autouse=True)
def _not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "litellm", raising=False)
    module._bundled.cache_clear()
    yield
    module._bundled.cache_clear()


@pytest.fixture
def price_map(tmp_path, monkeypatch):
    """A package litellm with a price map of our own, found before an installed one."""
    package = tmp_path / "litellm"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('not to be imported for a price')")
    (package / "model_prices_and_context_window_backup.json").write_text(json.dumps(ENTRIES))
    monkeypatch.syspath_prepend(str(tmp_path))


def openai(model_id, api_base=None):
    return resolve(f"openai/{model_id}", api_base=api_base, environ=ENVIRON)


def test_a_cost_counts_cached_tokens_at_their_own_price():
    price = Price(input=1.0, output=10.0, cached=0.1, stored=2.0)
    assert price.cost(100, 5) == 150
    assert price.cost(100, 5, cached=50, stored=20) == pytest.approx(30 + 5 + 40 + 50)
    assert price.at_most(100, 5) == 250


def test_prices_are_read_from_the_map_without_importing_litellm(price_map):
    assert price_of(openai("gpt-a")) == Price(input=1e-6, output=8e-6, cached=1e-7, stored=1e-6)
    assert module.has_prices()


@pytest.mark.parametrize(
    "model",
    [
        openai("gpt-unheard-of"),
        openai("claude-b"),  # another provider's
        openai("images-only"),
        openai("gpt-a", api_base="http://127.0.0.1:9/v1"),  # who knows what is behind it
        ScriptedModel([], model_id="gpt-a"),
    ],
    ids=["unknown", "other provider", "no token price", "own address", "no provider"],
)
def test_no_price_is_made_up(price_map, model):
    assert price_of(model) is None


def test_prices_that_the_person_registered_count(monkeypatch):
    monkeypatch.setitem(sys.modules, "litellm", type(sys)("litellm"))
    sys.modules["litellm"].model_cost = {"openai/mine": ENTRIES["gpt-a"]}
    assert price_of(openai("mine")) == Price(input=1e-6, output=8e-6, cached=1e-7, stored=1e-6)


def test_without_litellm_no_price_is_known(monkeypatch):
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not (Path(path) / "litellm").is_dir()])
    sys.path_importer_cache.clear()
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not (Path(path) / "litellm").is_dir()])
    assert price_of(openai("gpt-5-mini")) is None
    assert not module.has_prices()


async def test_a_call_is_priced_as_the_provider_counted(price_map):
    usage = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}
    usage["prompt_tokens_details"] = {"cached_tokens": 600}
    with endpoint(streams("hi", usage=usage)) as server:
        chat = ModelChat(openai("gpt-a", api_base=server.url))
        assert chat.price is None
        chat.price = price_of(openai("gpt-a"))
        reply = await chat.ask([Message("user", "Hi")], on_text=lambda _: None, on_retry=lambda _: None)
    assert reply.usage.cost == pytest.approx(400e-6 + 60e-6 + 80e-6)


async def test_a_model_without_a_price_costs_nothing_known():
    chat = ModelChat(ScriptedModel(["hi"]))
    reply = await chat.ask([Message("user", "Hi")], on_text=lambda _: None, on_retry=lambda _: None)
    assert reply.usage.cost is None
