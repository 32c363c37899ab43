"""All of Python and IPython in agents' code, as if it were typed in a cell."""

import pytest

from tests.kernel.work import run_done, work

PYTHON = {
    "generators": ("def g():\n    x = yield 1\n    yield from [2, x]\nlist(g())", "[1, 2, None]"),
    "global": ("n = 1\ndef bump():\n    global n\n    n += 1\nbump()\nn", "2"),
    "decorators": (
        "import functools\n@functools.lru_cache\n"
        "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(30)",
        "832040",
    ),
    "classes": ("class A:\n    k = 3\n    def f(self): return [self.k for _ in range(2)]\nA().f()", "[3, 3]"),
    "dataclasses": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nP(1) == P(1), P(2)",
        "(True, P(x=2))",
    ),
    "match": ("match {'a': [1, 2]}:\n    case {'a': [x, *_]}:\n        y = x\ny", "1"),
    "walrus": ("(k := 5) + k", "10"),
    "f-strings": ("x = 'q'\nf'{x!r:>5}|{x=}'", "\"  'q'|x='q'\""),
    "comprehension scopes": ("m = 3\n[m * i for i in range(2)], {i: m for i in 'a'}", "([0, 3], {'a': 3})"),
    "closures": (
        "def outer():\n    c = 0\n    def inner():\n        nonlocal c\n        c += 1\n        return c\n"
        "    return inner\nf = outer(); f(); f()",
        "2",
    ),
    "with and exceptions": (
        "import contextlib\nwith contextlib.suppress(KeyError):\n    {}[1]\n"
        "try:\n    1 / 0\nexcept* ZeroDivisionError as group:\n    found = len(group.exceptions)\nfound",
        "1",
    ),
    "top-level await": ("await asyncio.sleep(0, 'awaited')", "'awaited'"),
    "async for and with": (
        "async def numbers():\n    for i in range(2):\n        await asyncio.sleep(0)\n        yield i\n"
        "out = [i async for i in numbers()]\nasync with asyncio.timeout(5):\n    pass\nout",
        "[0, 1]",
    ),
    "task groups": (
        "async def one(i):\n    await asyncio.sleep(0.01)\n    return i\n"
        "async with asyncio.TaskGroup() as g:\n"
        "    ts = [g.create_task(one(i)) for i in range(3)]\n[t.result() for t in ts]",
        "[0, 1, 2]",
    ),
    "unpacking": ("a, *b = 'xyz'\na, b", "('x', ['y', 'z'])"),
    "type hints of names": ("v: int = 4\n__annotations__['v'] is int, v", "(True, 4)"),
    "pickle of own classes": ("import pickle\nclass Q: pass\ntype(pickle.loads(pickle.dumps(Q()))) is Q", "True"),
    "inspect own source": ("import inspect\ndef src(): return 1\ninspect.getsource(src)", "'def src(): return 1\\n'"),
    "exec and eval": ("exec('e = 7')\neval('e + 1')", "8"),
    "globals and dir": ("gg = 1\n'gg' in globals(), 'gg' in dir(), globals()['gg']", "(True, True, 1)"),
    "threads": (
        "import concurrent.futures as cf\n"
        "with cf.ThreadPoolExecutor(2) as pool:\n    r = list(pool.map(abs, [-1, 2]))\nr",
        "[1, 2]",
    ),
    "to_thread": ("await asyncio.to_thread(lambda: 3)", "3"),
}


@pytest.mark.parametrize("mode", ["live", "scratch"])
def test_python_works_as_typed(agents_kernel, mode):
    ran = run_done(agents_kernel, *(code for code, _ in PYTHON.values()), mode=mode, max_steps=60)
    shown = {name: step.text.strip() for name, step in zip(PYTHON, ran.steps, strict=False)}
    assert shown == {name: value for name, (_, value) in PYTHON.items()}


IPYTHON = {
    "line magic": ("%pwd\n", "shared"),
    "magic with a value": ("t = %timeit -o -q -n1 -r1 1 + 1\ntype(t).__name__", "TimeitResult"),
    "variables in magics": ("greeting = 'hello'\n%system echo {greeting}", "['hello']"),
    "shell": ("word = 'there'\n!echo hi $word", "hi there"),
    "shell to a variable": ("lines = !printf 'a\\nb\\n'\nlist(lines)", "['a', 'b']"),
    "cell magic": ("%%time\nq = 41 + 1\nprint(q)", "Wall time"),
    "cell magic binds": ("q", "42"),
    "capture magic": ("%%capture caught\nprint('inside')", ""),
    "captured": ("caught.stdout", "'inside\\n'"),
    "help": ("len?", "Return the number of items"),
    "user_ns": ("zz = 5\nget_ipython().user_ns['zz'], get_ipython().user_ns is globals()", "(5, True)"),
    "user_ns writes": ("get_ipython().user_ns['made'] = 8\nmade", "8"),
    "run_line_magic": (
        "get_ipython().run_line_magic('who_ls', '')\n'zz' in get_ipython().run_line_magic('who_ls', '')",
        "True",
    ),
    "prun": ("%prun -q -T prof.txt sum(range(10))\nimport os\nos.path.exists('prof.txt')", "True"),
    "semicolon": ("123;", ""),
    "html": ("from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))", "IPython.core.display.HTML"),
    "display of several": ("display('one', 2)", "'one'"),
    "eval of ev": ("get_ipython().ev('zz + 1')", "6"),
    "writefile": ("%%writefile note.txt\nkept\n", "Writing note.txt"),
    "bash": ("%%bash\ncat note.txt", "kept"),
}


