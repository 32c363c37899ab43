import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.errors import OptionError, UserError
from agentnb.run.budget import Budget
from agentnb.run.options import LONGEST_VALUE, CellOptions, fill_in, parse_line


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("", CellOptions()),
        ("@quant", CellOptions(agents=("quant",))),
        ("@quant @ingest --bg", CellOptions(agents=("quant", "ingest"), bg=True)),
        ("-t desk", CellOptions(team="desk")),
        ("--team desk", CellOptions(team="desk")),
        ("-m openai/gpt-5-mini", CellOptions(model="openai/gpt-5-mini")),
        ("--model=ollama/qwen3", CellOptions(model="ollama/qwen3")),
        ("--mode live", CellOptions(mode="live")),
        ("--mode scratch", CellOptions(mode="scratch")),
        ("--mode branch", CellOptions(mode="branch")),
        ("--approve auto", CellOptions(approve="auto")),
        ("--approve ask", CellOptions(approve="ask")),
        ("--approve plan", CellOptions(approve="plan")),
        ("-b 60k", CellOptions(budget=Budget(tokens=60_000))),
        ("-b 60k,5m", CellOptions(budget=Budget(tokens=60_000, seconds=300))),
        ("--budget '60k, 20 steps' @a", CellOptions(agents=("a",), budget=Budget(tokens=60_000, steps=20))),
        ("-b 60k, 5m, 20 steps --bg", CellOptions(budget=Budget(tokens=60_000, seconds=300, steps=20), bg=True)),
        ("-b 20 steps @a", CellOptions(agents=("a",), budget=Budget(steps=20))),
        ("--bg", CellOptions(bg=True)),
        ("-o answer", CellOptions(out="answer")),
        ("--out answer", CellOptions(out="answer")),
        ("--new", CellOptions(new=True)),
        ("--replay", CellOptions(replay="")),
        ("--replay 'my run.ipynb' --new", CellOptions(replay="my run.ipynb", new=True)),
    ],
)
def test_lines(line, options):
    assert parse_line(line) == options


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--budgt 60k", "did you mean --budget"),
        ("--teem desk", "did you mean --team"),
        ("--frobnicate", "there is no option --frobnicate; `%agents help`"),
        ("quant", "as @quant"),
        ("--mode fast", "invalid choice: 'fast'"),
        ("-o 2x", "-o takes the name of a variable, not '2x'"),
        ("-b lots", "is not understood"),
        ("-b", "expected one argument"),
        ("-m 'open", "close the quotation"),
    ],
)
def test_a_slip_is_told_in_one_sentence(line, says):
    with pytest.raises(OptionError) as caught:
        parse_line(line)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_line_is_options_or_a_mistake_of_the_persons(line):
    with contextlib.suppress(UserError):
        assert isinstance(parse_line(line), CellOptions)


def test_names_are_filled_in_once():
    assert fill_in("{a} and {b}", {"a": "{b}", "b": 3}) == "{b} and 3"


def test_only_plain_names_that_exist():
    task = "f'{x!r}' {x:.2f} {x.y} {x[0]} {{x}} {} { x } {zzzz} {'x': 1} {1}"
    assert fill_in(task, {"x": 7}) == task
    assert fill_in("{x}", {"x": 7}) == "7"


@pytest.mark.parametrize("value", [[1, 2], {"k": 1}, None, "", "x" * (LONGEST_VALUE + 1), object()])
def test_what_is_no_short_text_is_named(value):
    assert fill_in("look at {thing}", {"thing": value}) == "look at `thing`"


@pytest.mark.parametrize(("value", "text"), [("EUR", "EUR"), (3, "3"), (2.5, "2.5"), (True, "True")])
def test_text_and_numbers_are_written_out(value, text):
    assert fill_in("{v}", {"v": value}) == text


def test_a_near_miss_is_asked_back():
    with pytest.raises(OptionError, match=r"did you mean \{prices\}\?"):
        fill_in("plot {price}", {"prices": [1]})


@given(st.text(max_size=60))
def test_a_task_without_names_stays(task):
    assert fill_in(task, {}) == task
