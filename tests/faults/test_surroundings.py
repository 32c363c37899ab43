"""Rows 19, 24 to 26, 29, 30: what code does to the process, the machine and the person's cells."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from tests.faults.harness import BEGUN, begin, ended, stop
from tests.kernel.driver import REPOSITORY
from tests.kernel.work import pass_time, run_done, work

linux = pytest.mark.skipif(sys.platform != "linux", reason="these limits are Linux's")


def gone(pid: int) -> bool:
    """Whether the process ends soon; one that nobody has asked how it ended has."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("code", ["bytearray(8 << 30)", "import numpy as np\nnp.ones(1 << 30)", "[0] * (1 << 30)"])
def test_fault_19_an_8_gb_allocation(agents_kernel, code):
    agents_kernel.run("import os\nos.environ['AGENTNB_MEMORY'] = '2GB'\n_pid = os.getpid()", check=True)
    ran = ended(work(agents_kernel, code, "len(bytearray(1 << 20))"), "done")
    assert "MemoryError" in ran.first.failure
    assert ran.steps[1].text == "1048576\n"
    assert agents_kernel.eval("_pid") == agents_kernel.pid


def test_fault_19_many_small_ones(agents_kernel):
    agents_kernel.run("import os\nos.environ['AGENTNB_MEMORY'] = '300MB'", check=True)
    pass_time(agents_kernel, 2.1)  # a look at the machine holds for 2 s
    ran = ended(work(agents_kernel, "hoard = []\nwhile True: hoard.append(bytearray(1 << 20))", "del hoard"), "done")
    assert "MemoryError" in ran.first.failure


def test_fault_19_the_persons_own_cells_have_no_limit(agents_kernel):
    agents_kernel.run("import resource", check=True)
    limits = agents_kernel.eval("resource.getrlimit(resource.RLIMIT_DATA)")
    run_done(agents_kernel, "1")
    assert agents_kernel.eval("resource.getrlimit(resource.RLIMIT_DATA)") == limits


BOMB = """
import asyncio, os, psutil
from agentnb import Team
from agentnb.kernel.action import ceiling
from agentnb.testing import ScriptedModel

def team(code):
    return Team([], model=ScriptedModel([f"<code>\\n{part}\\n</code>" for part in (code, "final_answer(1)")]))

bomb = '''
import os, time
try:
    while True:
        os.fork()
except BlockingIOError:
    time.sleep(0.5)
    if os.getpid() != parent:
        os._exit(0)
    raise
'''
asyncio.run(team("1").run("Go.", show=False))  # loads all that it takes
if os.getuid() == 0:  # be somebody who has no other processes: all of a person's are counted, and root's have no limit
    os.chdir("/")
    os.setresgid(61234, 61234, 61234)
    os.setresuid(61234, 61234, 61234)
    os.environ["AGENTNB_PROCESSES"] = "60"
else:
    os.environ["AGENTNB_PROCESSES"] = str(20 * os.cpu_count())
ceiling._limits = ceiling._Limits()
parent = os.getpid()
run = asyncio.run(team(bomb).run("Go.", show=False))
if os.getpid() == parent:
    print(run.status, run.steps[0].error.name, flush=True)
"""


@linux
def test_fault_24_a_fork_bomb(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BOMB],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "done BlockingIOError", done.stdout + done.stderr[-2000:]


def test_fault_25_a_child_left_running_is_listed_and_ended_on_stop(agents_kernel):
    cell = begin(
        agents_kernel,
        "import subprocess\nchild = subprocess.Popen(['sleep', '300'])\nprint(child.pid)",
        BEGUN + "await asyncio.sleep(60)",
    )
    ran, _ = stop(agents_kernel, cell)
    ended(ran, "cancelled")
    pid = int(ran.first.text)
    assert any(f"left running: `sleep 300` (pid {pid})" in note for note in ran.first.notes)
    assert gone(pid)


def test_fault_25_with_all_that_it_started_itself(agents_kernel):
    code = (
        "import subprocess\nchild = subprocess.Popen(['sh', '-c', 'sleep 301 & echo $!; wait'], "
        "stdout=subprocess.PIPE, text=True, start_new_session=True)\n"
        "print(child.pid, int(child.stdout.readline()), flush=True)\n"
    )
    ran, _ = stop(agents_kernel, begin(agents_kernel, code + BEGUN + "while True: pass"))
    ended(ran, "cancelled")
    for pid in map(int, ran.first.text.split()):
        assert gone(pid)


