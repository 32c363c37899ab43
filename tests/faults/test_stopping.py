"""Rows 13 to 18 and 22, 23: code that does not end, does not let itself be ended, or would end or block the kernel."""

from __future__ import annotations

import pytest

from tests.faults.harness import BEGUN, begin, ended, limited, stop
from tests.kernel.work import pass_time, read_run, work

SWALLOW = {
    "once-a-round": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "bare-and-logs": "while True:\n    try:\n        sum(range(1000))\n    except:\n        print('again')",
    "nested": "while True:\n    try:\n        while True:\n            try:\n                len('x')\n"
    "            except BaseException: continue\n    except BaseException: pass",
    "in-finally": "def again():\n    try:\n        while True: pass\n    finally:\n        again()\nagain()",
    "recursive": "def again():\n    try:\n        while True: pass\n    except:\n        again()\nagain()",
    "sleeps": "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException: pass",
    "awaits": "while True:\n    try:\n        await asyncio.sleep(0.01)\n    except BaseException: pass",
    "awaits-nothing": "while True:\n    try:\n        await asyncio.sleep(0)\n    except BaseException: pass",
    "in-a-task": "async def again():\n    while True:\n        try:\n            await asyncio.sleep(0)\n"
    "        except BaseException: pass\nawait asyncio.gather(again(), again())",
}
SVD = "import numpy as np\n_a = np.random.default_rng(1).random((500, 500))\nfor _ in range(200): np.linalg.svd(_a)"
HASH = "import hashlib\n_ = hashlib.pbkdf2_hmac('sha256', b'', b'', 5_000_000)"


def test_fault_13_an_endless_loop(agents_kernel):
    ran = ended(limited(agents_kernel, "kept = 5\nwhile True: pass", "kept + 1"), "done")
    assert "longer than 0.3 s" in ran.first.failure
    assert ran.steps[1].text == "6\n"


def test_fault_13_a_loop_of_awaits(agents_kernel):
    ran = ended(limited(agents_kernel, "while True: await asyncio.sleep(0)"), "done")
    assert "longer than 0.3 s" in ran.first.failure


@pytest.mark.parametrize("how", [how for how in SWALLOW if how != "awaits"])  # time that is waited does not count
def test_fault_14_the_time_limit_holds(agents_kernel, how):
    ran = ended(limited(agents_kernel, SWALLOW[how], "'next'"), "done")
    assert "longer than 0.3 s" in ran.first.failure
    assert ran.steps[1].text == "'next'\n"


@pytest.mark.parametrize("how", SWALLOW)
def test_fault_14_stop_ends_it(agents_kernel, how):
    cell = begin(agents_kernel, BEGUN + SWALLOW[how])
    ran, seconds = stop(agents_kernel, cell)
    ended(ran, "cancelled")
    assert seconds < 5


@pytest.fixture
def nervous(agents_kernel):
    """The kernel, which tells of code that does not let itself be stopped after 0.3 s, not 3 s."""
    agents_kernel.run("from agentnb.kernel.action import watchdog\nwatchdog.PATIENCE = 0.3", check=True)
    yield agents_kernel
    agents_kernel.run("watchdog.PATIENCE = 3.0", check=True)


def test_fault_15_a_decomposition_ends_with_its_return(nervous):
    ran, _ = stop(nervous, begin(nervous, BEGUN + SVD), timeout=60)
    ended(ran, "cancelled")


def test_fault_15_a_long_c_call_is_told(nervous):
    ran, _ = stop(nervous, begin(nervous, BEGUN + HASH), timeout=60)
    ended(ran, "cancelled")
    assert any("restart needed" in note for note in ran.first.notes)


def test_fault_15_the_person_sees_it_while_it_lasts(nervous):
    cell = begin(nervous, BEGUN + HASH)
    nervous.interrupt()
    nervous.until(lambda: "restart needed" in cell.text, timeout=20)
    assert not cell.done
    ended(read_run(nervous, nervous.wait(cell)), "cancelled")


def test_fault_15_the_time_limit_is_told_too(nervous):
    ran = ended(limited(nervous, HASH, "'next'", timeout=60), "done")
    assert any("restart needed" in note for note in ran.first.notes)
    assert "longer than 0.3 s" in ran.first.failure


