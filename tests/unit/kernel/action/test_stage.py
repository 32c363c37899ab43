"""The agent's world is there while its code is on the stack, and the user's at all other times."""

import asyncio
import sys
import weakref

import pytest

from agentnb.kernel.action.interrupt import Stopped
from agentnb.kernel.action.stage import current_stage, tasks_on_stage
from agentnb.kernel.live import run_cell
from agentnb.kernel.shell import current_shell
from agentnb.kernel.turn import Gate
from tests.unit.kernel.actions import Pause, act, stage_over


def world(stage):
    """All that a stage sets, as it is now."""
    shell = stage.shell
    return {
        "streams": (sys.stdout, sys.stderr),
        "display": shell.display_pub,
        "namespace": shell.user_ns,
        "module": shell.user_module,
        "main": sys.modules["__main__"],
        "methods": {name: vars(shell).get(name) for name in ("ask_exit", "_showtraceback", "set_next_input")},
        "pager": shell.hooks.show_in_pager,
        "builtins": stage.namespace.get("__builtins__"),
    }


@pytest.fixture
def pyplot():
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


async def held(stage, code, pause):
    """Begin an action and return its task once it waits in ``pause()``."""
    task = asyncio.create_task(act(code, stage))
    await pause.reached.wait()
    return task


# --- in place and put back --------------------------------------------------------------------------------------------


def test_a_segment_sets_the_world_and_puts_it_back():
    stage = stage_over()
    before = world(stage)
    with stage.set():
        inside = world(stage)
    assert {key for key, value in inside.items() if value == before[key]} == set()
    assert inside["namespace"] is stage.namespace
    assert world(stage) == before
    assert "__builtins__" not in stage.namespace


def test_it_is_put_back_after_an_error_and_a_segment_within_a_segment_changes_nothing():
    stage = stage_over()
    before = world(stage)

    def segment():
        with stage.set():
            with stage.set():
                pass
            assert sys.stdout is not before["streams"][0]
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        segment()
    assert world(stage) == before


async def test_nothing_of_an_action_is_left_to_the_collector():
    stage, _ = await act("print('a')\n'b'")
    left = [weakref.ref(stage), *map(weakref.ref, stage._streams)]
    del stage
    await act("1")  # the descriptors lead to its streams now
    assert [ref() for ref in left] == [None, None, None]


async def test_over_the_users_own_namespace_only_the_builtins_differ():
    shell = current_shell()
    stage = stage_over(shell.user_ns)
    before = world(stage)
    with stage.set():
        assert shell.user_ns is before["namespace"]
        assert sys.modules["__main__"] is before["main"]
        assert shell.user_ns["__builtins__"] is stage.names
    assert world(stage) == before


async def test_while_an_action_waits_the_users_world_is_there():
    pause = Pause()
    stage = stage_over(names={"pause": pause})
    before = world(stage)
    task = await held(stage, "print('a')\nawait pause()\nprint('b')", pause)
    assert world(stage) == before
    pause.over.set()
    await task
    assert stage.outputs.text == "a\nb\n"
    assert world(stage) == before


async def test_redirected_output_stays_redirected_across_an_await(capsys):
    pause = Pause()
    code = """
    import contextlib, io
    with contextlib.redirect_stdout(io.StringIO()) as box:
        print('one')
        await pause()
        print('two')
    print('out')
    box.getvalue()
    """
    task = await held(stage_over(names={"pause": pause}), code, pause)
    print("the user's")
    pause.over.set()
    stage, outcome = await task
    assert outcome.value == "one\ntwo\n"
    assert stage.outputs[0]["text"] == "out\n"
    assert capsys.readouterr().out == "the user's\n"


async def test_two_suspended_actions_do_not_mix():
    pauses = Pause(), Pause()
    code = "me = '{0}'\nprint('{0}1')\nawait pause()\nprint(me + '2')\nimport __main__\n__main__.me"
    one, two = (stage_over(names={"pause": pause}) for pause in pauses)
    first = await held(one, code.format("a"), pauses[0])
    second = await held(two, code.format("b"), pauses[1])
    for pause in pauses:
        pause.over.set()
    assert [(await task)[1].value for task in (first, second)] == ["a", "b"]
    assert one.outputs.text == "a1\na2\n'a'"
    assert two.outputs.text == "b1\nb2\n'b'"


# --- the shell's own doings -------------------------------------------------------------------------------------------


async def test_exit_is_refused():
    _, outcome = await act("get_ipython().ask_exit()", stage_over({"get_ipython": current_shell().get_ipython}))
    assert isinstance(outcome.error, SystemExit)
    assert "final_answer" in outcome.report.message
    assert not getattr(current_shell(), "exit_now", False)


