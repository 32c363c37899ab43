"""Agents in branches of a real kernel: what works in one, what comes back, and that the kernel stays as it was."""

import os

import pytest

from tests.kernel.work import read_run, reply, run_done, team, work

DATA = """
import numpy as np, os, random
K = 5
numbers = list(range(10))
class Point:
    def __init__(self, x): self.x = x
def double(x): return x * K
kernel_pid = os.getpid()
"""


def agent(name: str, *codes: str, last: str = "final_answer('done')", **settings: object) -> str:
    replies = [reply(code) for code in (*codes, last)]
    more = "".join(f", {key}={value!r}" for key, value in {"mode": "branch", **settings}.items())
    return f"Agent({name!r}, 'works', model=ScriptedModel({replies!r}){more})"


@pytest.fixture
def kernel(agents_kernel):
    agents_kernel.run(DATA, check=True)
    yield agents_kernel
    assert agents_kernel.run("os.getpid() == kernel_pid, K").result["text/plain"] == "(True, 5)"
    names = "[name for name in list(globals()) if name.startswith(('made', 'numbers_'))]"
    agents_kernel.run(f"for name in {names}: del globals()[name]", check=True)
    children = "open(f'/proc/self/task/{os.getpid()}/children').read().split()"
    agents_kernel.until(lambda: agents_kernel.eval(children) == [], what="the end of the branches")


def test_what_an_agent_made_and_changed_comes_back_when_its_result_is_taken(kernel):
    quant = agent("quant", "numbers.append(99)\nmade = Point(3)\ndef made_up(x): return double(x) + K")
    ran = run_done(kernel, "before = (len(numbers), 'made' in dir())\ngot = await quant('go')", members=quant)
    assert kernel.eval("before") == (10, False)
    assert kernel.eval("got, numbers[-1], made.x, isinstance(made, Point), made_up(2)") == ("done", 99, 3, True, 15)
    assert kernel.eval("made_up.__globals__ is globals()")
    lead = next(step for step in ran.steps if step.agent == "coordinator")
    assert {("mutated", "numbers", "user"), ("added", "made", "user")} <= set(lead.changes)
    first = next(step for step in ran.steps if step.agent == "quant")
    assert ("mutated", "numbers", "quant") in first.changes


@pytest.mark.parametrize("directly", [False, True])
def test_what_refers_to_a_mutated_object_sees_the_merge_and_the_undo(kernel, directly):
    kernel.run(
        "import pandas as pd\nmade_table = pd.DataFrame({'a': [1, 2, 3]})\nmade_array = np.arange(4.0)\n"
        "made_dict = {'k': [1]}\nkept = lambda held=(made_table, made_array, made_dict, numbers): held",
        check=True,
    )
    change = "made_table['b'] = made_table.a * 2\nmade_array[1] = 9\nmade_dict['k'].append(2)\nnumbers.append(7)"
    quant = agent("quant", change)
    if directly:
        kernel.run(team("_team", members=quant), check=True)
        cell = kernel.run("%%agents @quant -t _team --new\nDo it.", check=True)
        changes = read_run(kernel, cell).steps[-1].changes
    else:
        changes = run_done(kernel, "await quant('go')", members=quant).first.changes
    names = ("made_table", "made_array", "made_dict", "numbers")
    assert {("mutated", name, "user") for name in names} <= set(changes)
    same = "all(map(lambda a, b: a is b, kept(), (made_table, made_array, made_dict, numbers)))"
    content = "[list(kept()[0].columns), float(kept()[1][1]), kept()[2], kept()[3][-1]]"
    assert kernel.eval(f"{same}, {content}") == (True, [["a", "b"], 9.0, {"k": [1, 2]}, 7])
    kernel.run("agents_run.undo()", check=True)
    assert kernel.eval(f"{same}, {content}") == (True, [["a"], 1.0, {"k": [1]}, 9])
    kernel.run("del kept", check=True)


