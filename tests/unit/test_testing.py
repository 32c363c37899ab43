"""The scripted model that users test their teams with."""

from __future__ import annotations

import threading

import pytest
from smolagents import ChatMessage, CodeAgent, Model

from agentnb.errors import PermanentModelError
from agentnb.testing import ScriptedModel


def user(text):
    return ChatMessage(role="user", content=[{"type": "text", "text": text}])


def test_it_answers_from_a_list_and_keeps_the_calls():
    model = ScriptedModel(["one", "two"])
    assert isinstance(model, Model)
    assert [model.generate([user("a")]).content, model.generate([user("b")]).content] == ["one", "two"]
    assert model.calls == [[{"role": "user", "content": "a"}], [{"role": "user", "content": "b"}]]


def test_it_answers_from_a_function_of_the_messages():
    model = ScriptedModel(lambda messages: messages[-1]["content"][::-1])
    assert model.generate([user("abc")]).content == "cba"


def test_it_streams_in_pieces():
    pieces = [delta.content for delta in ScriptedModel(["x" * 100]).generate_stream([user("a")])]
    assert len(pieces) > 1
    assert "".join(pieces) == "x" * 100


def test_a_call_too_many_names_the_last_message():
    model = ScriptedModel(["one"])
    model.generate([user("a")])
    with pytest.raises(PermanentModelError, match=r"called 2 times but has 1 replies.*'what now\?'"):
        model.generate([user("what now?")])


def test_an_exception_in_the_list_is_raised():
    with pytest.raises(ConnectionError):
        ScriptedModel([ConnectionError()]).generate([user("a")])


def test_each_reply_is_given_once_across_threads():
    model = ScriptedModel([str(number) for number in range(50)], latency=0.001)
    given = []
    threads = [threading.Thread(target=lambda: given.append(model.generate([user("a")]).content)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given, key=int) == [str(number) for number in range(50)]


def test_it_serves_smolagents_own_agent_too():
    agent = CodeAgent(tools=[], model=ScriptedModel(["<code>\nfinal_answer(6 * 7)\n</code>"]), verbosity_level=0)
    assert agent.run("What is 6 * 7?") == 42