@pytest.mark.parametrize("code", ["len?", "class Odd:\n    def __repr__(self):\n        return 1 / 0\nOdd()"])
async def test_what_ipython_shows_by_itself_is_the_actions_output(code, capsys):
    stage, _ = await act(code, stage_over({"get_ipython": current_shell().get_ipython}))
    assert "number of items" in stage.outputs.text or "ZeroDivisionError" in stage.outputs.text
    assert capsys.readouterr() == ("", "")


# --- figures ----------------------------------------------------------------------------------------------------------


async def test_an_actions_figures_are_shown_and_closed_and_the_users_left_alone(pyplot):
    pyplot.figure(7)
    pause = Pause()
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nawait pause()\nplt.title('t')\nplt.get_fignums()"
    stage = stage_over(names={"pause": pause})
    task = await held(stage, code, pause)
    assert pyplot.get_fignums() == [7]
    pause.over.set()
    _, outcome = await task
    assert outcome.value == [1]
    assert ["image/png" in output["data"] for output in stage.outputs] == [False, True]
    assert pyplot.get_fignums() == [7]
    assert not pyplot.figure(7).axes


async def test_a_figure_that_cannot_be_drawn_is_the_codes_error(pyplot):
    _, outcome = await act("import matplotlib.pyplot as plt\n_ = plt.title(r'$\\nonsense$')")
    assert isinstance(outcome.error, ValueError)
    assert pyplot.get_fignums() == []


# --- driven coroutines ------------------------------------------------------------------------------------------------


async def speaker():
    try:
        print("began")
        await asyncio.sleep(0)
    except ValueError as error:
        print("caught", error)
        return "value"
    finally:
        print("ended")


def test_closing_a_coroutine_ends_it_on_the_stage(capsys):
    stage = stage_over()
    driven = stage.drive(speaker())
    driven.send(None)
    driven.close()
    stage.flush()
    assert stage.outputs.text == "began\nended\n"
    assert capsys.readouterr().out == ""


def test_throwing_into_a_coroutine_happens_on_the_stage():
    stage = stage_over()
    driven = stage.drive(speaker())
    driven.send(None)
    with pytest.raises(StopIteration) as stop:
        driven.throw(ValueError("it"))
    stage.flush()
    assert stop.value.value == "value"
    assert stage.outputs.text == "began\ncaught it\nended\n"


async def test_a_stopped_run_strikes_a_waiting_action_once_where_it_goes_on():
    gate, pause = Gate(None), Pause()
    stage = stage_over(names={"pause": pause, "Stopped": Stopped}, gate=gate)
    code = "try:\n    await pause()\n    print('never')\nfinally:\n    await asyncio.sleep(0)\n    print('cleaned up')"
    task = await held(stage, code, pause)
    gate.close()
    pause.over.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stage.outputs.text == "cleaned up\n"


async def test_no_action_begins_in_a_stopped_run():
    gate = Gate(None)
    stage = stage_over(gate=gate)
    gate.close()
    with pytest.raises(asyncio.CancelledError):
        await run_cell(stage, "x = 1", "quant")
    assert "x" not in stage.namespace
    assert current_stage.get() is None


# --- tasks ------------------------------------------------------------------------------------------------------------


async def test_tasks_that_an_action_starts_run_on_its_stage(capsys):
    stage = stage_over({"__name__": "__main__", "x": 0})
    code = """
    async def say(n):
        await asyncio.sleep(0)
        print(n)
        globals()['x'] += n
    await asyncio.gather(say(1), say(2))
    t = asyncio.create_task(say(3))
    """
    with tasks_on_stage(asyncio.get_running_loop()):
        _, outcome = await act(code, stage)
        assert outcome.tasks == {stage.namespace["t"]}
        await stage.namespace["t"]
    assert stage.outputs.text == "1\n2\n"
    assert stage.namespace["x"] == 6
    assert capsys.readouterr().err == ""


async def test_the_task_factory_counts_its_users_and_gives_way_to_the_former_one():
    loop = asyncio.get_running_loop()
    made = []

    def former(loop, coro, **options):
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **options)

    loop.set_task_factory(former)
    with tasks_on_stage(loop):
        ours = loop.get_task_factory()
        with tasks_on_stage(loop):
            assert loop.get_task_factory() is ours
        assert loop.get_task_factory() is ours
        await asyncio.create_task(asyncio.sleep(0))
    assert loop.get_task_factory() is former
    assert len(made) == 1


async def test_a_factory_that_another_set_meanwhile_is_left_there():
    loop = asyncio.get_running_loop()

    def another(loop, coro, **options):
        return asyncio.Task(coro, loop=loop, **options)

    with tasks_on_stage(loop):
        loop.set_task_factory(another)
    assert loop.get_task_factory() is another
