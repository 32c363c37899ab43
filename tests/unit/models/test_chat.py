"""What a conversation with a model sends, hears and counts."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from agentnb.errors import PermanentModelError
from agentnb.models import Message, ModelChat, resolve
from agentnb.models.chat import ReplyEnd
from agentnb.models.prompt import alternate, can_see
from agentnb.testing import ScriptedModel
from tests.support.endpoint import endpoint, fails, streams

PROMPT = [Message("user", "Hi")]


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


async def ask(chat, prompt=PROMPT, on_text=lambda text: None):
    return await chat.ask(prompt, on_text=on_text, on_retry=lambda retry: None)


def chat_with(server, **kwargs) -> ModelChat:
    return ModelChat(resolve("openai-compatible/m", api_base=server.url, environ={}), first_wait=0.01, **kwargs)


async def test_the_model_is_named_as_it_is_chosen():
    with endpoint(streams("42")) as server:
        assert chat_with(server).model_id == "openai-compatible/m"
    assert ModelChat(ScriptedModel([])).model_id == "scripted"


async def test_streamed_text_arrives_in_order_and_whole():
    pieces = [f"{number} " for number in range(200)]
    heard = []
    with endpoint(streams(*pieces)) as server:
        reply = await ask(chat_with(server), on_text=heard.append)
    assert "".join(heard) == reply.text == "".join(pieces)


async def test_a_slow_stream_arrives_piece_by_piece():
    heard = []
    with endpoint(streams("a", "b", "c", pause=0.1)) as server:
        await ask(chat_with(server), on_text=heard.append)
    assert len(heard) > 1


async def test_usage_is_what_the_provider_counted_last():
    usage = {"prompt_tokens": 1200, "completion_tokens": 34, "total_tokens": 1234}
    usage["prompt_tokens_details"] = {"cached_tokens": 1024}
    with endpoint(streams("42", usage=usage)) as server:
        reply = await ask(chat_with(server))
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cached_tokens) == (1200, 34, 1024)
    assert reply.usage.calls == 1
    assert not reply.usage.estimated


async def test_usage_is_estimated_where_none_is_counted():
    with endpoint(streams("12345")) as server:
        reply = await ask(chat_with(server), [Message("user", "x" * 400)])
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.estimated) == (100, 2, True)


async def test_neighbours_of_one_role_are_joined_and_no_stop_is_sent():
    prompt = [Message("system", "S"), Message("user", "a"), Message("user", "b"), Message("assistant", "c")]
    with endpoint(streams("42")) as server:
        await ask(chat_with(server), [*prompt, Message("user", "d")])
    sent = server.requests[0]
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "user"]
    assert sent["messages"][1]["content"] == [{"type": "text", "text": "a\n\nb"}]
    assert "stop" not in sent


async def test_a_model_that_goes_on_after_its_code_is_stopped():
    first = "Now.\n<code>\nprint('</code>')\n</code>\n"
    with endpoint(streams(first, "\nObservation: 42\n", *["and so on "] * 400, pause=0.01)) as server:
        reply = await ask(chat_with(server))
        assert await asyncio.to_thread(server.hung_up.wait, 5)
    assert reply.text.strip() == first.strip()
    assert not reply.cut
    assert reply.usage.estimated


def reply_of(pieces) -> tuple[str, bool]:
    end = ReplyEnd()
    for piece in pieces:
        end.feed(piece)
        if end.over:
            break
    return end.text, end.over


@given(st.text("ab <code>/\n", max_size=80), st.lists(st.integers(0, 200), max_size=8))
def test_where_a_reply_ends_does_not_depend_on_how_it_is_cut_up(text, cuts):
    text = f"<code>\nx\n</code>\n{text}"
    bounds = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    pieces = [text[start:end] for start, end in pairwise(bounds)]
    whole, over = reply_of([text])
    cut, cut_over = reply_of(pieces)
    assert (cut.rstrip(), cut_over) == (whole.rstrip(), over)
    assert whole.startswith("<code>\nx\n</code>\n")
    assert over == bool(text.removeprefix("<code>\nx\n</code>\n").strip())


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=5))))
def test_roles_alternate_and_nothing_is_lost(pairs):
    joined = alternate([Message(role, text) for role, text in pairs])
    assert all(a.role != b.role for a, b in pairwise(joined))
    assert sum(len(message.text.replace("\n\n", "")) for message in joined) <= sum(len(text) for _, text in pairs)
    assert all(any(text in message.text for message in joined) for _, text in pairs)


async def test_images_go_to_a_model_that_may_see():
    with endpoint(streams("A chart.")) as server:
        await ask(chat_with(server), [Message("user", "Look", (png(),))])
    kinds = [part["type"] for part in server.requests[0]["messages"][0]["content"]]
    assert kinds == ["text", "image_url"]


async def test_images_are_dropped_once_and_for_all_where_they_are_refused():
    with endpoint(fails(400, "this model takes no image input"), streams("42")) as server:
        chat = chat_with(server)
        for _ in range(2):
            assert (await ask(chat, [Message("user", "Look", (png(),))])).text == "42"
    parts = [len(request["messages"][0]["content"]) for request in server.requests]
    assert parts == [2, 1, 1]


async def test_images_do_not_go_to_a_model_that_is_known_to_be_blind():
    with endpoint(streams("42")) as server:
        model = resolve("openai-compatible/deepseek-chat", api_base=server.url, environ={})
        await ask(ModelChat(model), [Message("user", "Look", (png(),))])
    assert len(server.requests[0]["messages"][0]["content"]) == 1


@pytest.mark.parametrize(
    ("model_id", "sees"),
    [("gpt-5-mini", True), ("o3", True), ("o3-mini", False), ("claude-sonnet-4-5", True), ("llama3.1:8b", None)],
)
def test_who_can_see(model_id, sees):
    assert can_see(ScriptedModel([], model_id=model_id)) is sees


@dataclass
class Said:
    content: object
    raw: object = None
    token_usage: object = None


class OnlyGenerate:
    def __init__(self, content):
        self.content = content

    def generate(self, messages):
        return Said(self.content, raw={"choices": [{"finish_reason": "stop"}]})


@pytest.mark.parametrize(
    ("content", "text"), [("42", "42"), (None, ""), ([{"type": "text", "text": "4"}, {"text": "2"}], "42")]
)
async def test_a_model_with_only_generate_will_do(content, text):
    heard = []
    reply = await ask(ModelChat(resolve(OnlyGenerate(content))), on_text=heard.append)
    assert reply.text == text == "".join(heard)
    assert reply.usage.estimated


async def test_a_subclass_that_overrides_generate_alone_is_not_passed_by():
    class Loud(ScriptedModel):
        def generate(self, messages, *args, **kwargs):
            message = super().generate(messages)
            message.content = message.content.upper()
            return message

    assert (await ask(ModelChat(Loud(["hello"])))).text == "HELLO"


async def test_a_fault_in_the_users_own_model_keeps_its_traceback():
    class Broken(OnlyGenerate):
        def generate(self, messages):
            return {}["missing"]

    with pytest.raises(PermanentModelError, match="Broken failed with KeyError: 'missing'") as caught:
        await ask(ModelChat(Broken("")))
    assert isinstance(caught.value.__cause__, KeyError)


async def test_64_calls_start_at_once():
    together = threading.Barrier(64, timeout=20)

    class Meeting(OnlyGenerate):
        def generate(self, messages):
            together.wait()
            return super().generate(messages)

    chat = ModelChat(Meeting("42"))
    replies = await asyncio.gather(*(ask(chat) for _ in range(64)))
    assert [reply.text for reply in replies] == ["42"] * 64


async def test_one_model_object_serves_parallel_calls_without_mixing_them():
    def answer(messages):
        return f"<{messages[-1]['content']}>" * 20

    chat = ModelChat(ScriptedModel(answer, latency=0.01))
    replies = await asyncio.gather(*(ask(chat, [Message("user", str(number))]) for number in range(20)))
    assert [reply.text for reply in replies] == [f"<{number}>" * 20 for number in range(20)]


async def test_a_cancelled_call_closes_its_stream_at_the_next_piece():
    closed = threading.Event()

    @dataclass
    class Delta:
        content: str
        token_usage: object = None

    class Endless:
        def generate(self, messages):
            raise AssertionError

        def generate_stream(self, messages):
            try:
                while True:
                    yield Delta("x")
                    time.sleep(0.01)
            finally:
                closed.set()

    asking = asyncio.create_task(ask(ModelChat(Endless())))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await asyncio.to_thread(closed.wait, 5)


def test_a_call_that_hangs_does_not_keep_the_interpreter():
    program = """
import asyncio, threading
from agentnb.models import Message, ModelChat
class Stuck:
    def generate(self, messages):
        threading.Event().wait()
async def main():
    chat = ModelChat(Stuck(), stall=0.02, cap=0)
    try:
        await chat.ask([Message("user", "Hi")], on_text=print, on_retry=print)
    except Exception as error:
        print(error)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "said nothing for 0.1 s" in done.stdout
