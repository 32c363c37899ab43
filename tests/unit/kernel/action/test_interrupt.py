"""Time limits and interrupts reach an agent's code, only that, and only where it may be torn."""

import asyncio
import os
import signal
import threading
import time

import pytest

from agentnb.errors import Correction
from agentnb.kernel.action.interrupt import Clock, caught, listen, look, masked
from agentnb.kernel.action.stage import current_stage
from agentnb.kernel.turn import Gate
from tests.unit.kernel.actions import act, stage_over

BUSY = "while True:\n    pass"


def handlers():
    return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)


@pytest.fixture
def heard():
    """Interrupts that were heard; the handlers of a run are installed."""
    calls = []
    stop = listen(lambda: calls.append(True))
    yield calls
    stop()


def timers_are_off():
    return signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


# --- time limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [BUSY, f"try:\n    while True: len(str(1))\nexcept Exception:\n    pass\n{BUSY}"])
async def test_code_that_runs_too_long_is_ended_with_advice(heard, code):
    _, outcome = await act(code, stage_over(timeout=0.1))
    assert isinstance(outcome.error, Correction)
    assert outcome.report.message.startswith("the code ran longer than 0.1 s: do less")
    assert 'File "<agent quant>"' in "\n".join(outcome.report.traceback)
    assert timers_are_off()
    assert heard == []


async def test_code_that_swallows_the_timeout_is_struck_again(heard):
    # the first alarm comes out of the loop itself: one by the clock may come before the try, on a busy machine
    loop = "import signal; n or signal.raise_signal(signal.SIGALRM)\n        while True: len(str(n))"
    code = f"n = 0\nwhile n < 2:\n    try:\n        {loop}\n    except BaseException:\n        n += 1\nn"
    _, outcome = await act(code, stage_over(timeout=60))
    assert outcome.value == 2


@pytest.mark.parametrize("handler", ["pass", "continue", "len('again')"])
async def test_code_that_never_gives_up_is_struck_in_its_handler(heard, handler):
    code = f"while True:\n    try:\n        while True: len('x')\n    except BaseException: {handler}"
    _, outcome = await act(code, stage_over(timeout=0.05))
    assert outcome.report.message.startswith("the code ran longer than 0.05 s")
    assert timers_are_off()


async def test_code_that_swallows_what_is_thrown_at_its_awaits_is_left_behind(heard):
    code = "while True:\n    try:\n        await asyncio.sleep(0)\n    except BaseException:\n        pass"
    _, outcome = await act(code, stage_over(timeout=0.05))
    assert outcome.report.message.startswith("the code ran longer than 0.05 s")


async def test_time_that_is_waited_does_not_count(heard):
    _, outcome = await act("await asyncio.sleep(0.9)\n'done'", stage_over(timeout=0.6))
    assert outcome.value == "done"


async def test_segments_count_together(heard):
    code = """
    import time
    for _ in range(100):
        end = time.perf_counter() + 0.05
        while time.perf_counter() < end: pass
        await asyncio.sleep(0)
    """
    _, outcome = await act(code, stage_over(timeout=0.2))
    assert "0.2 s" in outcome.report.message


async def test_a_tool_has_a_limit_of_its_own_and_the_codes_goes_on_after_it(heard):
    def search():
        with current_stage.get().clock.within(0.05, "the tool search"):
            while True:
                pass

    code = f"try:\n    search()\nexcept BaseException as error:\n    said = str(error)\n{BUSY}"
    stage, outcome = await act(code, stage_over(names={"search": search}, timeout=0.4))
    assert stage.namespace["said"] == "the tool search ran longer than 0.05 s"
    assert outcome.report.message.startswith("the code ran longer than 0.4 s")


async def test_a_tools_limit_ends_with_the_tool(heard):
    def search():
        with current_stage.get().clock.within(0.05, "the tool search"):
            return "found"

    code = "import time\nx = search()\nend = time.perf_counter() + 0.2\nwhile time.perf_counter() < end: pass\nx"
    _, outcome = await act(code, stage_over(names={"search": search}))
    assert outcome.value == "found"
    assert timers_are_off()


async def test_a_tool_does_not_get_more_time_than_the_code_has(heard):
    def search():
        with current_stage.get().clock.within(60, "the tool search"):
            while True:
                pass

    _, outcome = await act("search()", stage_over(names={"search": search}, timeout=0.05))
    assert outcome.report.message.startswith("the code ran longer than 0.05 s")


async def test_a_section_that_must_not_be_torn_is_finished_first(heard):
    def write():
        with masked:
            end = time.perf_counter() + 0.2
            while time.perf_counter() < end:
                pass
            written.append(True)

    written = []
    _, outcome = await act(f"write()\n{BUSY}", stage_over(names={"write": write}, timeout=0.05))
    assert written == [True]
    assert "0.05 s" in outcome.report.message


