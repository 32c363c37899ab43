"""Executes a notebook in a kernel of its own, with a view of the runs in it while they go on."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from agentnb.errors import UserError
from agentnb.record.document import RunRecord
from agentnb.record.read import records_of
from agentnb.run.replay.recordings import REPLAY_VARIABLE, load_recordings

OnCell = Callable[[int, int], None]
OnText = Callable[[str], None]


@dataclass
class Executed:
    """An executed notebook; ``error`` is the sentence of the cell that stopped it, None where all cells ran."""

    notebook: NotebookNode
    error: str | None = None

    @property
    def records(self) -> list[RunRecord]:
        """The runs in it."""
        return [record for _, record in records_of(self.notebook) if isinstance(record, RunRecord)]

    @property
    def all_done(self) -> bool:
        """Whether there were runs and every one ended ``done``, and no cell failed."""
        return self.error is None and bool(self.records) and all(r.status == "done" for r in self.records)


class _Client(NotebookClient):
    """Tells of cells as they begin and of displays as they change."""

    on_text: OnText

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        if msg["msg_type"] in ("display_data", "update_display_data"):
            data = msg["content"]["data"]
            if "text/html" in data and "text/plain" in data:
                self.on_text(str(data["text/plain"]))
        return super().process_message(msg, cell, cell_index)


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook; raises ``UserError`` where it is none."""
    if not path.is_file():
        raise UserError(f"there is no file {str(path)!r}")
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat raises many kinds
        raise UserError(f"{path.name} is not a notebook: {error}") from None
    return notebook


def execute(
    path: Path, *, replay: bool = False, model: str | None = None, on_cell: OnCell, on_text: OnText
) -> Executed:
    """Execute the notebook at ``path`` in its folder.

    ``replay`` plays the runs recorded in it in the place of models; ``model`` is what ``AGENTNB_MODEL`` is set to.
    Raises ``RecordError`` where there is nothing to replay.
    """
    notebook = read_notebook(path)
    environ = dict(os.environ)
    if replay:
        load_recordings(path)
        environ[REPLAY_VARIABLE] = str(path.resolve())
    if model is not None:
        environ["AGENTNB_MODEL"] = model
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = _Client(
        notebook,
        timeout=None,
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    client.on_text = on_text
    total = len(notebook.cells)
    client.on_cell_execute = lambda cell, cell_index, **_: on_cell(cell_index + 1, total)
    error = None
    try:
        client.execute(env=environ)
    except CellExecutionError as failed:
        error = f"{failed.ename}: {failed.evalue}" if failed.ename != "RunNotDone" else str(failed.evalue)
    except DeadKernelError:
        error = "the kernel died"
    return Executed(notebook, error)


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]


def write_html(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as one HTML page that loads nothing from elsewhere."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(embed_images=True)  # type: ignore[no-untyped-call]
    exporter.mathjax_url = exporter.require_js_url = exporter.mermaid_js_url = ""
    page, _ = exporter.from_notebook_node(notebook)
    path.write_text(page, encoding="utf-8")
