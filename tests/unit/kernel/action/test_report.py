"""An error is shown with the agent's own frames and its whole chain, without those of the host."""

import sys
from pathlib import Path
from types import TracebackType

import pytest

import agentnb
from agentnb.kernel.action.cell import PREFIX
from agentnb.kernel.action.report import report
from tests.unit.kernel.actions import act, stage_over

HOST = str(Path(agentnb.__file__).parent)


def text_of(error):
    return "\n".join(error.traceback)


async def said(code, **names):
    _, outcome = await act(code, stage_over(names=names))
    assert HOST not in text_of(outcome.report)
    return outcome.report


async def test_the_agents_lines_are_shown():
    error = await said("def mean(x):\n    return sum(x) / len(x)\n\nmean([])")
    assert (error.name, error.message) == ("ZeroDivisionError", "division by zero")
    assert "return sum(x) / len(x)" in text_of(error)
    assert f'File "{PREFIX}quant>", line 4, in <module>' in text_of(error)


async def test_a_librarys_frames_are_kept():
    error = await said("import json\njson.loads('{')")
    assert "json/decoder.py" in text_of(error).replace("\\", "/")


async def test_causes_and_contexts_are_kept_without_host_frames():
    code = """
    try:
        try:
            {}['deepest']
        except KeyError:
            1 / 0
    except ZeroDivisionError as error:
        raise RuntimeError('topmost') from error
    """
    error = await said(code)
    lines = text_of(error)
    assert lines.index("'deepest'") < lines.index("division by zero") < lines.index("topmost")
    assert "direct cause" in lines
    assert "During handling" in lines


async def test_host_frames_go_from_causes_too():
    error = await said("try:\n    input()\nexcept Exception as cause:\n    raise RuntimeError('no input') from cause")
    assert "nobody sits at a prompt here" in text_of(error)
    assert text_of(error).count("File ") == 2


async def test_errors_in_a_group_are_shown():
    error = await said(
        "async def f():\n    1 / 0\nasync with asyncio.TaskGroup() as group:\n    group.create_task(f())"
    )
    assert error.name == "ExceptionGroup"
    assert "ZeroDivisionError" in text_of(error)


@pytest.mark.parametrize("code", ["x = (1", "def f(:\n    pass", "'a\n", "await = 3"])
async def test_code_that_does_not_compile_shows_its_line_alone(code):
    error = await said(code)
    assert error.name in {"SyntaxError", "IndentationError"}
    assert f'File "{PREFIX}quant>", line 1' in text_of(error)
    assert text_of(error).count("File ") == 1


async def test_a_syntax_error_of_the_codes_own_keeps_its_frames():
    error = await said("def parse():\n    return compile('x = = 1', '<text>', 'exec')\n\nparse()")
    assert "in parse" in text_of(error)


def test_an_error_without_words_is_called_by_its_name():
    assert report(ValueError()).message == "ValueError"


def test_a_chain_that_runs_in_a_circle_ends():
    one, two = ValueError("one"), ValueError("two")
    one.__context__, two.__context__ = two, one
    assert report(one).message == "one"


@pytest.mark.parametrize("base", ["Exception", "RuntimeError"])
async def test_an_error_that_cannot_say_what_it_is_about_is_reported_all_the_same(base):
    error = await said(f"class Odd({base}):\n    def __str__(self):\n        return 404\n\nraise Odd")
    assert (error.name, error.message) == ("Odd", "Odd")
    assert "raise Odd" in text_of(error)


def test_of_very_many_frames_both_ends_are_shown():
    with pytest.raises(ZeroDivisionError) as raised:
        1 / 0  # noqa: B018
    error = raised.value
    trace = error.__traceback__
    for _ in range(100_000):
        trace = TracebackType(trace, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
    lines = report(error.with_traceback(trace)).traceback
    assert len(lines) < 20
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_chain_longer_than_the_recursion_limit_is_shown():
    error = None
    for number in range(3 * sys.getrecursionlimit()):
        following = ValueError(number)
        following.__context__ = error
        error = following
    assert report(error).message == str(number)
