"""Undo beside other work: background runs, cells of the user's meanwhile, other threads, a memory budget, a restart."""

import os
import time

from tests.kernel.driver import Kernel
from tests.kernel.work import LOAD, interrupted_cell, pass_time, read_run, reply, run_done, script, team

SLOW = f"Agent('slow', 'waits', model=ScriptedModel([{reply('final_answer(7)')!r}], latency=1.5))"
LIVE = f"Agent('peer', 'writes', mode='live', model={script('shared.append(1); theirs = 1')})"


def start(kernel, *codes, members="", latency=0.0, name="_bg"):
    kernel.run(team(name, *codes, members=members, latency=latency), check=True)
    kernel.run(f"%%agents -t {name} --new --bg\nDo it.", check=True)
    kernel.run(f"{name}_run = agents_run", check=True)


def ended(kernel, run="_bg_run"):
    kernel.until(lambda: kernel.eval(f"{run}.status") not in ("running", "paused"), timeout=20, what="the run's end")
    pass_time(kernel, 0.2)


def undo(kernel, run="_bg_run", options=""):
    return kernel.run(f"{run}.undo({options})", check=True).text


def test_a_run_is_undone_while_another_goes_on_in_the_background(agents_kernel):
    kernel = agents_kernel
    kernel.run("rows = [1]; mine = [1]", check=True)
    run_done(kernel, "rows.append(2); fresh = 1")
    kernel.run("first = agents_run", check=True)
    start(kernel, "mine.append(2)\ngot = await slow('wait')\nmine.append(3)", members=SLOW)
    pass_time(kernel, 0.5)
    assert kernel.eval("_bg_run.status") == "running"
    assert "put back: fresh, rows" in undo(kernel, "first")
    ended(kernel)
    assert kernel.eval("(rows, 'fresh' in globals(), mine)") == ([1], False, [1, 2, 3])
    # the undo while it waited is nothing that this run did
    assert undo(kernel).split("put back: ")[1].split() == ["got,", "mine"]
    assert kernel.eval("(rows, 'fresh' in globals(), mine)") == ([1], False, [1])


def test_cells_of_the_users_while_an_action_waits_are_not_the_actions(agents_kernel):
    kernel = agents_kernel
    kernel.run("rows = [1]; both = [1]; df = [0]; n = m = 1", check=True)
    start(kernel, "both.append('agent'); m = 2\nawait slow('wait')\nboth.append('again')\nrows", members=SLOW)
    pass_time(kernel, 0.7)
    kernel.run("rows.append('user'); both.append('user'); n = 5; typed = 1", check=True)
    ended(kernel)
    told = undo(kernel)
    assert "put back: m" in told
    assert "both" in told.split("left alone")[1]
    assert kernel.eval("(rows, both, n, m, typed)") == ([1, "user"], [1, "agent", "user", "again"], 5, 1, 1)


def test_a_specialists_changes_within_the_coordinators_action(agents_kernel):
    kernel = agents_kernel
    kernel.run("shared = []; after = []", check=True)
    run_done(kernel, "shared.append(0)\nawait peer('write')\nshared.append(2); after.append(theirs)", members=LIVE)
    assert kernel.eval("(shared, after, theirs)") == ([0, 1, 2], [1], 1)
    kernel.run("agents_run.undo()", check=True)
    assert kernel.eval("(shared, after, 'theirs' in globals())") == ([], [], False)


def test_a_run_at_work_is_not_undone(agents_kernel):
    start(agents_kernel, "busy = 1\nawait slow('wait')", members=SLOW)
    pass_time(agents_kernel, 0.5)
    assert "is at work; stop the run first" in agents_kernel.run("_bg_run.undo()").text
    ended(agents_kernel)
    undo(agents_kernel)


def test_between_its_steps_a_run_can_be_undone_and_the_agent_is_told(agents_kernel):
    kernel = agents_kernel
    kernel.run("rows = [1]", check=True)
    start(kernel, "rows.append(2)", "1", latency=0.6)
    kernel.until(lambda: kernel.eval("len(_bg_run.steps) == 2"), timeout=10, what="the second step")
    assert "put back: rows" in undo(kernel)
    ended(kernel)
    assert "has undone what your code did" in kernel.eval("str(_bg.model.calls[-1])")
    assert kernel.eval("rows") == [1]


