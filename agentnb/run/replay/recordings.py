"""Finding the recording of a task: in a notebook, a record's JSON, a journal, or among the runs of this session."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from agentnb.errors import RecordError
from agentnb.record.document import RunRecord
from agentnb.record.fold import fold
from agentnb.record.journal import read_journal
from agentnb.record.read import Summary, read_record, records_of

REPLAY_VARIABLE = "AGENTNB_REPLAY"
"""Names the notebook whose runs are replayed in the place of asking models; ``agentnb replay`` sets it."""

_played: set[tuple[str, str]] = set()


def load_recordings(path: Path) -> list[RunRecord]:
    """Return the runs recorded in a notebook, a record or a journal; raises ``RecordError`` where there is none."""
    records = [record for record in load_runs(path) if isinstance(record, RunRecord)]
    if not records:
        raise RecordError(
            f"{path.name} holds no run that this version can replay; run its %%agents cells once and save"
        )
    return records


def load_runs(path: Path) -> list[RunRecord | Summary]:
    """Return what is recorded in a file, of newer or damaged records a summary; raises ``RecordError`` for no file."""
    if not path.is_file():
        raise RecordError(f"there is no file {str(path)!r}; name a notebook, a record or a journal")
    if path.suffix == ".jsonl":
        return [fold(read_journal(path))]
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise RecordError(f"{path.name} cannot be read: {error}") from None
    if isinstance(data, dict) and "nbformat" in data:
        return [record for _, record in records_of(data)]
    return [read_record(data)]


def find_recording(task: str, path: str | None, session: Sequence[RunRecord]) -> RunRecord:
    """Return the recording to replay for ``task``.

    From ``path`` where it is given; else from this session's runs, else from the notebook that the kernel belongs to.
    Of several the first of that very task that was not replayed yet, else the one whose task is nearest. Raises
    ``RecordError`` where nothing is near.
    """
    if path:
        return _pick(task, load_recordings(Path(path)), source=path)
    finished = [record for record in session if not record.replayed and record.status == "done"]
    same = [record for record in finished if record.task == task]
    if same:
        return same[-1]
    notebook = os.environ.get("JPY_SESSION_NAME", "")
    if notebook.endswith(".ipynb") and Path(notebook).is_file():
        return _pick(task, load_recordings(Path(notebook)), source=notebook)
    raise RecordError("there is no recording of this task here; name the notebook: %%agents --replay PATH.ipynb")


def replay_wanted() -> str | None:
    """Return the notebook that ``agentnb replay`` plays, or None."""
    return os.environ.get(REPLAY_VARIABLE) or None


def _pick(task: str, records: Sequence[RunRecord], *, source: str) -> RunRecord:
    fresh = [record for record in records if (source, record.run_id) not in _played] or list(records)
    exact = [record for record in fresh if record.task == task]
    best = exact[0] if exact else max(fresh, key=lambda record: _nearness(record.task, task))
    if not exact and _nearness(best.task, task) < 0.5:
        raise RecordError(
            f"{Path(source).name} holds no recording of this task; the nearest is {best.task[:80]!r}. Run the cell "
            "without --replay to record it."
        )
    _played.add((source, best.run_id))
    return best


def _nearness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
