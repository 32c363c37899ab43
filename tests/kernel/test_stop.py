"""Interrupting the kernel, time limits, code that tries to end the kernel or to ask at a prompt."""

import time

import pytest

from tests.kernel.work import pass_time, read_run, reply, run_done, team, work

STUCK = {
    "a loop": "while True: pass",
    "a loop that swallows everything": "count = 0\nwhile count < 3:\n"
    "    try:\n        while True: pass\n    except BaseException: count += 1",
    "sleep": "import time\ntime.sleep(60)",
    "an await": "await asyncio.sleep(60)",
    "a subprocess": "import subprocess\nsubprocess.run(['sleep', '60'])",
    "a lock": "import threading\nthreading.Event().wait(60)",
    "a thread to join": "import threading, time\n"
    "t = threading.Thread(target=time.sleep, args=(9,), daemon=True)\n"
    "t.start()\nt.join()",
    "a shell command": "!sleep 60",
    "a task that shields": "await asyncio.shield(asyncio.sleep(60))",
    "a specialist": "await slow('wait')",
    "four at once": "await asyncio.gather(*(slow(f'wait {i}') for i in range(4)))",
}
SLOW = f"Agent('slow', 'waits', model=ScriptedModel(lambda messages: {reply('await asyncio.sleep(60)')!r}))"


def interrupted(kernel, *codes, latency=0.0, members="", started="started"):
    """Interrupt a run in its first step and return it with the seconds until the cell's end."""
    kernel.run(team("_team", *codes, latency=latency, members=members), check=True)
    kernel.run("open('started', 'w').close(); import os; os.remove('started')")
    cell = kernel.send("%%agents -t _team --new\nDo it.")
    if started:
        deadline = time.monotonic() + 20
        while not kernel.path.joinpath(started).exists():
            assert time.monotonic() < deadline, "the action did not begin"
            kernel.pump(0.05)
    pass_time(kernel, 0.3)
    begun = time.monotonic()
    kernel.interrupt()
    result = kernel.wait(cell, timeout=15)
    return read_run(kernel, result), time.monotonic() - begun


@pytest.fixture
def watched(agents_kernel, tmp_path):
    agents_kernel.run(f"import os; os.chdir({str(tmp_path)!r})", check=True)
    agents_kernel.path = tmp_path
    before = agents_kernel.eval("__import__('signal').getsignal(2).__qualname__")
    yield agents_kernel
    assert agents_kernel.run("1 + 1").result["text/plain"] == "2"
    assert agents_kernel.eval("__import__('signal').getsignal(2).__qualname__") == before
    left = agents_kernel.run(
        "import asyncio\n[t.get_coro().__qualname__ for t in asyncio.all_tasks() "
        "if 'agentnb' in repr(t) or '<agent' in repr(t)]"
    )
    assert left.result["text/plain"] == "[]"


@pytest.mark.parametrize("what", STUCK)
def test_an_interrupt_ends_the_cell_and_the_run(watched, what):
    code = "open('started', 'w').close()\n" + STUCK[what]
    ran, seconds = interrupted(watched, code, members=SLOW)
    assert ran.status == "cancelled", (ran.reason, ran.first.failure)
    assert seconds < 5
    assert ran.cell.status == "error"


def test_an_interrupt_during_a_model_call(watched):
    ran, seconds = interrupted(watched, "1", latency=30, started="")
    assert ran.status == "cancelled"
    assert seconds < 5


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "class R:\n    def __repr__(self):\n        while True: pass\nR()",
    ],
)
def test_the_time_limit_of_an_action(agents_kernel, code):
    agents_kernel.run(team("_team", f"kept = 5\n{code}", "kept").replace("Team([]", "Team([], timeout=0.5"), check=True)
    ran = read_run(agents_kernel, agents_kernel.run("%%agents -t _team --new\nGo", timeout=20))
    assert ran.status == "done", ran.reason
    assert "longer than 0.5 s" in ran.first.failure
    assert ran.steps[1].text == "5\n"


ENDINGS = {
    "exit()": "SystemExit",
    "quit()": "SystemExit",
    "import sys; sys.exit(3)": "SystemExit",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise SystemExit": "SystemExit",
    "input('name? ')": "Correction",
    "breakpoint()": "Correction",
    "import pdb; pdb.set_trace()": "",
    "import builtins; builtins.input()": "",
    "%debug": "",
    "get_ipython().ask_exit()": "SystemExit",
    "raise asyncio.CancelledError": "CancelledError",
    "raise GeneratorExit": "GeneratorExit",
    "import getpass; getpass.getpass()": "",
}


@pytest.mark.parametrize("code", ENDINGS)
def test_code_that_would_end_or_block_the_kernel_is_a_step_error(agents_kernel, code):
    ran = work(agents_kernel, code, "after = 1\nafter", timeout=15)
    assert ran.status == "done", (ran.status, ran.reason)
    if ENDINGS[code]:
        assert ran.first.error["name"] == ENDINGS[code]
    assert ran.steps[1].text == "1\n"
    assert agents_kernel.eval("1") == 1


def test_a_repr_that_raises_does_not_end_the_run(agents_kernel):
    ran = work(
        agents_kernel,
        "class Bad:\n    def __repr__(self):\n        raise ValueError('no repr')\nbad = Bad()\nbad",
        "final_answer(bad)",
    )
    assert ran.status == "done"
    agents_kernel.run("del bad, Bad, agents_run")


def test_shadowed_print_and_a_lost_stdout_are_put_right(agents_kernel):
    ran = work(agents_kernel, "import sys\nsys.stdout = None\nprint('lost')", "print('here')")
    assert ran.steps[1].text == "here\n"
    assert agents_kernel.run("print('user')").stream("stdout") == "user\n"


@pytest.mark.parametrize("code", ["print('x' * 50_000_000)", "for i in range(200_000): print(i)"])
def test_a_flood_of_output_is_bounded(agents_kernel, code):
    step = run_done(agents_kernel, code).first
    assert len(step.text) < 200_000
    assert "left out" in step.text


def test_a_nested_run_is_refused(agents_kernel):
    ran = work(agents_kernel, "%%agents\nmore", "await Team().run('more')")
    assert "agents cannot start runs" in ran.first.failure + ran.first.text
    assert "agents cannot start runs" in ran.steps[1].failure
