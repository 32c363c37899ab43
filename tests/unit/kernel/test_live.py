"""Where agents act: live in the user's variables, scratch in a scope over them; who changed what is told."""

import asyncio

import pytest

from agentnb.kernel.action.names import cell_names
from agentnb.kernel.live import LivePlace, ScratchPlace
from agentnb.kernel.namespace.scope import Scope
from agentnb.kernel.shell import current_shell
from agentnb.kernel.turn import Gate, Turn
from tests.unit.kernel.actions import Outputs, act


@pytest.fixture
def user():
    """The user's variables; what a test puts there goes at its end."""
    space = current_shell().user_ns
    before = dict(space)
    space["rows"] = [1]
    yield space
    space.clear()
    space.update(before)


def live(user, gate=None):
    return LivePlace(current_shell(), user, Turn(gate or Gate(None)))


def scratch(user, owner="quant"):
    return ScratchPlace(current_shell(), user, Scope(user), Turn(Gate(None)), owner=owner)


async def execute(place, code, **names):
    return await place.execute(code, label="quant", names=cell_names(names), sink=Outputs())


async def changes(place, code):
    outcome = await execute(place, code)
    assert outcome.error is None, outcome.report
    return sorted((change.kind, change.name, change.scope) for change in outcome.changes)


async def test_live_what_is_assigned_is_the_users(user):
    place = live(user)
    assert await changes(place, "mean = 2\nrows.append(3)") == [("added", "mean", "user"), ("mutated", "rows", "user")]
    assert (user["mean"], user["rows"]) == (2, [1, 3])
    assert await changes(place, "mean = 5\ndel rows") == [("deleted", "rows", "user"), ("rebound", "mean", "user")]
    assert place.variables() is user


async def test_live_an_actions_names_are_no_variables(user):
    before = set(user)
    outcome = await execute(live(user), "tool()", tool=lambda: 7)
    assert outcome.value == 7
    assert set(user) == before


async def test_scratch_what_is_assigned_stays_in_the_scope(user):
    place = scratch(user)
    assert await changes(place, "mean = 2\nrows = rows + [4]") == [
        ("added", "mean", "quant"),
        ("rebound", "rows", "quant"),
    ]
    assert "mean" not in user
    assert user["rows"] == [1]
    assert place.variables()["rows"] == [1, 4]
    assert await changes(place, "rows.append(mean)") == [("mutated", "rows", "quant")]


async def test_scratch_what_is_done_to_the_users_objects_is_told_as_theirs(user):
    assert await changes(scratch(user), "rows.append(2)") == [("mutated", "rows", "user")]
    assert user["rows"] == [1, 2]


async def test_scratch_sees_what_the_user_did_meanwhile(user):
    place = scratch(user)
    assert (await execute(place, "len(rows)")).value == 1
    user["rows"] = [1, 2, 3]
    assert (await execute(place, "len(rows)")).value == 3
    assert place.variables()["rows"] is user["rows"]


async def test_what_others_changed_between_two_actions_is_not_ours(user):
    one, two = live(user), scratch(user)
    assert await changes(one, "rows") == []
    assert await changes(two, "rows.append(2)") == [("mutated", "rows", "user")]
    assert await changes(one, "rows") == []
    assert await changes(one, "rows.append(3)") == [("mutated", "rows", "user")]
    assert await changes(two, "rows") == []


async def test_changes_before_an_error_are_told_with_it(user):
    outcome = await execute(live(user), "rows.append(2)\n1 / 0")
    assert isinstance(outcome.error, ZeroDivisionError)
    assert [change.name for change in outcome.changes] == ["rows"]
    assert outcome.value is None


async def test_a_class_of_the_scope_can_be_pickled(user):
    outcome = await execute(scratch(user), "import pickle\nclass T: pass\ntype(pickle.loads(pickle.dumps(T()))) is T")
    assert outcome.value is True


async def test_an_action_waits_for_its_turn_and_gives_it_back_after_an_error(user):
    lock = asyncio.Lock()
    await lock.acquire()
    task = asyncio.create_task(execute(live(user, Gate(lock)), "late = 1\n1 / 0"))
    await asyncio.sleep(0.01)
    assert "late" not in user
    lock.release()
    assert (await task).error is not None
    assert user["late"] == 1
    assert not lock.locked()


async def test_a_cancelled_action_gets_out_and_the_turn_is_given_back(user):
    lock = asyncio.Lock()
    task = asyncio.create_task(execute(live(user, Gate(lock)), "began = 1\nawait asyncio.sleep(60)"))
    async with asyncio.timeout(5):
        while "began" not in user:
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not lock.locked()


async def test_a_task_that_the_code_cancels_itself_is_the_codes_error():
    _, outcome = await act("task = asyncio.ensure_future(asyncio.sleep(60))\ntask.cancel()\nawait task")
    assert isinstance(outcome.error, asyncio.CancelledError)


async def test_running_a_loop_of_ones_own_is_refused_with_a_hint():
    _, outcome = await act("async def f(): ...\nc = f()\ntry:\n    asyncio.run(c)\nfinally:\n    c.close()")
    assert isinstance(outcome.error, RuntimeError)
    assert outcome.notes == ["the event loop runs already here: write `await ...` at top level instead"]


async def test_the_value_is_put_out_after_what_was_printed():
    stage, outcome = await act("print('first')\n[1]")
    assert outcome.value == [1]
    assert [output["output_type"] for output in stage.outputs] == ["stream", "execute_result"]
    stage, _ = await act("None")
    assert stage.outputs == []
