import asyncio

import pytest

from agentnb.record.redact import Redactor
from agentnb.run.control import Control
from agentnb.run.ledger import Ledger, Repetition
from agentnb.run.recorder import Recorder


@pytest.fixture
def ledger():
    return Ledger(Recorder(Redactor(namespace={}), None))


def states(ledger):
    return {task.id: task.status for task in ledger.tasks}


def test_a_task_goes_from_pending_to_its_end(ledger):
    task = ledger.add("quant", "fit", parent=None, step=None)
    assert states(ledger) == {task: "pending"}
    for status in ("in_progress", "blocked", "in_progress", "completed"):
        ledger.move(task, status)
        assert states(ledger) == {task: status}
    (entry,) = ledger.tasks
    assert entry.ended_at >= entry.started_at


def test_a_task_is_blocked_until_all_it_waits_for_is_there(ledger):
    task = ledger.add("coordinator", "all", parent=None, step=None)
    ledger.move(task, "in_progress")
    ledger.wait(task)
    ledger.wait(task)
    ledger.go_on(task)
    assert states(ledger) == {task: "blocked"}
    ledger.go_on(task)
    assert states(ledger) == {task: "in_progress"}


def test_what_a_task_depends_on_is_where_its_arguments_came_from(ledger):
    first, second = (ledger.add(name, "x", parent=None, step=None) for name in ("a", "b"))
    table, other = [1], [1]
    ledger.keep_result(first, table)
    ledger.keep_result(second, other)
    assert ledger.origins([table]) == [first]
    assert ledger.origins([other, 5, [1]]) == [second]
    third = ledger.add("c", "x", parent=None, step=None, depends_on=[second, first, first])
    assert ledger.tasks[-1].id == third
    assert ledger.tasks[-1].depends_on == [first, second]


@pytest.mark.parametrize("value", [None, 1, 2.5, True, "text", b"bytes"])
def test_equal_small_values_are_no_sign_of_a_dependency(ledger, value):
    ledger.keep_result(ledger.add("a", "x", parent=None, step=None), value)
    assert ledger.origins([value]) == []


def test_the_same_code_for_the_same_task_is_a_repetition():
    repetition = Repetition()
    assert [repetition.count("a", "t1", "x = 1\n\ny = 2") for _ in range(3)] == [0, 1, 2]
    assert repetition.count("a", "t1", "# again\nx = 1\ny = 2   ") == 3


@pytest.mark.parametrize(
    ("agent", "task", "code"), [("b", "t1", "x"), ("a", "t2", "x"), ("a", "t1", "  x"), ("a", "t1", "y")]
)
def test_other_code_another_agent_or_task_is_none(agent, task, code):
    repetition = Repetition()
    repetition.count("a", "t1", "x")
    assert repetition.count(agent, task, code) == 0


async def test_a_pause_holds_every_agent_until_the_run_goes_on():
    control, passed = Control(), []

    async def agent(name):
        await control.checkpoint()
        passed.append(name)

    control.pause()
    assert control.paused
    waiting = [asyncio.create_task(agent(name)) for name in "ab"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert passed == []
    control.resume()
    await asyncio.gather(*waiting)
    assert passed == ["a", "b"]
    assert not control.paused


def test_each_task_of_an_agent_reads_its_mail_once():
    control = Control()
    control.post("quant", "one")
    control.skip("quant", "t2")
    control.post("quant", "two")
    assert control.read("quant", "t1") == ["one", "two"]
    assert control.read("quant", "t1") == []
    assert control.read("quant", "t2") == ["two"]
    assert control.read("ingest", "t3") == []
