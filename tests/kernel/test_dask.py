"""Agents on the workers of a real Dask cluster: what works there, what comes back, and what is said where it cannot."""

import asyncio
import os
import signal
import sys
import threading

import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster

from agentnb import Agent, Team, UserError, best_of
from agentnb.kernel.dask.cluster import unfit
from agentnb.kernel.dask.seat import versions
from agentnb.run import branches
from tests.kernel.work import read_run
from tests.support.scripts import acting, code, final

DEFINED = """
K = 5
class Point:
    def __init__(self, x): self.x = x
def double(x): return Point(x * K)
async def later(x: int) -> int:
    'Adds one.'
    return x + 1
def where() -> int:
    'Says where it runs.'
    import os
    print('in the tool')
    return os.getpid()
def fail() -> int:
    'Fails.'
    raise ValueError('no luck')
"""


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(processes=True, silence_logs=50, **options) as cluster, Client(cluster) as client:
        yield client


def defined(**more):
    variables = {"__name__": "__main__", **more}
    exec(DEFINED, variables)
    return variables


def quant(**settings):
    return Agent("quant", "fits", mode="dask", **settings)


async def go(variables, *codes, lead=("got = await quant('go')", "final_answer(got)"), **settings):
    """Let quant run these codes on Dask, asked by a coordinator whose code is ``lead``."""
    tools = [variables[name] for name in settings.pop("tools", ())]
    model = acting(lead=[code(*lead)], quant=[each if "<code>" in each else code(each) for each in codes])
    desk = Team([quant(tools=tools, **settings)], model=model)
    run = await desk.run("Do it.", namespace=variables, show=False)
    return run, [step for step in run.steps if step.agent == "quant"]


def text(step):
    return "".join(output.get("text", "") or output["data"]["text/plain"] + "\n" for output in step.outputs)


async def test_without_dask_or_a_cluster_it_says_what_to_type(monkeypatch):
    desk = Team([quant()], model=acting())
    with pytest.raises(UserError, match=r"client = Client\(address\).*under \[dask\] in agentnb.toml"):
        await desk.run("Do it.", show=False)
    monkeypatch.setitem(sys.modules, "distributed.client", None)
    with pytest.raises(UserError, match=r'%pip install "agentnb\[dask\]"'):
        await desk.run("Do it.", show=False)


def test_a_worker_of_other_versions_is_refused():
    assert unfit(versions()) is None
    said = unfit({**versions(), "Python": "3.9"})
    assert (
        said
        == f"the Dask worker has Python 3.9 (here {versions()['Python']}); give workers and notebook the same versions"
    )


async def test_code_runs_on_a_worker_as_in_a_branch_and_what_it_changed_comes_back(client):
    numbers = [1, 2]
    variables = defined(numbers=numbers, alias=numbers, untouched=[1], replaced=[1], lock=threading.Lock())
    run, steps = await go(
        variables,
        "import os\nprint(os.getppid(), alias is numbers)\nnumbers.append(double(2))\nreplaced = [2]\n"
        "made = double(3)\ndef made_here(x): return double(x)\nK",
        "print(where(), await later(1), await asyncio.gather(later(2), later(3)))\nfail()",
        "lock",
        "import matplotlib.pyplot as plt\nprint(made.x, type(made) is Point)\n_ = plt.plot([1, 2])",
        final("(made, numbers, double, Point)"),
        tools=["where", "later", "fail"],
    )
    assert (run.status, run.record.reason) == ("done", None)
    worker, same = text(steps[0]).split("\n")[0].split()
    assert int(worker) in client.run(os.getpid).values()
    assert same == "True"
    assert text(steps[0]).endswith("5\n")
    assert text(steps[1]) == f"in the tool\n{os.getpid()} 2 [3, 4]\n"
    assert "no luck" in steps[1].error.message
    assert steps[2].error.name == "NameError"
    assert "`lock` is not there on the Dask worker (TypeError: cannot pickle" in steps[2].notes[0]
    assert "15 True" in text(steps[3])
    assert "image/png" in steps[3].outputs[-1]["data"]
    made, changed, double, point = run.result
    assert (double, point, type(made)) == (variables["double"], variables["Point"], variables["Point"])
    assert [changed[0], changed[2].x, variables["numbers"]] == [1, 10, changed]
    assert variables["alias"] is variables["numbers"]
    assert numbers == [1, 2]  # the answer holds what it became, so it is another object, as from a branch
    assert variables["replaced"] == [2]
    assert [m.text for m in run.record.messages] == []
    assert variables["made_here"](1).x == 5
    assert variables["made_here"].__globals__ is variables
    changes = {change.name: change.kind for change in run.changes}
    assert changes["replaced"] == "rebound"
    assert "untouched" not in changes


