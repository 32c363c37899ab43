"""The journals of a folder: which of them tell of a run that never came to its end."""

from __future__ import annotations

import contextlib
import mmap
from dataclasses import dataclass
from pathlib import Path

from agentnb.errors import RecordError
from agentnb.record.codec import decode_event
from agentnb.record.events import RunStarted
from agentnb.record.journal import in_hand, journal_folder

_END = b'\n{"type":"run_ended"'


@dataclass(frozen=True)
class CrashedRun:
    """The journal of a run whose kernel died, and its first event."""

    path: Path
    start: RunStarted


def crashed_runs(folder: Path | None = None, *, notebook: str = "") -> list[CrashedRun]:
    """Return the runs that never ended and that nobody works on, the newest first.

    Of the journals in ``folder`` (by default the one of the working directory) those count that were written for
    ``notebook``, a file name; a name that is not known, here or there, fits any. Left out are replays, and runs that
    another one went on from. Raises nothing.
    """
    begun = _begun(journal_folder() if folder is None else folder)
    gone_on = {run.start.resumes for run in begun}
    return [
        run
        for run in begun
        if run.start.run_id not in gone_on
        and not run.start.replayed
        and (not notebook or run.start.notebook in ("", notebook))
        and not in_hand(run.path)
        and not _has_end(run.path)
    ]


def find_journal(run: str, folder: Path | None = None) -> Path:
    """Return the journal of a run, named by its id or the beginning of it, or by a path.

    Raises ``RecordError`` where there is none, or more than one.
    """
    if run.endswith(".jsonl"):
        return Path(run)
    home = journal_folder() if folder is None else folder
    found = [each for each in _begun(home) if each.start.run_id.startswith(run)]
    exact = [each for each in found if each.start.run_id == run]
    if len(exact or found) != 1:
        known = ", ".join(each.start.run_id for each in found) or "none"
        raise RecordError(f"{home} has no journal of a run {run!r} (found: {known}); `%agents` lists the crashed runs")
    return (exact or found)[0].path


def _begun(folder: Path) -> list[CrashedRun]:
    aged = []
    for path in folder.glob("*.jsonl"):
        with contextlib.suppress(OSError, RecordError), path.open("rb") as file:
            start = decode_event(file.readline())
            if isinstance(start, RunStarted):
                aged.append((path.stat().st_mtime_ns, str(path), CrashedRun(path, start)))
    return [run for _, _, run in sorted(aged, key=lambda each: each[:2], reverse=True)]


def _has_end(path: Path) -> bool:
    """Tell whether the run ended: looked for among the beginnings of lines, for JSON has no line breaks inside."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            return text.rfind(_END) >= 0
    except (OSError, ValueError):  # gone, or empty
        return True