@pytest.mark.parametrize(
    "taken",
    [
        "got = await quant('go')",
        "call = quant('go')\ngot = (await asyncio.gather(call))[0]",
        "got = await best_of(quant, 'go', n=1)",
    ],
)
def test_an_answer_that_is_a_changed_variable_is_that_variable_after_it(kernel, taken):
    kernel.run(
        "import pandas as pd\nmade_table = pd.DataFrame({'a': [1, 2, 3]})\nkept = lambda held=made_table: held",
        check=True,
    )
    quant = agent("quant", "made_table['b'] = made_table.a * 2", last="final_answer(made_table)")
    check = "made = got is made_table is results['quant'] is kept()"
    ran = run_done(kernel, taken, check, members=quant)
    assert kernel.eval("made, list(kept().columns)") == (True, ["a", "b"])
    assert ("mutated", "made_table", "user") in ran.first.changes
    kernel.run("agents_run.undo()", check=True)
    assert kernel.eval("kept() is made_table, list(kept().columns)") == (True, ["a"])
    kernel.run("del kept", check=True)


def test_so_it_is_where_the_person_asks_the_agent(kernel):
    kernel.run("made_dict = {'k': [1]}\nkept = lambda held=made_dict: held", check=True)
    quant = agent("quant", "made_dict['k'].append(2)", last="final_answer(made_dict)")
    kernel.run(team("_team", members=quant), check=True)
    kernel.run("%%agents @quant -t _team --new\nDo it.", check=True)
    assert kernel.eval("agents_run.result is made_dict is kept(), made_dict") == (True, {"k": [1, 2]})
    kernel.run("agents_run.undo()\ndel kept", check=True)
    assert kernel.eval("made_dict") == {"k": [1]}


@pytest.mark.parametrize("directly", [False, True])
def test_a_merge_is_told_in_as_much_detail_as_a_live_change(kernel, directly):
    make = "import pandas as pd\nmade_table = pd.DataFrame({'a': [1, 2, 3], 'b': ['x', 'y', 'z']})\n"
    make += "made_dict = {'k': [0.5], 'other': ['text']}\nmade_array = np.arange(4.0)"
    kernel.run(make, check=True)
    change = "made_table.loc[1, 'a'] = 9\nmade_table['c'] = 1.5\nmade_dict['k'].append(2)\nmade_array = made_array * 2"
    quant = agent("quant", change, last="final_answer([made_dict])")  # so its name is bound anew
    if directly:
        kernel.run(team("_team", members=quant), check=True)
        kernel.run("%%agents @quant -t _team --new\nDo it.", check=True)
    else:
        run_done(kernel, "await quant('go')", members=quant)
    details = "{c.name: c.detail for c in agents_run.changes if c.scope == 'user'}"
    assert kernel.eval(details) == {
        "made_table": ["column added: c float64", "a: 1 of 3 cells (2 → 9)"],
        "made_dict": ["['k']: 1 entry added"],
        "made_array": ["3 of 4 elements (1 … 3 → 2 … 6)"],
    }
    assert "a: 1 of 3 cells (2 → 9)" in kernel.eval("str(agents_run.changes)")


def test_what_was_merged_and_deleted_in_one_step_is_no_change(kernel):
    ran = run_done(kernel, "await quant('go')\ndel made", members=agent("quant", "made = [1]"))
    assert [name for _, name, _ in ran.first.changes] == []


def test_what_is_kept_beside_for_a_conflict_is_a_change_too(kernel):
    codes = ["import time\nnumbers.append('quant')\ntime.sleep(2)"]
    kernel.run(team("_team", members=agent("quant", *codes)), check=True)
    kernel.run("%%agents @quant -t _team --new --bg\nDo it.", check=True)
    kernel.until(lambda: branches(kernel.pid), what="a branch")
    kernel.run("import time; time.sleep(.5); numbers.append('user')", check=True)
    kernel.run("await agents_run", check=True)
    assert kernel.eval("numbers[-1], numbers_quant[-1]") == ("user", "quant")
    assert kernel.eval("[(c.kind, c.name) for c in agents_run.changes if c.scope == 'user']") == [
        ("added", "numbers_quant")
    ]