REPLACE = (
    "import signal\nsignal.signal(signal.SIGINT, lambda *_: None)\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
)


def test_fault_16_a_replaced_handler_is_put_back_after_the_step(agents_kernel):
    handlers = "[repr(__import__('signal').getsignal(n)) for n in (2, 14)]"
    before = agents_kernel.eval(handlers)
    cell = begin(agents_kernel, REPLACE, BEGUN + "while True: pass")
    ran, seconds = stop(agents_kernel, cell)
    ended(ran, "cancelled")
    assert seconds < 5
    assert agents_kernel.eval(handlers) == before


def test_fault_16_stop_works_within_the_step_too(agents_kernel):
    cell = begin(agents_kernel, REPLACE + BEGUN + "while True: pass")
    ran, seconds = stop(agents_kernel, cell)
    ended(ran, "cancelled")
    assert seconds < 5


ASKING = {
    "input": "input('name? ')",
    "builtins-input": "import builtins; builtins.input()",
    "getpass": "import getpass; getpass.getpass()",
    "breakpoint": "breakpoint()",
    "pdb": "import pdb; pdb.set_trace()",
    "post-mortem": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    import pdb; pdb.post_mortem()",
    "ipdb-magic": "%debug",
    "stdin": "import sys; assert sys.stdin.read() == ''; sys.stdin.readline() or input()",
}


@pytest.mark.parametrize("what", ASKING)
def test_fault_17_nothing_asks_at_a_prompt(agents_kernel, what):
    ran = ended(work(agents_kernel, ASKING[what], "'next'", timeout=15), "done")
    assert ran.steps[1].text == "'next'\n"
    if "magic" not in what:
        assert ran.first.status == "failed"


REPRS = {
    "raises": "raise ValueError('no')",
    "raises-at-any-cost": "raise BaseException('no')",
    "exits": "import sys; sys.exit(1)",
    "loops": "while True: pass",
    "swallows": "while True:\n            try:\n                while True: pass\n            except: pass",
    "is-huge": "return 'x' * 50_000_000",
    "is-no-text": "return 5",
}


@pytest.mark.parametrize("how", REPRS)
def test_fault_18_a_bad_repr(agents_kernel, how):
    code = f"class Bad:\n    def __repr__(self):\n        {REPRS[how]}\nbad = Bad()\nbad"
    ran = ended(limited(agents_kernel, code, "print('next')"), "done")
    assert ran.steps[1].text == "next\n"
    assert len(ran.first.text) < 200_000
    agents_kernel.run("del bad, Bad", check=True)


@pytest.mark.parametrize("how", REPRS)
def test_fault_18_as_the_result(agents_kernel, how):
    agents_kernel.run("from agentnb.kernel import results\nresults.SECONDS = 0.5", check=True)
    code = f"class Bad:\n    def __repr__(self):\n        {REPRS[how]}\nfinal_answer(Bad())"
    ran = ended(work(agents_kernel, code, timeout=30), "done")
    assert "agents_run.result" in ran.cell.text
    assert len(ran.cell.text) < 50_000
    agents_kernel.run("del Bad, agents_run", check=True)


LEAVING = {
    "exit": "exit()",
    "quit": "quit()",
    "sys-exit": "import sys; sys.exit(3)",
    "ask-exit": "get_ipython().ask_exit()",
    "%exit": "%exit",
}


@pytest.mark.parametrize("how", LEAVING)
def test_fault_22_the_kernel_stays(agents_kernel, how):
    ran = ended(work(agents_kernel, LEAVING[how], "'next'", timeout=15), "done")
    assert ran.steps[1].text == "'next'\n"
    pass_time(agents_kernel, 0.1)
    assert agents_kernel.eval("1") == 1


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException"])
def test_fault_23_raised_by_code(agents_kernel, name):
    ran = ended(work(agents_kernel, f"raise {name}('mine')", "'next'", timeout=15), "done")
    assert ran.first.error["name"] == name
    assert ran.steps[1].text == "'next'\n"