def test_a_stopped_action_is_undone_as_far_as_it_got(agents_kernel):
    kernel = agents_kernel
    kernel.run("rows = [1]", check=True)
    interrupted_cell(kernel, "rows.append(2); half = 1\nawait asyncio.sleep(60)")
    assert ("mutated", "rows", "user") in read_run(kernel, None).first.changes
    undo(kernel, "agents_run")
    assert kernel.eval("(rows, 'half' in globals())") == ([1], False)


def test_from_another_thread_as_a_page_does(agents_kernel):
    kernel = agents_kernel
    kernel.run("rows = [1]", check=True)
    run_done(kernel, "rows.append(2)")
    kernel.run(
        "import threading; came = []; threading.Thread(target=lambda: came.append(str(agents_run.undo()))).start()"
    )
    kernel.until(lambda: kernel.eval("len(came)"), timeout=10, what="the undo")
    assert kernel.eval("(came, rows)") == (["put back: rows"], [1])


def test_within_a_budget_of_memory_the_oldest_checkpoints_go_and_that_is_said(agents_kernel):
    kernel = agents_kernel
    with open(os.path.join(kernel.eval("__import__('os').getcwd()"), "agentnb.toml"), "w") as file:
        file.write('undo_memory = "3 MB"\n')
    try:
        kernel.run("big = [bytearray(1_000_000) for _ in range(6)]", check=True)
        run_done(kernel, *[f"big[{n}][0] = 1" for n in range(4)])
        kept = kernel.eval("[c.step for c in agents_run.checkpoints]")
        assert kept[-1] == "t1.4"
        assert len(kept) < 4
        said = kernel.eval("[m.text for m in agents_run.record.messages if m.sender == 'agentnb']")
        assert said[-1].endswith(f"undo reaches back to step {kept[0]}")
        assert f"run.undo(step='{kept[0]}')" in kernel.run("agents_run.undo()").text
        kernel.run(f"agents_run.undo({kept[0]!r})", check=True)
        first = int(kept[0][-1]) - 1
        assert kernel.eval("[b[0] for b in big]") == [int(n < first) for n in range(6)]
    finally:
        os.remove(file.name)
        kernel.run("from agentnb.kernel.undo.store import *; kernel_checkpoints(default_budget())", check=True)


def test_with_the_older_kernel(ipykernel6_python, tmp_path):
    with Kernel(ipykernel6_python, cwd=tmp_path) as kernel:
        kernel.run(LOAD + "\nimport numpy as np\narr = np.ones(2_000_000); rows = [1]", check=True)
        start(kernel, "arr[5] = 2; rows.append(2)")
        ended(kernel)
        kernel.run("import threading; came = []", check=True)
        kernel.run("threading.Thread(target=lambda: came.append(str(_bg_run.undo()))).start()", check=True)
        kernel.until(lambda: kernel.eval("len(came)"), timeout=10, what="the undo")
        assert kernel.eval("(came, rows, float(arr.sum()))") == (["put back: arr, rows"], [1], 2_000_000.0)


def test_a_killed_kernel_ends_its_checkpoints(tmp_path):
    with Kernel(cwd=tmp_path) as kernel:
        kernel.run(LOAD + "\nimport numpy as np\narr = np.ones(20_000_000)", check=True)
        run_done(kernel, "arr *= 2")  # 160 MB written: the fork that holds it is kept
        children = "__import__('pathlib').Path('/proc/self/task').glob('*/children')"
        pids = [int(pid) for text in kernel.eval(f"[path.read_text() for path in {children}]") for pid in text.split()]
        assert pids
    for _ in range(100):
        if not any(_runs(pid) for pid in pids):
            return
        time.sleep(0.1)
    raise AssertionError(f"still there: {pids}")


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False