async def test_a_coordinator_may_work_on_a_worker_and_lead_who_works_elsewhere(client):
    code_of_lead = "mine = [await helper('go', rows=rows), await quant('go', mode='dask')]\nrows.append(mine)"
    model = acting(
        lead=[code("import os\n" + code_of_lead), final("[os.getppid(), *mine]")],
        helper=[code("import os"), final("[os.getpid(), rows]")],
        quant=[code("import os"), final("os.getppid()")],
    )
    variables = defined(rows=[1])
    desk = Team([Agent("helper", "helps", mode="scratch"), Agent("quant", "fits")], model=model, mode="dask")
    run = await desk.run("Do it.", namespace=variables, show=False)
    assert run.status == "done", run.record.reason
    workers = set(client.run(os.getpid).values())
    lead, (helper, rows), other = run.result
    assert {lead, other} <= workers
    assert (helper, rows) == (os.getpid(), [1])
    assert variables["rows"] == [1, [[os.getpid(), [1]], other]]


async def test_tasks_run_on_several_workers_at_once_and_share_what_is_large(client):
    def meet(pid: int) -> int:
        "Waits for the other and counts what was scattered."
        met.append(pid)
        return len([key for key in client.who_has() if key.startswith("agentnb-freight")])

    met: list[int] = []
    variables = defined(large=np.arange(500_000.0), meet=meet)
    both = "a, b = await asyncio.gather(quant('go'), quant('go'))"
    waits = "import os, time\ncount = meet(os.getppid())\nprint(large.sum(), count)"
    run, steps = await go(variables, waits, final("large"), lead=(both, "final_answer((a, b))"), tools=["meet"])
    assert run.status == "done", run.record.reason
    assert sorted(met) == sorted(client.run(os.getpid).values())
    assert {text(step) for step in steps if step.number == 1} == {"124999750000.0 1\n"}
    assert run.result[0] is run.result[1] is variables["large"]
    await eventually(lambda: not [key for key in client.who_has() if key.startswith("agentnb")])


async def test_what_others_changed_meanwhile_is_kept_under_both_names(client):
    def interfere() -> int:
        "Changes what is the person's."
        variables["rows"].append("theirs")
        variables["plain"] = "theirs"
        return 1

    variables = defined(rows=["first"], plain=1, interfere=interfere)
    run, _ = await go(variables, "rows.append('ours')\nplain = 'ours'\ninterfere()", final("rows"), tools=["interfere"])
    assert run.status == "done", run.record.reason
    assert (variables["rows"], variables["rows_quant"]) == (["first", "theirs"], ["first", "ours"])
    assert (variables["plain"], variables["plain_quant"]) == ("theirs", "ours")
    assert any("changed meanwhile" in message.text for message in run.record.messages)


async def test_a_time_limit_ends_the_action_or_where_it_cannot_the_process(client):
    run, steps = await go(
        defined(),
        "kept = 1\nwhile True: pass",
        "print(kept)",
        "sum(range(10**11))",
        "print('in', 'scratch')",
        final("1"),
        timeout=1,
    )
    assert run.status == "done", run.record.reason
    assert "longer than" in steps[0].error.message
    assert text(steps[1]) == "1\n"
    assert "ran longer than 1 s and could not be stopped" in steps[2].error.message
    assert text(steps[3]) == "in scratch\n"


@pytest.mark.parametrize("if_lost", ["scratch", "fail"])
async def test_a_worker_that_is_killed_is_reported_and_the_task_goes_on_or_fails(client, if_lost):
    killing = f"import os\nos.kill(os.getppid(), {int(signal.SIGKILL)})\nwhile True: pass"
    lead = ("got = await quant('go')", "final_answer(got)") if if_lost == "scratch" else ("await quant('go')",)
    run, steps = await go(defined(), killing, "print('went on')", final("2"), if_lost=if_lost, lead=lead)
    if if_lost == "scratch":
        assert run.result == 2
        assert "process on a Dask worker that your code ran in is lost" in steps[0].error.message
        assert text(steps[1]) == "went on\n"
    else:
        assert "its process on a Dask worker is lost" in run.steps[0].error.message
    client.wait_for_workers(2, timeout=30)  # its nanny starts another


@pytest.mark.parametrize("if_lost", ["scratch", "fail"])
async def test_a_process_that_takes_more_memory_than_its_agent_may_is_ended(client, if_lost):
    taking = "import time\nmade = bytearray(700 << 20)\nmade[:] = bytes(1) * len(made)\ntime.sleep(30)"
    lead = ("got = await quant('go')", "final_answer(got)") if if_lost == "scratch" else ("await quant('go')",)
    run, steps = await go(defined(), taking, "print('went on')", final("2"), memory=0.5, if_lost=if_lost, lead=lead)
    assert "GB of memory, more than its limit of 0.5 GB" in (steps[0].error or run.steps[0].error).message
    if if_lost == "scratch":
        assert (run.result, text(steps[1])) == (2, "went on\n")
    assert client.run(os.getpid).keys() == client.scheduler_info()["workers"].keys()  # the workers themselves live


