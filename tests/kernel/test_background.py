"""Runs that go on between the user's cells."""

import pytest

from tests.kernel.work import pass_time, read_run, reply, team

SLOW = f"Agent('slow', 'thinks', model=ScriptedModel([{reply('final_answer(7)')!r}], latency=1.5))"


def start(kernel, *codes, name="_team", options="", members="", latency=0.3):
    kernel.run(team(name, *codes, members=members, latency=latency), check=True)
    return kernel.run(f"%%agents -t {name} --new --bg {options}\nDo it.", check=True)


def ended(kernel, run="agents_run", timeout=20):
    state = []

    def look():
        state[:] = [kernel.eval(f"{run}.status")]
        return state[0] not in ("running", "paused")

    kernel.until(look, timeout=timeout, what="the run's end")
    return state[0]


@pytest.fixture(autouse=True)
def at_rest(agents_kernel):
    yield
    assert agents_kernel.run("1 + 1").result["text/plain"] == "2"


def test_it_returns_at_once_user_cells_run_between_and_the_output_is_its_own_cells(agents_kernel):
    first = start(agents_kernel, "print('from the agent')\nmade = 1", "print('again')", options="-o bound", latency=0.5)
    assert agents_kernel.eval("agents_run.status") == "running"
    between = agents_kernel.run("mine = 2\nprint('from me')", check=True)
    assert between.text == "from me\n"
    assert ended(agents_kernel) == "done"
    pass_time(agents_kernel, 0.5)
    assert agents_kernel.eval("bound") == "done"
    assert agents_kernel.eval("made + mine") == 3
    assert between.text == "from me\n"
    assert "done" in first.text
    assert any("from the agent" in str(bundle) for bundle in first.displays)


def test_user_cells_go_on_while_its_coordinator_waits_for_a_specialist(agents_kernel):
    start(agents_kernel, "got = await slow('wait')", members=SLOW, latency=0)
    pass_time(agents_kernel, 0.7)
    assert agents_kernel.run("'free'", timeout=5).result["text/plain"] == "'free'"
    assert agents_kernel.eval("agents_run.status") == "running"
    assert ended(agents_kernel) == "done"
    assert agents_kernel.eval("got") == 7


def test_a_later_cell_may_await_it(agents_kernel):
    start(agents_kernel, "x = 1", "got = await slow('wait')", members=SLOW)
    waited = agents_kernel.run("(await agents_run).result", timeout=20)
    assert waited.result["text/plain"] == "'done'"


def test_an_interrupt_of_the_idle_kernel_stops_it(agents_kernel):
    start(agents_kernel, "await asyncio.sleep(60)")
    pass_time(agents_kernel, 1)
    agents_kernel.interrupt()
    assert ended(agents_kernel) == "cancelled"


def test_an_interrupt_in_its_code_stops_it(agents_kernel):
    start(agents_kernel, "while True: pass", latency=0)
    pass_time(agents_kernel, 1)
    agents_kernel.interrupt()
    assert ended(agents_kernel) == "cancelled"


def test_stop_from_another_cell(agents_kernel):
    start(agents_kernel, "1", "2", "3", latency=20)
    agents_kernel.run("%agents stop", check=True)
    assert ended(agents_kernel) == "cancelled"


def test_pause_say_hire_and_resume_from_another_cell(agents_kernel):
    start(agents_kernel, "1", "2", "3", latency=0.4)
    agents_kernel.run("%agents pause", check=True)
    pass_time(agents_kernel, 1)
    assert agents_kernel.eval("agents_run.status") == "paused"
    agents_kernel.run('%agents say mind the gap\n%agents hire nina "checks numbers"', check=True)
    agents_kernel.run("%agents resume", check=True)
    assert ended(agents_kernel) == "done"
    told = agents_kernel.eval("str(_team.model.calls[-1])")
    assert "mind the gap" in told
    assert "nina" in told


def test_two_at_once(agents_kernel):
    start(agents_kernel, "a = 1", "a += 1", name="_one", options="-o first")
    agents_kernel.run("one = agents_run", check=True)
    start(agents_kernel, "b = 1", "b += 1", name="_two", options="-o second")
    assert ended(agents_kernel, "one") == ended(agents_kernel) == "done"
    assert agents_kernel.eval("(a, b, first, second)") == (2, 2, "done", "done")


def test_an_error_in_a_user_cell_does_not_touch_it(agents_kernel):
    start(agents_kernel, "1", "2")
    assert agents_kernel.run("1 / 0").error.name == "ZeroDivisionError"
    assert ended(agents_kernel) == "done"
    assert [step.status for step in read_run(agents_kernel, None).steps] == ["done"] * 3
