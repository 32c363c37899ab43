"""What Tab offers: the cursor is where the bar stands."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb import Agent, Team
from agentnb.completion import complete
from agentnb.record.events import RunStarted
from agentnb.record.journal import Journal
from agentnb.run.notebook import Notebook
from agentnb.testing import ScriptedModel

DESK = Team([Agent("quant", "fits models"), Agent("query", "asks databases")])
OTHER = Team([Agent("reporter", "writes")])
VARIABLES = {
    "desk": DESK,
    "other": OTHER,
    "prices": [1.0],
    "profits": 2,
    "_private": 3,
    "math": math,
    "Agent": Agent,
    "my_model": ScriptedModel([]),
}


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Notebook()


def words(text, notebook, variables=VARIABLES):
    """What is offered, and what it takes the place of."""
    offer = complete(text.replace("|", "", 1), text.index("|"), notebook, variables)
    return (None, None) if offer is None else (offer.typed, offer.words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%%agents --m|", ("--m", ["--mode", "--model"])),
        ("%%agents --m|\nThe task", ("--m", ["--mode", "--model"])),
        ("\n%%agents --bg --ne|", ("--ne", ["--new"])),
        ("%%agents --mode |", ("", ["branch", "dask", "live", "scratch"])),
        ("%%agents --mode=s|", ("s", ["scratch"])),
        ("%%agents --approve a|", ("a", ["ask", "auto"])),
        ("%%agents -t |", ("", ["desk", "other"])),
        ("%%agents -m my|", ("my", ["my_model"])),
        ("%%agents -m ant|", ("ant", ["anthropic/"])),
        ("%%agents -t desk @qu|", ("@qu", ["@quant", "@query"])),
        ("%%agents --team=other @|", ("@", ["@reporter"])),
        ("%%agents @|", ("@", [])),
        ("%%agents -o |", (None, None)),
        ("%%agents word|", (None, None)),
        ("%%agents\nUse {pr|", ("pr", ["prices}", "profits}"])),
        ("%%agents\nUse {pr|} now", ("pr", ["prices", "profits"])),
        ("%%agents\nUse {|", ("", ["desk}", "my_model}", "other}", "prices}", "profits}"])),
        ("%%agents\nUse {{pr|", (None, None)),
        ("%%agents\nUse pr|", (None, None)),
        ("%%agents\n--m|", (None, None)),
        ("%agents st|", ("st", ["stop"])),
        ("%agents team o|", ("o", ["other"])),
        ("x = 1\n%agents res|", ("res", ["resume"])),
        ("%agentsx st|", (None, None)),
        ("%%agentsx --m|", (None, None)),
        ("%%age|nts --m", (None, None)),
        ("'%%agents --m|'", (None, None)),
        ("pri|", (None, None)),
    ],
)
def test_tab(text, expected, notebook):
    assert words(text, notebook) == expected


def test_the_current_team_has_the_agents_of_the_line_and_of_the_commands(notebook):
    notebook.team = DESK
    assert words("%%agents @qua|", notebook) == ("@qua", ["@quant"])
    assert words("%agents say @qu|", notebook) == ("@qu", ["@quant", "@query"])
    assert words("%agents dismiss que|", notebook) == ("que", ["query"])


def test_teams_of_the_config_are_offered_and_their_agents(notebook, tmp_path):
    (tmp_path / "agentnb.toml").write_text(
        '[teams.night]\n[[teams.night.agents]]\nname = "owl"\nrole = "sees in the dark"\n'
    )
    assert words("%%agents -t n|", notebook) == ("n", ["night"])
    assert words("%%agents -t night @|", notebook) == ("@", ["@owl"])


def test_crashed_runs_and_what_to_do_with_them_are_offered(notebook, tmp_path):
    folder = tmp_path / ".agentnb" / "runs"
    folder.mkdir(parents=True)
    with Journal(folder / "3f2a.jsonl") as journal:
        journal.append(RunStarted(run_id="3f2a", task="t", created="", generator=""))
    assert words("%agents resume |", notebook) == ("", ["--as-is", "--budget", "--rerun", "3f2a"])
    assert words("%agents resume 3f2a --r|", notebook) == ("--r", ["--rerun"])


def test_a_broken_config_and_a_team_that_is_none_offer_nothing(notebook, tmp_path):
    (tmp_path / "agentnb.toml").write_text("[teams")
    assert words("%%agents -t d|", notebook) == ("d", ["desk"])
    assert words("%%agents -t prices @|", notebook) == ("@", [])


@given(st.text(alphabet="%agents -@{}=\n'\"tm", max_size=40), st.integers(0, 40))
def test_nothing_that_is_typed_raises(text, position):
    offer = complete(text, position, Notebook(), VARIABLES)
    assert offer is None or text[:position].endswith(offer.typed)