async def test_a_client_that_is_closed_meanwhile_is_as_a_lost_worker(client):
    def hang_up() -> None:
        "Closes the client."
        own.close()

    with Client(client.scheduler.address, set_as_default=False) as own, own.as_current():
        variables = defined(hang_up=hang_up)
        run, steps = await go(variables, "hang_up()\nprint('on')", "print('went on')", final("1"), tools=["hang_up"])
    assert run.status == "done", run.record.reason
    assert "cannot be reached" in steps[0].error.message
    assert text(steps[1]) == "went on\n"


async def test_where_no_worker_is_free_the_person_is_told_and_may_stop(client, monkeypatch):
    monkeypatch.setattr(branches, "LONG", 0.2)
    desk = Team([quant()], model=acting())
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as empty, Client(empty):
        run = desk.start("Do it.", agents=["quant"], namespace=defined(), show=False)
        await eventually(lambda: any("waits for a Dask worker" in each.text for each in run.record.messages))
        run.stop()
        assert (await run).status == "cancelled"


async def test_stop_ends_the_process_on_the_worker(client):
    begun: list[int] = []

    def tell(pid: int) -> None:
        "Takes the number of the process."
        begun.append(pid)

    model = acting(quant=[code("import os\ntell(os.getpid())\nwhile True: pass")])
    desk = Team([quant(tools=[tell])], model=model)
    run = desk.start("Do it.", agents=["quant"], namespace=defined(tell=tell), show=False)
    await eventually(lambda: begun)
    assert psutil.pid_exists(begun[0])
    run.stop()
    assert (await run).status == "cancelled"
    await eventually(lambda: not psutil.pid_exists(begun[0]))


async def test_what_it_prints_comes_as_it_runs_and_without_secrets(client):
    seen = []

    def look() -> int:
        "Looks at the page."
        seen.append(text(run.steps[0]))
        return 1

    key = "sk-proj-0123456789abcdefghijABCDEFGHIJ"
    variables = defined(api_key=key, look=look)
    model = acting(quant=[code("print('first', api_key)\nlook()\nprint('second')"), final("1")])
    desk = Team([quant(tools=[look])], model=model)
    run = desk.start("Do it.", agents=["quant"], namespace=variables, show=False)
    assert (await run).status == "done", run.record.reason
    assert seen[0].startswith("first ")
    assert "second" in text(run.steps[0])
    assert key not in text(run.steps[0])


async def test_what_is_tried_several_times_may_be_tried_on_workers(client):
    model = acting(quant=[code("import os\nchosen = os.getppid()"), final("chosen")])
    run = await best_of(quant(model=model), "Try.", n=2, judge=lambda pid: pid, show=False)
    assert sorted(run.record.tasks[at].result["text/plain"] for at in (0, 1)) == sorted(
        map(str, client.run(os.getpid).values())
    )


def test_in_a_kernel_with_the_address_in_its_settings(agents_kernel, client):
    kernel = agents_kernel
    kernel.run(f"open('agentnb.toml', 'w').write('[dask]\\naddress = \"{client.scheduler.address}\"')", check=True)
    replies = [code("numbers.append(4)\nmade = 5"), final("sum(numbers)")]
    kernel.run(f"numbers = [1]\nquant = Agent('quant', 'fits', model=ScriptedModel({replies!r}))", check=True)
    kernel.run("_team = Team([quant], model=ScriptedModel([]))", check=True)
    cell = kernel.run("%%agents @quant -t _team --mode dask --approve ask\nDo it.", stdin=["y", "y", "y"], timeout=60)
    ran = read_run(kernel, cell)
    assert (ran.status, ran.reason) == ("done", None), ran.reason
    assert kernel.eval("agents_run.result, numbers, made") == (5, [1, 4], 5)
    assert kernel.eval("[r.kind for r in agents_run.record.requests]") == ["action", "action", "merge"]
    assert "from its Dask worker: numbers, made" in kernel.eval("agents_run.record.requests[-1].text")
    kernel.run("agents_run.undo()", check=True)
    assert kernel.eval("numbers, 'made' in dir()") == ([1], False)


async def eventually(holds):
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about within 10 s")


async def test_a_changed_variable_stays_the_object_it_is_also_as_the_answer(client):
    variables = defined(held=[1])
    alias = variables["held"]
    run, _ = await go(variables, "held.append(2)", final("held"))
    assert run.result is variables["held"] is alias
    assert alias == [1, 2]
