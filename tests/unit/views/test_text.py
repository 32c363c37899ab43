from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from agentnb.record.document import RunRecord
from agentnb.views.terminal import RunProgress, progress, render_rich
from agentnb.views.text import render_text
from agentnb.views.words import count, duration
from tests.support import records
from tests.unit.views.test_safe_html import everywhere

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", records.ALL)
def test_text_is_as_it_was(name):
    """Delete a golden file to have it written anew."""
    path = GOLDEN / f"{name}.txt"
    text = render_text(records.ALL[name]())
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


@given(st.text(max_size=200), st.integers(min_value=0, max_value=200))
def test_text_holds_no_control_characters_and_stays_in_its_width(text, width):
    record = everywhere(text)
    record.result = None
    shown = render_text(record, width=width)
    assert not [char for char in shown if unicodedata.category(char) == "Cc" and char not in "\n\t"]
    record.budget = ""
    assert max(len(line) for line in render_text(record, width=width).split("\n")) <= max(40, width)


def test_a_huge_record_gives_a_short_text():
    assert len(render_text(records.huge()).splitlines()) < 1_000


def printed(renderable) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def test_rich_shows_state_result_and_tree():
    shown = printed(render_rich(records.done()))
    assert "done" in shown.splitlines()[0]
    assert "-0.0587" in shown
    assert "KeyError" in shown
    assert "raw = load_prices" in shown
    assert "raw = load_prices" not in printed(render_rich(records.done(), code=False))


def test_rich_takes_markup_and_escapes_as_text():
    shown = printed(render_rich(everywhere("[red]x[/red] \x1b[31m [link=y]")))
    assert "[red]x[/red]" in shown
    assert "\x1b" not in shown


def test_progress_names_who_is_at_work():
    shown = printed(progress(records.running()))
    assert "quant" in shown
    assert "asking the model" in shown
    assert "ingest" not in shown


def test_run_progress_draws_on_the_console_it_is_given():
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with RunProgress(console) as shown:
        shown.update(RunRecord(task="count"))
        shown.update(records.running())
    assert "reporter" in console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.34, "340 ms"), (0.9999, "1.0 s"), (4.21, "4.2 s"), (59.96, "1 min 00 s"), (3725, "1 h 02 min"), (None, "")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(("number", "words"), [(999, "999"), (12_400, "12.4k"), (999_960, "1.0M")])
def test_counts(number, words):
    assert count(number) == words