@pytest.mark.parametrize("mode", ["live", "scratch"])
def test_ipython_works_as_typed(agents_kernel, mode):
    agents_kernel.run("!rm -f note.txt prof.txt", check=True)
    ran = run_done(agents_kernel, *(code for code, _ in IPYTHON.values()), mode=mode, max_steps=60)
    for (name, (_, value)), step in zip(list(IPYTHON.items())[1:], ran.steps[1:], strict=False):
        assert value in step.text, (name, step.outputs)
        assert value or not step.text, (name, step.outputs)
    assert "agents_kernel" in ran.first.text


def test_scratch_keeps_its_names_and_the_user_has_none_of_them(agents_kernel):
    agents_kernel.run("mine = [1]", check=True)
    before = agents_kernel.eval("sorted(globals())")
    specialist = "own = 1\nglobal_ = 2\nmine = 'other'\nimport math as imported\nget_ipython().user_ns['by_shell'] = 1"
    work(
        agents_kernel,
        "await helper('go')",
        members=f"Agent('helper', 'helps', model=ScriptedModel({_replies(specialist)}))",
    )
    after = set(agents_kernel.eval("sorted(globals())")) - set(before) - {"agents_run", "_team"}
    assert {name for name in after if not name.startswith("_")} == set()
    assert agents_kernel.eval("mine") == [1]


def _replies(*codes):
    from tests.kernel.work import reply

    return [reply(code) for code in (*codes, "final_answer('done')")]


def test_a_traceback_shows_the_agents_own_lines_and_no_host_frames(agents_kernel):
    code = "def inner(row):\n    return row['nope']\n\nvalue = inner({})"
    failure = work(agents_kernel, code).first.failure
    assert "return row['nope']" in failure
    assert "value = inner({})" in failure
    assert "line 2, in inner" in failure
    assert "agentnb/" not in failure
    assert failure.endswith("KeyError: 'nope'")


def test_a_traceback_after_an_await_and_through_a_task_shows_the_lines(agents_kernel):
    code = "async def work():\n    await asyncio.sleep(0)\n    raise ValueError('late')\nawait asyncio.gather(work())"
    failure = work(agents_kernel, code).first.failure
    assert "raise ValueError('late')" in failure
    assert "agentnb/" not in failure


def test_a_syntax_error_shows_the_line(agents_kernel):
    ran = work(agents_kernel, "x = 1\ny = (2 +\n")
    assert ran.first.error["name"] in ("SyntaxError", "_IncompleteInputError")  # the latter from Python 3.13 on
    assert "y = (2 +" in ran.first.failure
    assert ran.status == "done"


def test_an_error_in_a_magic_is_a_step_error_of_that_step(agents_kernel):
    ran = work(agents_kernel, "%no_such_magic\nprint('went on')", "%%timeit -n1 -r1\n1/0")
    assert "no_such_magic" in ran.first.text + ran.first.failure
    assert "ZeroDivisionError" in ran.steps[1].failure + ran.steps[1].text
    assert ran.status == "done"


def test_a_display_is_updated_in_place_and_cleared(agents_kernel):
    first, second, third = run_done(
        agents_kernel,
        "h = display('before', display_id=True)\nprint('x')\nh.update('after')",
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')",
        "print('old')\nclear_output(wait=True)\nprint('new')",
    ).steps[:3]
    assert first.text == "'after'\nx\n"
    assert second.text == "stays\n"
    assert third.text == "new\n"


def test_streams_displays_and_the_value_keep_their_order(agents_kernel):
    step = run_done(
        agents_kernel, "import sys\nprint('a')\nprint('b', file=sys.stderr)\ndisplay(1)\nprint('c')\n'v'"
    ).first
    assert step.text == "a\nb\n1\nc\n'v'\n"
    assert [output["output_type"] for output in step.outputs] == [
        "stream",
        "stream",
        "display_data",
        "stream",
        "execute_result",
    ]


def test_figures_are_shown_inline_and_closed(agents_kernel):
    ran = run_done(
        agents_kernel,
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('t');",
        "len(plt.get_fignums())",
        "fig, ax = plt.subplots()\nax.plot([1])\nplt.show()\nprint('after')",
    )
    assert sum("image/png" in output.get("data", {}) for output in ran.first.outputs) == 1
    assert ran.steps[1].text == "0\n"
    kinds = [("image/png" in output.get("data", {}), output.get("text")) for output in ran.steps[2].outputs]
    assert kinds == [(True, None), (False, "after\n")]


def test_a_users_open_figure_is_neither_shown_nor_closed(agents_kernel):
    agents_kernel.run(
        "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\nmine = plt.figure()", check=True
    )
    run_done(agents_kernel, "import matplotlib.pyplot as plt\nplt.plot([1]);\nplt.get_fignums()")
    assert agents_kernel.eval("plt.gcf() is mine and len(plt.get_fignums()) == 1 and not mine.axes")
    agents_kernel.run("plt.close('all')\n%matplotlib inline")


def test_an_async_cell_keeps_its_locals_between_steps_and_shares_the_loop(agents_kernel):
    ran = run_done(
        agents_kernel,
        "future = asyncio.get_running_loop().create_future()\n"
        "asyncio.get_running_loop().call_later(0.01, future.set_result, 'came')",
        "await future",
    )
    assert ran.steps[1].text == "'came'\n"


def test_a_task_that_an_action_starts_prints_into_its_step(agents_kernel):
    later = "async def later():\n    await asyncio.sleep(0.01)\n    print('from the task')\n"
    code = f"{later}t = asyncio.create_task(later())\nawait t"
    assert run_done(agents_kernel, code).first.text == "from the task\n"


def test_asyncio_run_is_refused_with_a_hint_about_await(agents_kernel):
    ran = work(agents_kernel, "asyncio.run(asyncio.sleep(0))")
    assert any("await" in note for note in ran.first.notes)