def test_a_kernel_with_thousands_of_open_files_has_branches_whose_tools_run(kernel):
    kernel.run(
        "import resource\nmost = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (min(4000, most[1]), most[1]))\n"
        "held = [open(os.devnull) for _ in range(1100)]\n"
        "def tripled(x: int) -> int:\n    'Returns x times 3.'\n    return x * 3",
        check=True,
    )
    quant = agent("quant", "import os\n_ = os.system('echo from the shell')\nmade = tripled(7)")
    quant = quant.replace("mode='branch'", "mode='branch', tools=[tripled]")
    ran = run_done(kernel, "await quant('go')", members=quant)
    assert kernel.eval("made") == 21
    assert "from the shell" in next(step for step in ran.steps if step.agent == "quant").text
    kernel.run(
        "for each in held: each.close()\nresource.setrlimit(resource.RLIMIT_NOFILE, most)\n"
        "del held, each, most, tripled",
        check=True,
    )


def test_until_then_the_users_variables_are_untouched(kernel):
    quant = agent("quant", "numbers.clear()\nK = 0\nmade = 1", "assert K == 0 and made == 1 and not numbers\n1 / 0")
    members = quant.replace("'works'", "'works', max_steps=2")
    ran = work(kernel, "await quant('go')", members=members)
    assert any("did not finish within 2 steps" in step.failure for step in ran.steps)
    assert kernel.eval("len(numbers), K, 'made' in dir()") == (10, 5, False)


def test_prints_displays_figures_errors_magics_and_await_work_as_live(kernel):
    codes = [
        "import asyncio, matplotlib.pyplot as plt\nfrom IPython.display import HTML, display, clear_output\n"
        "print('first')\nclear_output()\nprint('shown')\nhandle = display(HTML('<b>one</b>'), display_id=True)\n"
        "handle.update(HTML('<b>two</b>'))\nplt.plot([1, 2])",
        "await asyncio.sleep(0.01, 'slept')",
        "%time len(numbers)",
        "import os\n_ = os.system('echo from the shell')",
        "1 / 0",
    ]
    quant = agent("quant", *codes, last="final_answer(numbers)")
    ran = work(kernel, "got = await quant('go')", members=quant)
    steps = [step for step in ran.steps if step.agent == "quant"]
    assert "first" not in steps[0].text
    assert "shown" in steps[0].text
    assert [list(o["data"]) for o in steps[0].outputs if "data" in o][-1][-1].startswith(("image/", "text/"))
    assert any("two" in o["data"].get("text/html", "") for o in steps[0].outputs if "data" in o)
    assert any("image/png" in o["data"] for o in steps[0].outputs if "data" in o)
    assert "'slept'" in steps[1].text
    assert "Wall time" in steps[2].text
    assert "from the shell" in steps[3].text
    assert "ZeroDivisionError" in steps[4].failure
    assert "1 / 0" in steps[4].failure
    assert kernel.eval("got is numbers")


def test_tools_and_what_they_take_and_give_run_in_the_kernel(kernel):
    kernel.run(
        "seen = []\ndef lookup(what: Point) -> dict:\n    'Looks up.'\n    seen.append((os.getpid(), what))\n"
        "    print('in the tool')\n    return {'x': what.x, 'same': double}\n"
        "async def fetch(x: int) -> int:\n    'Fetches.'\n    return x + 1\n"
        "def broken() -> int:\n    'Fails.'\n    raise ValueError('no luck')",
        check=True,
    )
    codes = [
        "print('before')\nmade = lookup(Point(4))\nprint('after', made['x'], made['same'] is double)",
        "print(await fetch(1), await asyncio.gather(fetch(2), fetch(3)))\nmade_late = fetch(10)",
        "print(made_late)\nbroken()",
    ]
    quant = agent("quant", *codes).replace("'works'", "'works', tools=[lookup, fetch, broken]")
    ran = work(kernel, "await quant('go')", members=quant)
    texts = [step.text for step in ran.steps if step.agent == "quant"]
    assert texts[0] == "before\nin the tool\nafter 4 True\n"
    assert texts[1] == "2 [3, 4]\n"
    assert texts[2] == "11\n"
    assert "no luck" in ran.steps[3].failure
    assert kernel.eval("[(pid == kernel_pid, type(what) is Point, what.x) for pid, what in seen]") == [(True, True, 4)]


