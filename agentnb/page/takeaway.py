"""What of a run can be put into the notebook: its cells, one step's cells, a cell that replays it."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode

from agentnb.errors import UserError
from agentnb.record.document import FINAL, RunRecord
from agentnb.record.read import Summary
from agentnb.views.bundle import bundle
from agentnb.views.notebook import export_cells
from agentnb.views.notebook_cells import code_cell, markdown_cell


def run_cells(record: RunRecord | Summary) -> list[dict[str, Any]]:
    """Return the plain cells that do what the run did, in nbformat's form."""
    return [_plain(cell) for cell in export_cells(_whole(record))]


def step_cells(record: RunRecord | Summary, step_id: str) -> list[dict[str, Any]]:
    """Return one step as cells: its thought, then its code as the agent wrote it.

    Raises ``UserError`` where there is no such step, or where it has neither.
    """
    step = next((step for step in _whole(record).steps if step.id == step_id), None)
    if step is None:
        raise UserError("the run has no such step; reload the page")
    cells = [markdown_cell(step.thought)] if step.thought.strip() else []
    cells += [code_cell(step.code)] if step.code else []
    if not cells:
        raise UserError("this step has neither words nor code yet; wait for the model's reply")
    return [_plain(cell) for cell in cells]


def replay_source(record: RunRecord | Summary) -> str:
    """Return the source of a cell that plays the run's replies again, without a model."""
    record = _whole(record)
    lead = {member.name for member in record.roster if member.kind == "coordinator"}
    asked = [task.agent for task in record.tasks if task.parent is None and task.agent not in lead]
    words = ["%%agents", *(f"@{name}" for name in dict.fromkeys(asked)), "--replay"]
    if record.result_name != "agents_run":
        words += ["-o", record.result_name]
    return f"{' '.join(words)}\n{record.task}"


def display_bundle(record: RunRecord | Summary) -> dict[str, Any]:
    """Return what the notebook has to hold of the run, as ``data`` and ``metadata`` of an output."""
    record = _whole(record)
    data, metadata = bundle(record, live=record.status not in FINAL)
    return {"data": data, "metadata": metadata}


def _whole(record: RunRecord | Summary) -> RunRecord:
    assert isinstance(record, RunRecord)  # this version has written it
    return record


def _plain(cell: NotebookNode) -> dict[str, Any]:
    return {key: cell[key] for key in ("cell_type", "source")} | {"metadata": {}}
