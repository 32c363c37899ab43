"""Recorded replies in the place of a model's."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.errors import PermanentModelError, RecordError
from agentnb.models import RecordedModels
from agentnb.record.document import RunRecord, Step, StepTiming, Task


def step(task, number, thought, code=None, status="done"):
    return Step(id=f"{task}s{number}", task=task, agent="a", number=number, thought=thought, code=code, status=status)


def record() -> RunRecord:
    tasks = [
        Task(id="t1", agent="coordinator", brief="Report"),
        Task(id="t2", agent="quant", brief="Fit a model to 2020", parent="t1"),
        Task(id="t3", agent="quant", brief="Fit a model to 2021", parent="t1"),
        Task(id="t4", agent="quant", brief="Fit a model to 2020", parent="t1"),
        Task(id="t5", agent="quant", brief="Check", parent="t2"),
    ]
    steps = [
        step("t1", 2, "Done.", "final_answer(1)"),
        step("t1", 1, "Two at once.", "await quant('x')"),
        step("t2", 1, "first", "1"),
        step("t3", 1, "second", "2"),
        step("t4", 1, "third", "3"),
        step("t5", 1, "Delete it.", "rm()", status="rejected"),
        step("t5", 2, "no code here", None, status="failed"),
        step("t5", 3, "", None, status="cancelled"),
    ]
    return RunRecord(tasks=tasks, steps=steps)


async def play(chat):
    heard = []
    reply = await chat.ask([], on_text=heard.append, on_retry=lambda retry: None)
    assert "".join(heard) == reply.text
    assert (reply.usage.tokens, reply.cut) == (0, False)
    return reply.text


async def test_a_lane_plays_its_replies_in_order():
    chat = RecordedModels(record()).chat("coordinator", "Report", None)
    assert chat.task == "t1"
    assert await play(chat) == "Two at once.\n<code>\nawait quant('x')\n</code>"
    assert await play(chat) == "Done.\n<code>\nfinal_answer(1)\n</code>"
    with pytest.raises(PermanentModelError, match="no further reply for 'coordinator'"):
        await play(chat)


async def test_what_was_rejected_or_had_no_code_is_prose_and_what_was_never_answered_is_not_there():
    chat = RecordedModels(record()).chat("quant", "Check", "t2")
    assert [await play(chat), await play(chat)] == ["Delete it.", "no code here"]
    with pytest.raises(PermanentModelError):
        await play(chat)


async def test_an_empty_reply_that_was_given_is_played():
    empty = Step(id="s", task="t", agent="a", number=1, timing=StepTiming(replied_at=1.0))
    models = RecordedModels(RunRecord(tasks=[Task(id="t", agent="a", brief="b")], steps=[empty]))
    assert await play(models.chat("a", "b", None)) == ""


def test_the_same_brief_twice_takes_the_recorded_tasks_in_turn():
    models = RecordedModels(record())
    assert [models.chat("quant", "Fit a model to 2020", "t1").task for _ in range(2)] == ["t2", "t4"]
    assert models.drifts == []


def test_another_brief_takes_the_nearest_and_says_where_it_differs():
    models = RecordedModels(record())
    assert models.chat("quant", "Fit a model to 2021, weekly", "t1").task == "t3"
    assert len(models.drifts) == 1
    assert "quant: the task differs from the recorded one at character 19" in models.drifts[0]
    assert "'Fit a model to 2021, weekly'" in models.drifts[0]


@pytest.mark.parametrize(
    ("agent", "brief", "parent", "nearest"),
    [
        ("quant", "Check", "t3", "'Check' (under another parent)"),
        ("critic", "Reprt", None, "'coordinator' with 'Report'"),
    ],
)
def test_a_task_that_was_never_recorded_names_the_nearest(agent, brief, parent, nearest):
    with pytest.raises(RecordError) as caught:
        RecordedModels(record()).chat(agent, brief, parent)
    assert nearest in str(caught.value)


def test_a_task_asked_for_once_too_often_names_the_used_one():
    models = RecordedModels(record())
    models.chat("coordinator", "Report", None)
    with pytest.raises(RecordError, match="already replayed"):
        models.chat("coordinator", "Report", None)
    with pytest.raises(RecordError, match="no tasks at all"):
        RecordedModels(RunRecord()).chat("a", "b", None)


@given(st.permutations(["Fit a model to 2020", "Fit a model to 2021"]))
def test_parallel_lanes_do_not_depend_on_who_comes_first(briefs):
    async def main():
        models = RecordedModels(record())
        chats = {brief: models.chat("quant", brief, "t1") for brief in briefs}
        texts = await asyncio.gather(*(play(chats[brief]) for brief in briefs))
        return dict(zip(briefs, texts, strict=True))

    played = asyncio.run(main())
    assert {brief: text.split("\n")[0] for brief, text in played.items()} == {
        "Fit a model to 2020": "first",
        "Fit a model to 2021": "second",
    }