def test_tools_may_be_called_from_threads_while_the_code_waits_for_them(kernel):
    kernel.run(
        "seen = []\ndef fetch(x: int) -> int:\n    'Fetches.'\n    seen.append(os.getpid())\n    return x + 1\n"
        "async def later(x: int) -> int:\n    'Fetches.'\n    await asyncio.sleep(0.01)\n    return x + 1",
        check=True,
    )
    codes = [
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as made_pool:\n"
        "    print(list(made_pool.map(fetch, range(20))) == list(range(1, 21)))\n"
        "    print(list(made_pool.map(later, range(20))) == list(range(1, 21)))",
        "print(await asyncio.gather(later(1), asyncio.to_thread(fetch, 2), asyncio.to_thread(later, 3)), fetch(4))",
    ]
    quant = agent("quant", *codes).replace("'works'", "'works', tools=[fetch, later]")
    ran = run_done(kernel, "await quant('go')", members=quant)
    texts = [step.text for step in ran.steps if step.agent == "quant"]
    assert texts[:2] == ["True\nTrue\n", "[2, 3, 4] 5\n"]
    assert kernel.eval("len(seen), set(seen) == {kernel_pid}") == (22, True)


def test_functions_that_remember_their_results_come_back(kernel):
    code = """import functools
@functools.lru_cache(maxsize=7)
def made_fib(n): return n if n < 2 else made_fib(n - 1) + made_fib(n - 2)
class MadeUp:
    @functools.cache
    def twice(self): return K * 2
made = MadeUp()"""
    run_done(kernel, "await quant('go')", members=agent("quant", code, "made_fib(20)"))
    assert kernel.eval(
        "made_fib(25), made_fib.cache_info().maxsize, made.twice(), made_fib.__wrapped__.__globals__ is globals()"
    ) == (75025, 7, 10, True)


def test_a_coordinator_in_a_branch_leads_specialists_in_the_kernel_and_merges_at_the_end(kernel):
    helper = agent("helper", "made_by_helper = x + 1", last="final_answer(made_by_helper)")
    hired = "hire('extra', 'helps', model=extra_model)"
    kernel.run(f"extra_model = ScriptedModel([{reply('final_answer(os.getpid())')!r}])", check=True)
    codes = [
        "made = await helper('go', x=41)\nprint(made, made_by_helper, results['helper'])",
        f"{hired}\nmade_pid = await extra('go', mode='live')\nnumbers.append(made)",
    ]
    ran = run_done(kernel, *codes, members=helper, options="--mode branch")
    assert "42 42 42" in ran.first.text
    assert kernel.eval("made, made_by_helper, numbers[-1], made_pid == kernel_pid") == (42, 42, 42, True)
    assert ("mutated", "numbers", "user") in ran.steps[-1].changes


def test_two_branches_that_change_one_name_are_both_kept_and_said(kernel):
    one = agent("one", "numbers = 'of one'")
    two = agent("two", "numbers = 'of two'")
    ran = run_done(kernel, "await asyncio.gather(one('go'), two('go'))", members=f"{one}, {two}")
    names = kernel.eval("{n: v for n, v in globals().items() if n.startswith('numbers')}")
    assert sorted(names.values()) == ["of one", "of two"]
    assert "numbers" in names
    other = next(name for name in names if name != "numbers")
    said = kernel.eval("[m.text for m in agents_run.record.messages]")
    assert any(f"`{other}`" in text and "changed meanwhile" in text for text in said)
    assert ran.status == "done"


def test_what_the_user_changed_meanwhile_in_place_is_not_overwritten(kernel):
    codes = ["work = asyncio.ensure_future(quant('go'))\nawait asyncio.sleep(1)\nnumbers.append('user')\nawait work"]
    slow = agent("quant", "import time\nnumbers.append('quant')\ntime.sleep(2)")
    run_done(kernel, *codes, members=slow)
    assert kernel.eval("numbers[-1], numbers_quant[-1]") == ("user", "quant")


