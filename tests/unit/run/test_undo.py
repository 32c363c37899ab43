import asyncio
import threading

import pytest

from agentnb import Agent, Team
from agentnb.errors import UserError
from agentnb.kernel.undo.delta import Delta, retained_size, tick
from agentnb.kernel.undo.store import Checkpoints, kernel_checkpoints, show_size
from agentnb.record.journal import read_journal
from agentnb.run.undo import UndoReport, find_step, told_to_agents
from agentnb.testing import ScriptedModel


def reply(code):
    return f"Next.\n<code>\n{code}\n</code>"


async def ran(*codes, variables=None, members=(), **settings):
    model = ScriptedModel([*map(reply, codes), reply("final_answer('done')")])
    space = {"__name__": "__main__"} if variables is None else variables
    run = await Team(list(members), model=model).run("Do it.", namespace=space, show=False, **settings)
    assert run.status == "done", run.record.reason
    return run, space


async def test_a_run_and_what_is_said_of_it():
    run, space = await ran("rows.append(1)", "n = 2", variables={"__name__": "__main__", "rows": [], "n": 1})
    report = run.undo()
    assert (space["rows"], space["n"]) == ([], 1)
    assert report == UndoReport(["t1.1", "t1.2"], ["n", "rows"])
    assert str(report) == "put back: n, rows"
    assert [step.undone for step in run.steps] == [True, True, False]
    with pytest.raises(UserError, match="undone already"):
        run.undo()


async def test_an_undo_is_not_undone_and_a_run_that_changed_nothing_says_so():
    run, _ = await ran("a = 1", "a + 1")
    run.undo("t1.1")
    for step in (None, "t1.1"):
        with pytest.raises(UserError, match="was undone already, and an undo is not taken back; run the code again"):
            run.undo(step)
    idle, _ = await ran("1 + 1")
    with pytest.raises(UserError, match="the run changed none of your variables"):
        idle.undo()


async def test_of_very_many_names_some_are_shown():
    run, space = await ran("globals().update({f'n{i}': i for i in range(1000)})")
    report = run.undo()
    assert len(report.restored) == 1000
    assert str(report).endswith(" and 980 more")
    assert len(told_to_agents(run.record, report)["coordinator"]) < 400
    assert "n5" not in space


async def test_a_name_bound_anew_since_is_left_and_said():
    run, space = await ran("rows.append(1); n = 2", variables={"__name__": "__main__", "rows": [], "n": 1})
    space["rows"] = ["mine"]
    report = run.undo()
    assert (report.restored, report.rebound, space["rows"]) == (["n"], ["rows"], ["mine"])
    assert "bound to something else since, so left as they are: rows" in str(report)
    assert "Left as they are: rows" in next(iter(told_to_agents(run.record, report).values()))


async def test_what_the_person_did_to_what_a_step_made_is_a_collision():
    run, space = await ran("made = [1]")
    space["made"].append("mine")
    assert run.undo().collisions == ["made"]
    assert space["made"] == [1, "mine"]
    assert run.undo(force=True).steps == ["t1.1"]


async def test_a_collision_can_be_forced_afterwards():
    run, space = await ran("a = 1; b = 1")
    space["a"] = 5
    report = run.undo()
    assert (report.steps, report.restored, report.collisions) == ([], ["b"], ["a"])
    assert "left alone, since changed after the step: a; `force=True` overwrites them" in str(report)
    assert not run.steps[0].undone
    assert run.undo(force=True).steps == ["t1.1"]
    assert "a" not in space


async def test_undone_after_the_end_is_in_the_journal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, _ = await ran("a = 1")
    run.undo()
    events = read_journal(tmp_path / ".agentnb" / "runs" / f"{run.id}.jsonl")
    assert [(event.steps, event.by) for event in events if type(event).__name__ == "Undone"] == [(["t1.1"], "user")]
    assert type(events[-2]).__name__ == "RunEnded"


async def test_numbers_are_the_coordinators_and_ids_are_anybodys():
    quant = Agent("quant", "counts", model=ScriptedModel([reply("own = 1"), reply("final_answer(2)")]))
    run, _ = await ran("a = await quant('count')", "b = 1", members=[quant])
    assert find_step(run.record, 2).id == "t1.2"
    assert find_step(run.record, "2").id == "t1.2"
    assert find_step(run.record, "t2.1").agent == "quant"
    with pytest.raises(UserError, match="there is no step '7'"):
        find_step(run.record, 7)
    run.record.tasks[0].parent = run.record.tasks[1].parent = None
    with pytest.raises(UserError, match=r"name one of t1.1, t2.1"):
        find_step(run.record, 1)


async def test_a_step_that_changed_nothing_stands_for_those_after_it():
    run, space = await ran("a = 1", "1 + 1", "b = 1")
    assert run.undo(2).steps == ["t1.3"]
    assert ("a" in space, "b" in space) == (True, False)


async def test_from_a_thread_while_the_loop_runs():
    run, space = await ran("a = 1")
    report = await asyncio.to_thread(run.undo)
    assert report.restored == ["a"]
    assert "a" not in space
    assert threading.current_thread() is threading.main_thread()


async def test_a_result_bound_to_a_name_is_taken_back_too():
    run, space = await ran("a = 1")
    run.bind("out", space)
    assert space["out"] == "done"
    assert run.undo().restored == ["a", "out"]
    assert "out" not in space


async def test_undo_switched_off(monkeypatch):
    monkeypatch.setattr(kernel_checkpoints(), "budget", 0)
    run, _ = await ran("a = 1")
    assert run.checkpoints == []
    with pytest.raises(UserError, match="undo_memory"):
        run.undo()


# --- the store --------------------------------------------------------------------------------------------------------


def delta(value):
    return Delta(tick(), tick(), {"x": (value, 1)})


def test_the_oldest_go_first_and_their_runs_are_told():
    store, told = Checkpoints(10_000), []
    for number in range(4):
        store.keep("run", f"t1.{number}", delta(bytearray(3_000)), lambda gone: told.append([c.step for c in gone]))
    assert told == [["t1.0"]]
    assert [each.step for each in store.of("run")] == ["t1.1", "t1.2", "t1.3"]
    store.keep("other", "t1.1", delta(bytearray(8_000)), lambda gone: told.append("other"))
    assert told[1:] == [["t1.1", "t1.2", "t1.3"]]
    store.keep("other", "t1.2", delta(bytearray(80_000)), lambda gone: told.append("other"))
    assert (store.size, told[-1]) == (0, "other")


def test_a_delta_of_nothing_is_not_kept():
    store = Checkpoints(10_000)
    store.keep("run", "t1.1", Delta(tick(), tick()), print)
    assert store.of("run") == []


def test_what_a_value_holds():
    np = pytest.importorskip("numpy")
    assert retained_size([np.zeros(1000), {"a": np.zeros(500)}]) == pytest.approx(12_000, rel=0.1)


@pytest.mark.parametrize(("size", "shown"), [(5, "5 bytes"), (2048, "2 kB"), (3 << 20, "3 MB"), (5 << 30, "5 GB")])
def test_sizes_in_words(size, shown):
    assert show_size(size) == shown