async def test_an_import_is_finished_first(heard, tmp_path, monkeypatch):
    source = "import time\nend = time.perf_counter() + 0.2\nwhile time.perf_counter() < end: pass\nwhole = True"
    (tmp_path / "slow_to_import_module.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    code = f"import slow_to_import_module\nwhole = slow_to_import_module.whole\n{BUSY}"
    stage, outcome = await act(code, stage_over(timeout=0.05))
    assert stage.namespace["whole"]
    assert isinstance(outcome.error, Correction)


def test_code_of_the_host_is_never_struck(heard):
    with Clock(0.02).running():
        end = time.perf_counter() + 0.1
        while time.perf_counter() < end:
            pass
    assert timers_are_off()


def test_in_another_thread_nothing_is_armed(heard):
    seen = []

    def work():
        clock = Clock(0.01)
        with clock.running(), clock.within(0.01, "a tool"):
            seen.append(timers_are_off())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]


# --- interrupts -------------------------------------------------------------------------------------------------------


def test_a_cell_that_waits_longer_than_the_run_puts_the_handlers_back():
    before = handlers()
    stop = listen(lambda: None)
    with caught():
        stop()
    assert handlers() == before


def test_the_first_listener_installs_the_handlers_and_the_last_puts_them_back():
    before = handlers()
    calls = []
    one, two = (listen(lambda name=name: calls.append(name)) for name in ("one", "two"))
    signal.raise_signal(signal.SIGINT)
    one()
    one()  # ending twice is no harm
    signal.raise_signal(signal.SIGINT)
    assert calls == ["one", "two", "two"]
    assert all(now is not was for now, was in zip(handlers(), before, strict=True))
    two()
    assert handlers() == before


def test_a_handler_that_another_set_meanwhile_is_left_there():
    before = signal.getsignal(signal.SIGINT)
    stop = listen(lambda: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop()
    try:
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_cell_that_waits_takes_its_interrupts_and_gives_the_handler_back():
    before = signal.getsignal(signal.SIGINT)
    calls = []
    stop = listen(lambda: calls.append(True))
    own = signal.default_int_handler
    signal.signal(signal.SIGINT, own)  # as the kernel does around a cell
    with caught():
        signal.raise_signal(signal.SIGINT)
        stop()
    assert signal.getsignal(signal.SIGINT) is own
    assert calls == [True]
    signal.signal(signal.SIGINT, before)


async def test_an_interrupt_stops_the_code_and_with_it_the_step(heard):
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    stage = stage_over()
    with pytest.raises(asyncio.CancelledError):
        await act(f"x = 1\n{BUSY}", stage)
    assert stage.namespace == {"__name__": "__main__", "x": 1}
    assert heard == [True]
    assert timers_are_off()


async def test_an_interrupt_while_the_action_waits_is_heard_and_strikes_nothing(heard):
    asyncio.get_running_loop().call_later(0.02, signal.raise_signal, signal.SIGINT)
    _, outcome = await act("await asyncio.sleep(0.1, 'waited')")
    assert outcome.value == "waited"
    assert heard == [True]


# --- one run among others ---------------------------------------------------------------------------------------------


def close_soon(gate):
    def close():
        gate.close()
        look()

    threading.Timer(0.1, close).start()


async def test_busy_code_of_a_run_that_is_stopped_from_another_thread_is_struck(heard):
    gate = Gate(None)
    close_soon(gate)
    stage = stage_over(gate=gate)
    with pytest.raises(asyncio.CancelledError, match="stopped by the person"):
        await act(f"x = 1\n{BUSY}", stage)
    assert stage.namespace["x"] == 1
    assert heard == []
    assert timers_are_off()


async def test_code_of_another_run_goes_on(heard):
    close_soon(Gate(None))
    code = "import time\nend = time.perf_counter() + 0.3\nwhile time.perf_counter() < end: pass\n'whole'"
    _, outcome = await act(code)
    assert outcome.value == "whole"


async def test_stopped_code_that_goes_on_is_struck_again(heard):
    gate = Gate(None)
    close_soon(gate)
    code = f"n = 0\nwhile n < 2:\n    try:\n        x = 1\n        {BUSY}\n    except BaseException:\n        n += 1\nn"
    code = code.replace("while True:\n    pass", "while True: pass")
    stage = stage_over(gate=gate)
    _, outcome = await act(code, stage)
    assert outcome.value == 2


async def test_stopped_code_that_waits_and_is_then_busy_is_struck_as_well(heard):
    gate = Gate(None)
    close_soon(gate)
    code = f"try:\n    await asyncio.sleep(0.2)\nfinally:\n    cleaned = 1\n    {BUSY}".replace(
        "while True:\n    pass", "while True: pass"
    )
    stage = stage_over({"asyncio": asyncio, "__name__": "__main__"}, gate=gate)
    with pytest.raises(asyncio.CancelledError):
        await act(code, stage)
    assert stage.namespace["cleaned"] == 1


def test_without_a_run_a_look_does_nothing():
    look()