def test_one_call_may_run_in_a_branch(kernel):
    quant = agent("quant", "numbers.append(1)", last="final_answer(os.getpid())", mode="scratch")
    run_done(kernel, "made = await quant('go', mode='branch')", members=quant)
    assert kernel.eval("made != kernel_pid and len(numbers)") == 11


def test_a_specialist_asked_directly_merges_with_its_answer(kernel):
    kernel.run(team("_team", members=agent("quant", "made = [1]", last="final_answer(made)")), check=True)
    cell = kernel.run("%%agents @quant -t _team --new\nDo it.", check=True)
    assert kernel.eval("made is agents_run.result and made") == [1]
    assert ("added", "made", "user") in read_run(kernel, cell).steps[-1].changes


def test_what_cannot_be_pickled_stays_behind_and_is_named(kernel):
    quant = agent("quant", "made = (i for i in range(3))\nmade_too = 1", "final_answer(made)")
    run_done_with_failure = work(kernel, "await quant('go')", members=quant)
    assert any("cannot leave the branch" in step.failure for step in run_done_with_failure.steps)
    assert kernel.eval("made_too, 'made' in dir()") == (1, False)
    assert kernel.eval("any('`made` of quant stays behind' in m.text for m in agents_run.record.messages)")


def test_what_would_come_back_as_another_thing_stays_behind_and_is_named(kernel):
    kernel.run("class Shape: sides = 3\ndef counted(): pass\nopen('lines', 'w').write('one')", check=True)
    codes = ["Shape.sides = 7\ncounted.calls = 1", "made_file = open('lines')\nmade = [made_file]\nmade_too = 1"]
    ran = run_done(kernel, "await quant('go')", members=agent("quant", *codes))
    assert kernel.eval("Shape.sides, 'made_file' in dir(), 'made' in dir(), made_too") == (3, False, False, 1)
    said = kernel.eval("' '.join(m.text for m in agents_run.record.messages)")
    assert "`Shape` of quant stays behind: what was changed inside a class" in said
    assert "`made_file` of quant stays behind: PicklingError: an open file does not travel" in said
    assert "`made` of quant stays behind" in said
    lead = next(step for step in ran.steps if step.agent == "coordinator")
    assert "Shape" not in [name for _, name, _ in lead.changes]


def test_a_variable_that_raises_when_it_is_asked_what_it_is_disturbs_nobody(kernel):
    kernel.run(
        "class Lazy:\n    @property\n    def __class__(self): raise RuntimeError('not bound')\n"
        "    def __getattr__(self, name): raise RuntimeError('not bound')\nlazy = Lazy()",
        check=True,
    )
    ran = work(kernel, "await quant('go')", members=agent("quant", "made = 1", "made_too = [lazy]\nlazy"))
    kernel.run("del lazy, Lazy", check=True)
    assert [step.status for step in ran.steps if step.agent == "quant"] == ["done", "failed", "done"]
    assert kernel.eval("agents_run.status, made, 'made_too' in dir()") == ("done", 1, False)
    assert kernel.eval("any('`made_too` of quant stays behind' in m.text for m in agents_run.record.messages)")


def test_what_the_kernel_cannot_load_is_told_to_the_agent_and_its_task_goes_on(kernel):
    codes = [
        "import os, sys\nos.makedirs('there', exist_ok=True)\nopen('there/madeup.py', 'w').write('class Kept: pass')\n"
        "sys.path.insert(0, 'there')\nimport madeup\nmade = madeup.Kept()\nmade_too = 1",
        "final_answer('too early')",
        "del made, madeup",
    ]
    ran = work(kernel, "got = await quant('go')", members=agent("quant", *codes))
    failures = [step.failure for step in ran.steps if step.error]
    assert len(failures) == 1
    assert "cannot be loaded in the person's kernel (ModuleNotFoundError: No module named 'madeup')" in failures[0]
    assert kernel.eval("got, made_too, 'made' in dir()") == ("done", 1, False)


