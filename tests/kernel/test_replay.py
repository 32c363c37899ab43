"""Recordings played again in real kernels: the same results without a model, and what differs is said."""

from __future__ import annotations

import json

import pytest

from agentnb.cli import main
from tests.kernel.driver import Kernel
from tests.support.notebooks import (
    CELLS,
    LOAD,
    TASK,
    TEAM,
    command_line,
    edit,
    read,
    record_desk,
    records,
    value_of,
    ways_out,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def desk(folder):
    """A notebook with the recording of a team whose specialists worked at the same time."""
    return record_desk(folder)


def replayed(folder, notebook, name="again"):
    """Replay on the command line; returns the executed notebook and the exit status."""
    out = folder / f"{name}.out.ipynb"
    with command_line(folder):
        status = main(["replay", str(notebook), "-o", str(out)])
    return out, status


def notes(record):
    return [message.text for message in record.messages if message.sender == "agentnb"]


def changes(step):
    return [(change.kind, change.name, change.after, change.scope) for change in step.changes]


def content(record):
    """What a run did, whatever the order in which parallel tasks came."""
    briefs = {task.id: (task.agent, task.brief) for task in record.tasks}
    tasks = sorted(
        (task.agent, task.brief, task.status, briefs.get(task.parent), json.dumps(task.result)) for task in record.tasks
    )
    steps = sorted(
        (*briefs[step.task], step.number, step.status, step.thought, step.code, json.dumps(step.outputs), changes(step))
        for step in record.steps
    )
    return record.status, record.result, tasks, steps


def test_three_replays_are_equal_to_each_other_and_to_the_recording(folder, desk):
    (before,) = records(desk)
    seen = []
    for number in range(3):
        out, status = replayed(folder, desk, f"again{number}")
        (now,) = records(out)
        assert status == 0
        assert value_of(out, "answer") == "{'sorted': [1, 2, 3], 'total': 6}"
        assert notes(now) == []
        seen.append(content(now))
    assert seen == [content(before)] * 3
    assert ways_out(folder) == ""


def test_a_replay_can_be_replayed(folder, desk):
    once, _ = replayed(folder, desk, "once")
    twice, status = replayed(folder, once, "twice")
    assert status == 0
    assert content(records(twice)[0]) == content(records(desk)[0])


def test_on_other_data_the_result_is_todays_and_the_difference_is_told(folder, desk, capsys):
    changed = edit(desk, folder / "other_data.ipynb", "numbers = [3, 1, 2]", "numbers = [3, 1, 7]")
    out, status = replayed(folder, changed)
    assert status == 0
    assert value_of(out, "answer") == "{'sorted': [1, 3, 7], 'total': 11}"
    told = notes(records(out)[0])
    first = "the replay differs: coordinator, step 1: line 1 of the output was '[3, 1, 2]' and is now '[3, 1, 7]'"
    assert told[0] == first
    assert any(text.startswith("the replay differs: adder, step 1: line 1 of the output was '6'") for text in told)
    assert first in " ".join(capsys.readouterr().out.split())


def test_code_that_fails_on_todays_data_is_told(folder, desk, capsys):
    changed = edit(desk, folder / "bad_data.ipynb", "numbers = [3, 1, 2]", "numbers = [3, 'a', 2]")
    out, status = replayed(folder, changed)
    assert status == 1
    (now,) = records(out)
    assert now.status == "failed"
    assert any("it failed, which the recorded one did not: TypeError" in text for text in notes(now))
    assert "the run ended as failed" in " ".join(capsys.readouterr().err.split())


def test_a_changed_task_plays_the_nearest_recording_and_says_so(folder, desk):
    changed = edit(desk, folder / "other_task.ipynb", TASK, TASK.replace("add them up", "sum them up"))
    out, status = replayed(folder, changed)
    assert status == 0
    assert value_of(out, "answer") == "{'sorted': [1, 2, 3], 'total': 6}"
    (told,) = notes(records(out)[0])
    assert told.startswith("the replay differs: coordinator: the task differs from the recorded one at character 21")
    assert "sum them up" in told


def test_nothing_near_is_one_sentence(folder, desk, capsys):
    changed = edit(desk, folder / "strange_task.ipynb", TASK, "WWW?")
    out, status = replayed(folder, changed)
    assert status == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "holds no recording of this task; the nearest is 'Sort the numbers and add them up.'" in told
    (error,) = [output for output in read(out).cells[2].outputs if output.output_type == "error"]
    assert len(error.traceback) == 1


# --- in a live kernel -------------------------------------------------------------------------------------------------


@pytest.fixture
def live(tmp_path):
    """A kernel without keys in which the team is defined."""
    with Kernel(cwd=tmp_path) as kernel:
        kernel.run(LOAD, check=True)
        kernel.run(TEAM, check=True)
        yield kernel


def calls(kernel):
    return kernel.eval("len(desk.model.calls)")


def test_replay_without_a_path_plays_this_sessions_run_on_todays_data(live):
    live.run(CELLS[2], check=True)
    asked = calls(live)
    assert asked > 0
    live.run("numbers = [9, 8]", check=True)
    live.run(f"%%agents -t desk -o again --replay\n{TASK}", check=True)
    assert live.eval("again") == {"sorted": [8, 9], "total": 17}
    assert calls(live) == asked
    shown = live.run("agents_run", check=True).text
    assert "numbers" in shown
    assert live.eval("[m.text for m in agents_run.record.messages]")[0].startswith("the replay differs: coordinator")


def test_replay_with_a_path_plays_a_file(live, desk):
    live.run(f"%%agents -t desk -o again --replay {desk}\n{TASK}", check=True)
    assert live.eval("again") == {"sorted": [1, 2, 3], "total": 6}
    assert calls(live) == 0
    assert live.eval("agents_run.record.replayed")


def test_replay_without_any_recording_is_one_sentence(live):
    ran = live.run(f"%%agents -t desk --replay\n{TASK}")
    assert ran.error.name == "RecordError"
    assert "name the notebook: %%agents --replay PATH.ipynb" in ran.error.message
    assert len(ran.error.traceback) == 1


def test_the_notebook_that_the_kernel_belongs_to_is_looked_into(desk, tmp_path):
    with Kernel(cwd=tmp_path, env={"JPY_SESSION_NAME": str(desk)}) as kernel:
        kernel.run(LOAD, check=True)
        kernel.run(TEAM, check=True)
        kernel.run(f"%%agents -t desk -o again --replay\n{TASK}", check=True)
        assert kernel.eval("again") == {"sorted": [1, 2, 3], "total": 6}
        assert calls(kernel) == 0


def test_the_line_magic_replays_the_newest_run_or_a_file(live, desk):
    ran = live.run("%agents replay")
    assert ran.error.message == "there is no run to replay; name a file: %agents replay PATH"
    live.run(CELLS[2], check=True)
    asked = calls(live)
    for line in ("%agents replay", f"%agents replay {desk}"):
        assert live.run(line, check=True).result["text/plain"] == "{'sorted': [1, 2, 3], 'total': 6}"
    assert calls(live) == asked
