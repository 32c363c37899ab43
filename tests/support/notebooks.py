"""Notebooks with agents in them, and the command line at work on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from agentnb.cli import main
from agentnb.record.document import RunRecord
from agentnb.record.read import records_of
from tests.kernel.driver import REPOSITORY, kernel_environment

TASK = "Sort the numbers and add them up."
LOAD = "%load_ext agentnb"
TEAM = """
from agentnb import Agent, Team
from tests.support.scripts import acting, code, final

numbers = [3, 1, 2]
desk = Team(
    [Agent("sorter", "sorts"), Agent("adder", "adds up")],
    model=acting(
        latency=0.01,
        lead=[
            code("numbers"),
            code("a, b = await asyncio.gather(sorter('Sort `numbers`.'), adder('Add up `numbers`.'))"),
            final("{'sorted': a, 'total': b}"),
        ],
        sorter=[code("s = sorted(numbers)", "s"), final("s")],
        adder=[code("await asyncio.sleep(0.01)", "t = sum(numbers)", "t"), final("t")],
    ),
)
"""
CELLS = (LOAD, TEAM, f"%%agents -t desk -o answer\n{TASK}", "answer")
FAILING = "from agentnb import Team\nfrom tests.support.scripts import acting\ndesk = Team(model=acting(lead=[]))"


def write(path: Path, *cells: str) -> Path:
    """Write a notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, path)
    return path


def read(path: Path) -> NotebookNode:
    """Read a notebook, which has to be valid."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def edit(path: Path, target: Path, old: str, new: str) -> Path:
    """Write the notebook with ``old`` replaced in its sources; its outputs stay."""
    notebook = read(path)
    assert any(old in cell.source for cell in notebook.cells)
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, target)
    return target


def records(path: Path) -> list[RunRecord]:
    """The runs in a notebook."""
    return [record for _, record in records_of(read(path)) if isinstance(record, RunRecord)]


def value_of(path: Path, source: str) -> str:
    """The plain text of what the cell with this source gave."""
    cell = next(cell for cell in read(path).cells if cell.source == source)
    return "".join(output.data["text/plain"] for output in cell.outputs if output.output_type == "execute_result")


@contextmanager
def command_line(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Meanwhile kernels find the repository and no key, and can reach nothing but this machine; see ``ways_out``."""
    with pytest.MonkeyPatch.context() as patch:
        environ = kernel_environment(folder, {})
        for name in set(os.environ) - set(environ):
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", str(REPOSITORY / "tests" / "support" / "offline"), prepend=os.pathsep)
        patch.setenv("AGENTNB_TEST_WAYS_OUT", str(folder / "ways_out.txt"))
        patch.setenv("JUPYTER_DATA_DIR", str(folder / "jupyter"))
        patch.setenv("COLUMNS", "200")
        yield patch


def ways_out(folder: Path) -> str:
    """What kernels tried to reach elsewhere, a line each."""
    log = folder / "ways_out.txt"
    return log.read_text() if log.exists() else ""


def record_desk(folder: Path) -> Path:
    """Run the desk's notebook once and return it with its recording."""
    recorded = folder / "desk.ipynb"
    with command_line(folder):
        assert main(["run", str(write(folder / "fresh.ipynb", *CELLS)), "-o", str(recorded)]) == 0
    return recorded