@pytest.mark.parametrize("mode", ["branch", "live", "scratch"])
def test_a_fork_that_the_code_does_not_end_is_ended_and_the_code_goes_on_in_one_process(kernel, mode):
    code = "made = os.fork()\nif made:\n    os.waitpid(made, 0)\n    print('in one')\nmade_pid = os.getpid()"
    quant = agent("quant", code, "print(made_pid == os.getpid())", last="final_answer(made_pid)", mode=mode)
    ran = run_done(kernel, "made_got = await quant('go')", members=quant)
    assert [step.text for step in ran.steps if step.agent == "quant"][:2] == ["in one\n", "True\n"]
    assert kernel.eval("made_got == kernel_pid") is (mode != "branch")
    assert kernel.eval("len(agents_run.steps)") == 5


def test_a_crash_is_reported_and_the_task_goes_on_in_scratch(kernel):
    quant = agent(
        "quant", "made = 1", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "made_after = len(numbers)"
    )
    ran = run_done_after_loss(kernel, quant)
    assert "SIGSEGV" in ran[1].failure
    assert kernel.eval("'made' in dir(), numbers") == (False, list(range(10)))


def test_a_branch_that_takes_too_much_memory_is_ended(kernel):
    quant = agent(
        "quant", "import time\nmade = bytearray(400 << 20)\nmade[:] = bytes(1) * len(made)\ntime.sleep(30)", memory=0.2
    )
    ran = run_done_after_loss(kernel, quant)
    assert "more than its limit of 0.2 GB" in ran[0].failure


def test_a_branch_that_hangs_is_ended(kernel):
    quant = agent("quant", "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()")
    ran = run_done_after_loss(kernel, quant)
    assert "it hung" in ran[0].failure


def test_a_branch_that_does_not_stop_at_its_time_limit_is_ended(kernel):
    quant = agent("quant", "sum(range(10**11))", timeout=1)
    ran = run_done_after_loss(kernel, quant)
    assert "longer than 1 s and could not be stopped" in ran[0].failure


@pytest.mark.parametrize("own", [True, False])
def test_a_lost_branch_may_end_its_task(kernel, own):
    quant = agent("quant", "import os\nos._exit(3)", **({"if_lost": "fail"} if own else {}))
    ran = work(kernel, "await quant('go')", members=quant, **({} if own else {"if_lost": "fail"}))
    assert any("it ended with status 3" in step.failure for step in ran.steps if step.agent == "coordinator")


def test_of_a_branch_that_dies_it_is_told_how_and_what_it_said_last(kernel):
    quant = agent("quant", "import os\nos.write(2, b'first\\nlibfoo: out of handles\\n')\nos._exit(7)", "made = 1")
    ran = run_done_after_loss(kernel, quant)
    assert "it ended with status 7, and the last that it wrote is: libfoo: out of handles" in ran[0].failure
    assert "first\n" in ran[0].text


def run_done_after_loss(kernel, member):
    ran = work(kernel, "await quant('go')", members=member)
    assert ran.status == "done", ran.reason
    return [step for step in ran.steps if step.agent == "quant"]


def test_stop_reaches_a_busy_branch(kernel):
    quant = agent("quant", "while True: pass")
    kernel.run(team("_team", "await quant('go')", members=quant), check=True)
    cell = kernel.send("%%agents -t _team --new\nDo it.")
    kernel.until(lambda: "quant" in cell.text or branches(kernel.pid), what="a branch")
    kernel.until(lambda: branches(kernel.pid), what="a branch")
    kernel.interrupt()
    kernel.wait(cell, timeout=10)
    kernel.until(lambda: not branches(kernel.pid), what="the end of the branch")
    assert kernel.eval("agents_run.status") == "cancelled"


def branches(pid: int) -> list[str]:
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        direct = children.read().split()
    tasks = os.listdir(f"/proc/{pid}/task")
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children") as children:
                direct += children.read().split()
        except OSError:
            continue
    return direct