ORPHAN = """
import subprocess
daemon = "setsid sh -c 'sleep 304 & sleep 305 & echo $! > orphan; wait' > /dev/null 2>&1 < /dev/null & exit 0"
subprocess.run(daemon, shell=True)
while not (os.path.exists('orphan') and open('orphan').read().strip()): time.sleep(0.01)
print(open('orphan').read())
"""


@linux
@pytest.mark.parametrize("mode", ["live", "branch"])
def test_fault_25_one_whose_parent_has_ended_is_ended_on_stop(agents_kernel, mode):
    agents_kernel.run("import os, time\nif os.path.exists('orphan'): os.remove('orphan')", check=True)
    cell = begin(agents_kernel, ORPHAN, BEGUN + "await asyncio.sleep(60)", mode=mode)
    ran, _ = stop(agents_kernel, cell)
    assert gone(int(ended(ran, "cancelled").first.text))
    assert agents_kernel.eval("os.environ.get('AGENTNB_RUN')") is None


def test_fault_25_the_persons_own_and_those_of_a_run_that_came_to_its_end_go_on(agents_kernel):
    agents_kernel.run("import subprocess\nmine = subprocess.Popen(['sleep', '302'])", check=True)
    ran = run_done(agents_kernel, "import subprocess\ntheirs = subprocess.Popen(['sleep', '303'])", "'next'")
    assert sum("left running: `sleep 303`" in note for note in ran.first.notes) == 1
    assert ran.steps[1].notes == []
    assert agents_kernel.eval("(mine.poll(), theirs.poll())") == (None, None)
    agents_kernel.run("mine.kill(); theirs.kill(); mine.wait(); theirs.wait()", check=True)


TICKING = (
    "import threading, time\n"
    "def tick():\n    for _ in range({times}):\n        time.sleep(0.15)\n        print('tick')\n"
    "threading.Thread(target=tick, daemon=True).start()"
)


def test_fault_26_a_thread_that_prints_after_its_step(agents_kernel):
    ran = run_done(agents_kernel, TICKING.format(times=2), "import time\ntime.sleep(0.7)\nprint('mine')")
    assert ran.first.text == "[late] tick\n[late] tick\n"
    assert ran.steps[1].text == "mine\n"


def test_fault_26_and_after_its_run(agents_kernel):
    ran = run_done(agents_kernel, TICKING.format(times=3))
    assert "[late]" not in ran.first.text
    cell = agents_kernel.run("time.sleep(0.8)", check=True)
    printed = cell.stream("stdout") + ran.cell.stream("stdout")
    assert printed == "[late] tick\n" * 3
    assert agents_kernel.eval("agents_run.record.steps[0].outputs") == ran.first.outputs


def test_fault_29_print_and_stdout_are_put_back(agents_kernel):
    code = "import sys, builtins\nprint = None\nbuiltins.len = lambda x: 0\nsys.stdout = sys.stderr = None"
    ran = run_done(agents_kernel, code, "print(len('abc'))")
    assert ran.steps[1].text == "3\n"
    assert any("put back: print" in note for note in ran.first.notes)
    assert any("put back: len" in note for note in ran.first.notes)
    cell = agents_kernel.run("print('user', len('ab'))\nimport sys; print('error', file=sys.stderr)", check=True)
    assert cell.stream("stdout") == "user 2\n"
    assert cell.stream("stderr") == "error\n"


def test_fault_30_the_surroundings_are_reported(agents_kernel, tmp_path):
    agents_kernel.run("import os, matplotlib\n_folder = os.getcwd()", check=True)
    code = (
        f"import os, random\nos.chdir({str(tmp_path)!r})\nos.environ['MODE'] = 'fast'\nrandom.seed(1)\n"
        "import matplotlib\nmatplotlib.rcParams['figure.dpi'] = 33"
    )
    ran = run_done(agents_kernel, code, "'next'")
    told = "\n".join(ran.first.notes)
    assert f"the working directory is now {tmp_path}" in told
    assert "environment variables were changed: MODE" in told
    assert "a seed was set" in told
    assert "figure.dpi" in told
    assert ran.steps[1].notes == []
    agents_kernel.run("os.chdir(_folder); del os.environ['MODE']; matplotlib.rcdefaults()", check=True)
