"""Truncated and broken replies through litellm, whose streams hide both differently."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from agentnb.errors import PermanentModelError
from agentnb.models import Message, ModelChat, resolve
from tests.support.endpoint import endpoint, fails, streams

# not importorskip: that would import litellm unguarded, and fetch its price map over the network
pytestmark = pytest.mark.skipif(find_spec("litellm") is None, reason="needs litellm")
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