TRIES = "Agent('quant', 'tries', model=ScriptedModel(one_try))"
ONE_TRY = """
import itertools
numbers_of_tries = itertools.count(1)
def one_try(messages):
    if any(m['role'] == 'assistant' for m in messages):
        return '<code>\\nfinal_answer(made)\\n</code>'
    return f'<code>\\nmade = {next(numbers_of_tries) % 3}\\n</code>'
"""


@pytest.mark.parametrize(("judge", "best"), [("lambda made: made", 2), ("lambda made: -made", 0), ("None", 1)])
def test_the_best_of_several_tries_is_merged_and_the_others_are_dropped(kernel, judge, best):
    kernel.run(ONE_TRY, check=True)
    ran = run_done(kernel, f"got = await best_of(quant, 'try', n=4, judge={judge})", members=TRIES)
    assert kernel.eval("got, made") == (best, best)
    assert kernel.eval("[name for name in globals() if name.startswith('made_')]") == []
    assert len({step.code for step in ran.steps if step.agent == "quant"}) == 4


def test_an_agent_may_judge_the_tries(kernel):
    kernel.run(ONE_TRY, check=True)
    judge = agent("judge", last="final_answer(candidates.index(0))", mode="scratch")
    run_done(kernel, "got = await best_of(quant, 'try', n=3, judge=judge)", members=f"{TRIES}, {judge}")
    assert kernel.eval("got, made") == (0, 0)


@pytest.mark.parametrize(("answer", "merged"), [("y", True), ("n", False)])
def test_with_approval_the_difference_is_put_to_the_person_before_it_is_merged(kernel, answer, merged):
    kernel.run(team("_team", members=agent("quant", "made = [1]\nnumbers[0] = 7")), check=True)
    cell = kernel.run("%%agents @quant -t _team --new --approve ask\nDo it.", stdin=["y", answer], check=True)
    assert "    new      made: list of 1 int: 1\n" in cell.prompts[-1]
    assert "1 entry changed\n" in cell.prompts[-1]
    asked = "[(r.kind, r.status, [c.name for c in r.changes]) for r in agents_run.record.requests]"
    status = "allowed" if merged else "denied"
    assert kernel.eval(asked) == [("action", "allowed", []), ("merge", status, ["numbers", "made"])]
    assert kernel.eval("agents_run.status, 'made' in dir()") == ("done", merged)


EFFECTS = {
    "a file": "open('made', 'w')",
    "the network": "import socket\nsocket.create_connection(('127.0.0.1', 9), timeout=1)",
    "a program": "import subprocess\nsubprocess.run(['touch', 'made'])",
    "a shell": "!touch made",
    "a fork": "import os\nos.fork() or os._exit(0)",
    "a thread": "import threading\nthreading.Thread(target=lambda: open('made', 'w')).start()",
    "a task": "async def later():\n    await asyncio.sleep(0)\n    open('made', 'w')\nawait asyncio.gather(later())",
    "a worker": "await asyncio.to_thread(open, 'made', 'w')",
    "a pool": "import concurrent.futures as c\nc.ThreadPoolExecutor(1).submit(open, 'made', 'w').result()",
}


def test_a_read_only_agent_is_held_in_a_branch_too(kernel):
    kernel.run(
        "def save() -> str:\n    'Saves.'\n    open('made_by_tool', 'w').close()\n    return 'saved'", check=True
    )
    codes = list(EFFECTS.values())
    quant = agent("quant", *codes[:5], "len(numbers)", *codes[5:], last="final_answer(save())", read_only=True)
    ran = work(kernel, "got = await quant('go')", members=quant.replace("'works'", "'works', tools=[save]"))
    failures = {step.code: step.failure for step in ran.steps if step.agent == "quant"}
    assert [name for name, code in EFFECTS.items() if "read-only" not in failures[code]] == []
    assert failures["len(numbers)"] == ""
    assert kernel.eval("got, os.path.exists('made'), os.path.exists('made_by_tool')") == ("saved", False, True)
