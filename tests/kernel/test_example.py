"""The example: its recording is whole, replays, and is reproduced by plain cells where agentnb cannot be imported."""

from __future__ import annotations

import re

import pytest

from agentnb.cli import main
from agentnb.record.validate import validate_file
from tests.kernel.driver import REPOSITORY, Kernel
from tests.support.notebooks import command_line, read, records, value_of, ways_out

EXAMPLE = REPOSITORY / "examples" / "01_risk_desk.ipynb"
MACHINE_PATH = re.compile(
    r"(?<![\w.:/])/(?:home|root|work|tmp|Users|usr|opt|var|mnt|private)/[\w.~-]+|[A-Za-z]:\\\\?Users"
)
FORBID = """
import sys
for name in [name for name in sys.modules if name.partition(".")[0] in ("agentnb", "smolagents")]:
    del sys.modules[name]
for name in ("agentnb", "smolagents"):
    sys.modules[name] = None
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("example")


@pytest.fixture(scope="module")
def replayed(folder):
    """The example, replayed without keys and without network."""
    with command_line(folder):
        assert main(["replay", str(EXAMPLE), "-o", str(folder / "replayed.ipynb")]) == 0
    return folder / "replayed.ipynb"


def test_its_records_are_valid_and_done():
    assert validate_file(EXAMPLE) == []
    assert [record.status for record in records(EXAMPLE)] == ["done", "done"]
    assert all(task.status == "completed" for record in records(EXAMPLE) for task in record.tasks)


def test_it_is_a_valid_notebook_that_ran_from_the_top():
    cells = [cell for cell in read(EXAMPLE).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]


def test_nothing_in_it_names_a_place_on_a_machine():
    found = {match[0] for match in MACHINE_PATH.finditer(EXAMPLE.read_text(encoding="utf-8"))}
    assert found == set()


def test_it_names_no_key():
    text = EXAMPLE.read_text(encoding="utf-8")
    assert not re.findall(r"\bsk-[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{20,}|Bearer [A-Za-z0-9._-]{16,}", text)


def test_its_replay_gives_the_recorded_results(replayed, folder):
    before, after = records(EXAMPLE), records(replayed)
    assert [record.result for record in after] == [record.result for record in before]
    assert [record.usage.calls for record in after] == [0, 0]
    for source in ("backtest.tail()", "worst"):
        assert value_of(replayed, source) == value_of(EXAMPLE, source)
    assert ways_out(folder) == ""


def test_its_replay_does_not_differ(replayed):
    notes = [m.text for record in records(replayed) for m in record.messages if m.sender == "agentnb"]
    assert notes == []


def test_plain_cells_reproduce_the_report_and_the_backtest(replayed, folder):
    plain = folder / "plain.ipynb"
    assert main(["export", str(EXAMPLE), "-o", str(plain)]) == 0
    with Kernel(cwd=folder) as kernel:
        kernel.run(FORBID, check=True)
        for module in ("agentnb", "smolagents"):
            assert kernel.run(f"import {module}").error.name == "ModuleNotFoundError"
        for cell in read(plain).cells:
            if cell.cell_type == "code":
                kernel.run(cell.source, check=True, timeout=120)
        assert kernel.eval("report") == records(EXAMPLE)[0].result["text/markdown"]
        assert kernel.run("backtest.tail()", check=True).result["text/plain"] == value_of(replayed, "backtest.tail()")
        assert kernel.run("worst", check=True).result["text/plain"] == value_of(replayed, "worst")
