"""Truncated and broken replies through litellm, whose streams hide both differently."""

from __future__ import annotations

import pytest

from agentnb.errors import ModelSetupError, PermanentModelError
from agentnb.models import Message, ModelChat, price_of, resolve
from tests.support.endpoint import endpoint, fails, streams
from tests.support.environment import names_added_by_importing

KEY = "sk-live-0123456789abcdef"


async def ask(server, retries):
    model = resolve("litellm/openai/m", api_base=server.url, environ={"OPENAI_API_KEY": KEY})
    chat = ModelChat(model, first_wait=0.01, stall=10)
    return await chat.ask([Message("user", "Hi")], on_text=lambda text: None, on_retry=retries.append)


async def test_fault_09_a_truncated_reply_is_marked():
    with endpoint(streams("<code>\nrm(", finish="length")) as server:
        assert (await ask(server, [])).cut


@pytest.mark.parametrize(
    "broken",
    [streams("rm(", "x)", cut_after=1), streams("rm(", finish=None), fails(503), fails(429, retry_after="0")],
    ids=["cut", "no finish", "503", "429"],
)
async def test_fault_08_a_broken_reply_is_asked_for_again(broken):
    retries = []
    with endpoint(broken, streams("42")) as server:
        reply = await ask(server, retries)
    assert reply.text == "42"
    assert not reply.cut
    assert len(retries) == 1
    assert len(server.requests) == 2


async def test_fault_04_a_refused_key_is_one_call_and_names_the_variable():
    refusal = fails(401, f"Incorrect API key provided: {KEY}")
    with endpoint(refusal) as server, pytest.raises(PermanentModelError, match="OPENAI_API_KEY") as caught:
        await ask(server, [])
    assert KEY not in str(caught.value)
    assert len(server.requests) == 1


def test_anthropic_goes_through_litellm_and_asks_for_the_prompt_cache():
    model = resolve("anthropic/claude-sonnet-4-5", environ={"ANTHROPIC_API_KEY": "sk-ant-1"})
    assert (type(model).__name__, model.model_id) == ("LiteLLMModel", "anthropic/claude-sonnet-4-5")
    assert model.kwargs["cache_control_injection_points"][0] == {"location": "message", "role": "system"}
    assert ModelChat(model).model_id == "anthropic/claude-sonnet-4-5"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("anthropic/claude", "ANTHROPIC_API_KEY"),
        ("litellm/groq/llama", "GROQ_API_KEY"),
        ("litellm/anthropic/claude", "ANTHROPIC_API_KEY"),
    ],
)
def test_a_missing_key_is_named(spec, name):
    with pytest.raises(ModelSetupError, match=f"set {name} in the environment"):
        resolve(spec, environ={})


def test_importing_litellm_leaves_the_environment_as_it_is(tmp_path):
    assert names_added_by_importing("litellm", tmp_path) == "litellm []"


@pytest.mark.parametrize("model_id", ["gpt-5-mini", "gpt-4o"])
def test_the_installed_map_knows_the_usual_prices(model_id):
    price = price_of(resolve(f"openai/{model_id}", environ={"OPENAI_API_KEY": "sk-0"}))
    assert price is not None
    assert 0 < price.cached < price.input < price.output < 1e-3
