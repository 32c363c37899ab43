"""The model faults of a run, each from a real endpoint through smolagents' own client."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from agentnb.errors import ContextOverflow, PermanentModelError, TransientModelError
from agentnb.models import Message, ModelChat, resolve
from tests.support.endpoint import endpoint, fails, says, stalls, streams

PROMPT = [Message("system", "You work in a notebook."), Message("user", "What is 6 * 7?")]
KEY = "sk-live-0123456789abcdef"


class Asker:
    """Asks once and keeps what the caller was told."""

    def __init__(self, url: str, *, stall: float = 5.0, cap: float = 5.0, first_wait: float = 0.01, **given):
        environ = {"AGENTNB_API_KEY": KEY, "OPENAI_API_KEY": KEY}
        model = given.get("model") or resolve(given.get("spec", "openai-compatible/m"), api_base=url, environ=environ)
        self.chat = ModelChat(model, stall=stall, cap=cap, first_wait=first_wait)
        self.text = ""
        self.retries = []

    async def ask(self, prompt=PROMPT):
        return await self.chat.ask(prompt, on_text=self._add, on_retry=self._retry)

    def _add(self, text):
        self.text += text

    def _retry(self, retry):
        self.retries.append(retry)
        self.text = ""


async def test_fault_01_waits_as_long_as_the_server_asks():
    with endpoint(fails(429, retry_after="1"), streams("4", "2")) as server:
        asker = Asker(server.url)
        reply = await asker.ask()
    assert reply.text == asker.text == "42"
    assert [(retry.wait, retry.attempt) for retry in asker.retries] == [(1.0, 1)]
    assert "429" in asker.retries[0].reason
    assert server.times[1] - server.times[0] >= 1.0


async def test_fault_01_understands_an_http_date():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    with endpoint(fails(429, retry_after=date), streams("42")) as server:
        asker = Asker(server.url)
        await asker.ask()
    assert 0 <= asker.retries[0].wait <= 2


async def test_fault_01_a_longer_wait_than_is_left_fails_at_once_and_says_so():
    with endpoint(fails(429, retry_after="600")) as server:
        asker = Asker(server.url)
        with pytest.raises(TransientModelError, match=r"asks to wait 600 s, longer than the 5 s left") as caught:
            await asker.ask()
    assert caught.value.retry_after == 600
    assert len(server.requests) == 1
    assert asker.retries == []


async def test_fault_02_429_for_ever_ends_within_the_cap():
    with endpoint(fails(429)) as server:
        asker = Asker(server.url, cap=0.5)
        with pytest.raises(TransientModelError, match=r"openai-compatible is asked too often .*tried \d+ times"):
            await asker.ask()
    assert len(server.requests) >= 2
    assert server.times[-1] - server.times[0] < 5


async def test_fault_02_a_users_own_model_object_is_not_retried_in_secret():
    from agentnb._smolagents import import_smolagents

    with endpoint(fails(429), fails(503), streams("42")) as server:
        model = import_smolagents().OpenAIModel("m", api_base=server.url, api_key=KEY)  # retries in client and model on
        asker = Asker(server.url, model=model)
        await asker.ask()
    assert len(server.requests) == 3
    assert [retry.attempt for retry in asker.retries] == [1, 2]


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 529])
async def test_fault_03_a_server_error_is_retried(status):
    with endpoint(fails(status), streams("42")) as server:
        asker = Asker(server.url)
        reply = await asker.ask()
    assert reply.text == "42"
    assert len(asker.retries) == 1
    assert str(status) in asker.retries[0].reason


@pytest.mark.parametrize("status", [401, 403])
async def test_fault_04_a_refused_key_is_one_call_and_names_the_variable(status):
    with endpoint(fails(status, f"Incorrect API key provided: {KEY}")) as server:
        with pytest.raises(PermanentModelError) as caught:
            await Asker(server.url).ask()
        with pytest.raises(PermanentModelError, match="AGENTNB_API_KEY"):
            await Asker(server.url).ask()
    assert len(server.requests) == 2
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_fault_05_an_unknown_model_is_one_call_and_names_it():
    with (
        endpoint(fails(404, "The model does not exist")) as server,
        pytest.raises(PermanentModelError, match="openai-compatible knows no model 'm'"),
    ):
        await Asker(server.url).ask()
    assert len(server.requests) == 1


async def test_fault_06_connection_refused_is_tried_three_times():
    with socket.socket() as sock:  # bound and not listening: refuses, and nobody else can take the port
        sock.bind(("127.0.0.1", 0))
        asker = Asker(f"http://127.0.0.1:{sock.getsockname()[1]}/v1", cap=60)
        with pytest.raises(TransientModelError, match=r"cannot be reached.*tried 3 times"):
            await asker.ask()
    assert len(asker.retries) == 2


async def test_fault_06_no_such_host_is_tried_three_times():
    asker = Asker("http://no-such-host.invalid/v1", cap=60)
    with pytest.raises(TransientModelError, match=r"cannot be reached.*tried 3 times"):
        await asker.ask()


async def test_fault_07_silence_is_a_stall():
    with endpoint(stalls) as server, pytest.raises(TransientModelError, match=r"said nothing for 0.2 s"):
        await Asker(server.url, stall=0.2, cap=0.0).ask()


async def test_fault_07_silence_in_mid_stream_is_retried():
    with endpoint(streams("4", "2", stall_after=1), streams("42")) as server:
        asker = Asker(server.url, stall=0.3)
        reply = await asker.ask()
    assert reply.text == asker.text == "42"
    assert len(asker.retries) == 1


@pytest.mark.parametrize("answer", [stalls, streams("4", "2", stall_after=1)], ids=["before", "within"])
async def test_fault_07_stop_works_at_once(answer):
    with endpoint(answer) as server:
        asking = asyncio.create_task(Asker(server.url, stall=60).ask())
        while not server.requests:
            await asyncio.sleep(0.01)
        start = time.monotonic()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert time.monotonic() - start < 2


async def test_fault_08_a_stream_cut_within_code_is_asked_for_again():
    code = ["Now.\n", "<code>\n", "rm(", "everything)\n", "</code>"]
    with endpoint(streams(*code, cut_after=3), streams(*code)) as server:
        asker = Asker(server.url)
        reply = await asker.ask()
    assert reply.text == asker.text == "".join(code)
    assert not reply.cut
    assert len(asker.retries) == 1


async def test_fault_08_a_stream_that_ends_without_a_finish_reason_is_asked_for_again():
    with endpoint(streams("<code>\nrm(", finish=None), streams("42")) as server:
        asker = Asker(server.url)
        reply = await asker.ask()
    assert reply.text == "42"
    assert "broke off" in asker.retries[0].reason


@pytest.mark.parametrize("reason", ["length", "max_tokens", "content_filter"])
async def test_fault_09_a_truncated_reply_is_marked(reason):
    with endpoint(streams("<code>\nrm(", finish=reason)) as server:
        reply = await Asker(server.url).ask()
    assert reply.cut
    assert reply.text == "<code>\nrm("


async def test_fault_09_also_where_the_reply_comes_whole():
    with endpoint(fails(400, "stream is not supported"), says("<code>\nrm(", finish="length"), says("42")) as server:
        asker = Asker(server.url)
        first, second = await asker.ask(), await asker.ask()
    assert first.cut
    assert not second.cut
    assert [request.get("stream", False) for request in server.requests] == [True, False, False]


async def test_fault_10_an_empty_reply_comes_back_as_it_is():
    with endpoint(streams("")) as server:
        reply = await Asker(server.url).ask()
    assert reply.text == ""
    assert not reply.cut


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "This model's maximum context length is 8192 tokens, you asked for 14290", "context_length_exceeded"),
        (429, "Error 429: maximum context length is 8192 tokens", None),
        (400, "prompt is too long: 214290 tokens > 200000 maximum", None),
        (413, "too many tokens in the prompt", None),
    ],
)
async def test_fault_12_a_prompt_that_is_too_long_is_not_retried(status, message, code):
    with endpoint(fails(status, message, code=code)) as server, pytest.raises(ContextOverflow):
        await Asker(server.url).ask()
    assert len(server.requests) == 1


async def test_fault_12_a_rate_limit_in_tokens_is_not_a_long_prompt():
    with endpoint(fails(429, "Too many tokens per minute, please wait"), streams("42")) as server:
        reply = await Asker(server.url).ask()
    assert reply.text == "42"


async def test_a_used_up_quota_is_not_retried():
    with (
        endpoint(fails(429, "You exceeded your current quota", code="insufficient_quota")) as server,
        pytest.raises(PermanentModelError, match="quota"),
    ):
        await Asker(server.url).ask()
    assert len(server.requests) == 1


async def test_a_malformed_request_is_not_retried():
    with (
        endpoint(fails(400, "unknown parameter")) as server,
        pytest.raises(PermanentModelError, match="unknown parameter"),
    ):
        await Asker(server.url).ask()
    assert len(server.requests) == 1
