"""A notebook with runs as a notebook of plain cells, which runs without agentnb."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from nbformat import NotebookNode

from agentnb.record.document import MIME_TYPE, RunRecord
from agentnb.views.notebook_cells import code_cell, export_cells
from agentnb.views.notebook_source import commented, parse_cell

__all__ = ["export_cells", "export_notebook"]

_OWN_MAGIC = re.compile(r"^\s*%(?:agents\b|(?:re)?load_ext\s+agentnb\b)")
_RUN_CALLS = frozenset({"run", "start"})
_KEPT_OF_RUN = frozenset({"result", "status"})
_NEWEST = "agents_run"


@dataclass
class _Names:
    """Names of the notebook that plain cells do not have: what is made with agentnb, and of runs all but the result."""

    ours: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)

    def settle(self, statement: ast.stmt) -> None:
        """What the person's own statement assigns is there."""
        self.ours.difference_update(_assigned(statement))
        self.runs.difference_update(_assigned(statement))

    def used_in(self, statement: ast.stmt) -> bool:
        """Whether the statement reads one of them."""
        kept = {
            id(node.value)
            for node in ast.walk(statement)
            if isinstance(node, ast.Attribute) and node.attr in _KEPT_OF_RUN
        }
        read = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
        return any(node.id in self.ours or (node.id in self.runs and id(node) not in kept) for node in read)


def export_notebook(nb: NotebookNode, records: Sequence[RunRecord]) -> NotebookNode:
    """Give a copy of ``nb`` in which every run is replaced by the plain cells of its record.

    A record belongs to the cell whose output holds its run id, else to the next ``%%agents`` cell without one. What
    else uses agentnb (its import, teams, ``%agents``) becomes comments. Code cells come without outputs.
    """
    plain = copy.deepcopy(nb)
    homes = _homes(nb, records)
    names = _Names()
    cells: list[NotebookNode] = []
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            cells.append(copy.deepcopy(cell))
            continue
        for part in _cell(cell.source, homes.get(index, []), names, _later(nb, index)):
            cells.append(part)
    plain.cells = cells
    return plain


def _later(nb: NotebookNode, index: int) -> str:
    return "\n".join(cell.source for cell in nb.cells[index + 1 :] if cell.cell_type == "code")


def _homes(nb: NotebookNode, records: Sequence[RunRecord]) -> dict[int, list[RunRecord]]:
    left = list(records)
    homes: dict[int, list[RunRecord]] = {}
    for index, cell in enumerate(nb.cells):
        for run_id in _run_ids(cell):
            found = next((record for record in left if record.run_id == run_id), None)
            if found is not None:
                homes.setdefault(index, []).append(found)
                left.remove(found)
    for index, cell in enumerate(nb.cells):
        if left and index not in homes and _is_agents(cell):
            homes[index] = [left.pop(0)]
    return homes


def _run_ids(cell: NotebookNode) -> list[str]:
    bundles = (output.get("data") or {} for output in cell.get("outputs", []))
    records = (bundle.get(MIME_TYPE) for bundle in bundles)
    return [str(record.get("run_id", "")) for record in records if isinstance(record, dict)]


def _is_agents(cell: NotebookNode) -> bool:
    return bool(cell.cell_type == "code" and cell.source.lstrip().startswith("%%agents"))


def _cell(source: str, records: list[RunRecord], names: _Names, later: str) -> list[NotebookNode]:
    if source.lstrip().startswith("%%agents"):
        if not records:
            return [code_cell(commented(source, "agentnb: this run left no record"))]
        names.runs.add(_NEWEST)
        return [cell for record in records for cell in [*export_cells(record), *_as_run(record, later)]]
    tree = parse_cell(source)
    if tree is None:
        return [code_cell(source)]
    return _statements(source, tree, records, names, later)


def _as_run(record: RunRecord, later: str) -> list[NotebookNode]:
    """Later cells may read ``agents_run.result``: then the name has to hold something with a result."""
    used = re.search(rf"\b{_NEWEST}\.(?:{'|'.join(sorted(_KEPT_OF_RUN))})\b", later)
    return [_bound(_NEWEST, record.result_name, record)] if used else []


def _bound(name: str, result: str, record: RunRecord) -> NotebookNode:
    done = f"result={result}, status={record.status!r}" if record.status == "done" else f"status={record.status!r}"
    return code_cell(f"from types import SimpleNamespace\n\n{name} = SimpleNamespace({done})")


def _statements(
    source: str, tree: ast.Module, records: list[RunRecord], names: _Names, later: str
) -> list[NotebookNode]:
    """Go through a cell statement by statement: agentnb's become comments, runs become their cells."""
    lines = source.split("\n")
    waiting = list(records)
    cells: list[NotebookNode] = []
    kept: list[str] = []
    at = 0
    for statement in tree.body:
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        first = min([first, *(node.lineno - 1 for node in getattr(statement, "decorator_list", []))])
        kept += lines[at : max(at, first)]
        own = lines[max(at, first) : last]
        at = max(at, last)
        if waiting and _starts_run(statement):
            record = waiting.pop(0)
            cells += _flush(kept) + export_cells(record)
            cells += [_bound(name, record.result_name, record) for name in _assigned(statement)]
            names.settle(statement)
            names.runs.update(_assigned(statement))
            kept = []
        elif _is_ours(statement, own, names):
            names.ours.update(_assigned(statement))
            kept += [f"# {line}" for line in own]
        else:
            names.settle(statement)
            kept += own
    kept += lines[at:]
    cells += _flush(kept)
    for record in waiting:
        cells += [*export_cells(record), *_as_run(record, later)]
    return cells


def _flush(lines: list[str]) -> list[NotebookNode]:
    source = "\n".join(lines).strip("\n")
    return [code_cell(source)] if source.strip() else []


def _starts_run(statement: ast.stmt) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _RUN_CALLS
        for node in ast.walk(statement)
    ) and not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _is_ours(statement: ast.stmt, lines: list[str], names: _Names) -> bool:
    if any(_OWN_MAGIC.match(line) for line in lines):
        return True
    for node in ast.walk(statement):
        if isinstance(node, ast.Import) and any(name.name.split(".")[0] == "agentnb" for name in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "agentnb" and not node.level:
            return True
    return names.used_in(statement)


def _assigned(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    return [node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
