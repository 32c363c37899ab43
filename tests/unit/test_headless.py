"""Notebooks executed in a kernel of their own."""

from __future__ import annotations

import nbformat
import pytest

from agentnb.errors import RecordError, UserError
from agentnb.headless import Executed, execute, read_notebook, write_html, write_notebook
from tests.support.notebooks import CELLS, command_line, edit, read, write


@pytest.fixture
def here(tmp_path):
    """A folder whose kernels find the repository and no key."""
    with command_line(tmp_path):
        yield tmp_path


def go(path, **options):
    options = {"on_cell": lambda number, total: None, "on_text": lambda text: None} | options
    return execute(path, **options)


def test_the_progress_is_told_cell_by_cell_and_as_the_run_goes_on(here):
    cells, texts = [], []
    done = go(
        write(here / "a.ipynb", *CELLS),
        on_cell=lambda number, total: cells.append((number, total)),
        on_text=texts.append,
    )
    assert done.all_done
    assert cells == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert any("running" in text for text in texts)
    assert "done" in texts[-1]


def test_it_runs_in_the_notebooks_folder(here):
    (here / "sub").mkdir()
    (here / "sub" / "data.txt").write_text("here")
    done = go(write(here / "sub" / "a.ipynb", "open('data.txt').read()"))
    assert done.notebook.cells[0].outputs[0].data["text/plain"] == "'here'"


def test_old_outputs_are_not_taken_for_new_ones(here):
    path = write(here / "a.ipynb", "1 / 0", "2")
    notebook = read(path)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="old")]
    nbformat.write(notebook, path)
    done = go(path)
    assert done.error == "ZeroDivisionError: division by zero"
    assert done.notebook.cells[1].outputs == []


def test_a_cell_that_may_fail_does_not_stop_the_notebook(here):
    path = write(here / "a.ipynb", "1 / 0", "2")
    notebook = read(path)
    notebook.cells[0].metadata.tags = ["raises-exception"]
    nbformat.write(notebook, path)
    done = go(path)
    assert done.error is None
    assert done.notebook.cells[1].outputs[0].data["text/plain"] == "2"


def test_a_kernel_that_dies_is_one_sentence(here):
    done = go(write(here / "a.ipynb", "import os\nos._exit(1)"))
    assert done.error == "the kernel died"
    assert not done.all_done


def test_a_mistake_in_an_agents_cell_is_its_sentence(here):
    done = go(write(here / "a.ipynb", "%load_ext agentnb", "%%agents --budgt 3k\nDo it."))
    assert "did you mean --budget?" in done.error
    assert "Traceback" not in done.error


def test_replay_needs_a_recording(here):
    with pytest.raises(RecordError, match=r"a\.ipynb holds no run"):
        go(write(here / "a.ipynb", *CELLS), replay=True)


def test_a_task_with_no_recording_near_it_stops_with_one_sentence(here):
    recorded = go(write(here / "a.ipynb", *CELLS))
    write_notebook(recorded.notebook, here / "b.ipynb")
    edit(here / "b.ipynb", here / "c.ipynb", "Sort the numbers and add them up.", "WWW?")
    done = go(here / "c.ipynb", replay=True)
    assert "holds no recording of this task; the nearest is 'Sort the numbers" in done.error
    assert "Run the cell without --replay to record it." in done.error
    assert not done.records


def test_no_run_is_not_all_done():
    assert not Executed(nbformat.v4.new_notebook()).all_done


def test_reading_tells_what_is_no_notebook(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        read_notebook(tmp_path / "no.ipynb")
    (tmp_path / "odd.ipynb").write_text("odd")
    with pytest.raises(UserError, match=r"odd\.ipynb is not a notebook"):
        read_notebook(tmp_path / "odd.ipynb")


def test_writing_makes_the_folder_and_a_page(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Grüße $x^2$")])
    write_notebook(notebook, tmp_path / "deep" / "er" / "a.ipynb")
    assert read(tmp_path / "deep" / "er" / "a.ipynb").cells[0].source == "# Grüße $x^2$"
    write_html(notebook, tmp_path / "a.html")
    assert "Grüße" in (tmp_path / "a.html").read_text(encoding="utf-8")
