"""What an agent writes becomes an async cell, with the value and the semicolon of a notebook's."""

import linecache

import pytest

from agentnb.kernel.action.cell import PREFIX, compile_cell
from agentnb.kernel.shell import current_shell


def compiled(code, label="quant 1"):
    return compile_cell(current_shell(), code, label)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("", None),
        ("# nothing", None),
        ("x = 1", None),
        ("x = 1\nx + 1", 2),
        ("x = 1; x", 1),
        ("'a;'", "a;"),
        ("2  # first a; then b;", 2),
        ("2;", None),
        ("2 ;\n\n", None),
        ("2;  # said aloud", None),
        ("import asyncio\nawait asyncio.sleep(0, 'slept')", "slept"),
        ("[x async for x in numbers()]", [0, 1]),
        ("if True:\n    3", None),
    ],
)
async def test_the_value_is_that_of_the_closing_expression(code, value):
    async def numbers():
        yield 0
        yield 1

    assert await compiled(code).run({"numbers": numbers}) == value


async def test_names_are_bound_in_the_namespace_and_an_await_splits_nothing():
    space = {}
    await compiled("import asyncio\na = 1\nawait asyncio.sleep(0)\ndef f():\n    return a\nb = f()").run(space)
    assert space["b"] == 1


async def test_magics_and_shell_lines_are_transformed_as_in_a_notebook():
    cell = compiled("%time x = 3\nwhere = !echo here\nlen?")
    assert "run_line_magic('time', 'x = 3')" in cell.source
    assert "getoutput('echo here')" in cell.source
    assert "pinfo" in cell.source
    shell = current_shell()
    assert await compiled("%%capture\nprint(1)").run({"get_ipython": shell.get_ipython}) is None


async def test_annotations_mean_what_they_mean_in_plain_python():
    space = {}
    await compiled("def f(x: int): ...").run(space)
    assert space["f"].__annotations__ == {"x": int}


async def test_the_lines_are_there_for_tracebacks_and_stay():
    with pytest.raises(ZeroDivisionError) as raised:
        await compiled("a = 1\na / 0").run({})
    frame = raised.traceback[-1]
    assert str(frame.path) == f"{PREFIX}quant 1>"
    linecache.checkcache()
    assert linecache.getline(f"{PREFIX}quant 1>", 2) == "a / 0\n"


@pytest.mark.parametrize(
    ("code", "line"), [("x = (1", 1), ("a = 1\nb = = 2", 2), ("return 1\nx", 1), ("if 1:\ny = 1", 2)]
)
def test_a_syntax_error_names_the_agents_own_line(code, line):
    with pytest.raises(SyntaxError) as raised:
        compiled(code)
    assert raised.value.filename == f"{PREFIX}quant 1>"
    assert raised.value.lineno == line
