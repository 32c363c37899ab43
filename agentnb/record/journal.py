"""The journal: every event on disk before any view has it, so that a crash loses at most the step in flight."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from jupyter_core.paths import jupyter_data_dir

from agentnb.errors import RecordError
from agentnb.record.codec import decode_event, encode
from agentnb.record.events import AnyEvent, RunEnded

KEPT = 50
"""Journals kept in a folder; older ones are removed when a run begins."""
_FOLDER = Path(".agentnb") / "runs"


class Journal:
    """One run's events, a JSON object a line, written whole and unbuffered.

    The file is the user's alone (mode 0600). Where no folder can be written to, the run goes on without a journal.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @classmethod
    def open(cls, run_id: str) -> Journal | None:
        """Begin the journal of a run in ``.agentnb/runs`` of the working directory, else in Jupyter's data folder."""
        for folder in (_FOLDER, Path(jupyter_data_dir()) / "agentnb" / "runs"):
            try:
                journal = cls(folder / f"{run_id}.jsonl")
            except OSError:
                continue
            _ignore_in_git(folder)
            _tidy_up(folder)
            return journal
        return None

    def append(self, event: AnyEvent) -> None:
        """Write one event; a full disk loses the journal, not the run."""
        try:
            os.write(self._file, encode(event) + b"\n")
        except OSError:
            return

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_journal(path: Path) -> list[AnyEvent]:
    """Return the events of a journal; of a run that never ended, with an end as ``crashed``.

    A torn last line is left out. Raises ``RecordError`` where the file holds no events.
    """
    events: list[AnyEvent] = []
    for line in path.read_bytes().splitlines():
        try:
            events.append(decode_event(line))
        except (msgspec.MsgspecError, RecordError):
            break
    if not events:
        raise RecordError(f"{path.name} is not the journal of a run")
    if not isinstance(events[-1], RunEnded):
        last = events[-1]
        reason = "the kernel ended before the run did"
        events.append(RunEnded(seq=last.seq + 1, at=last.at, status="crashed", reason=reason))
    return events


def _ignore_in_git(folder: Path) -> None:
    marker = folder.parent / ".gitignore"
    if not marker.exists():
        marker.write_text("*\n", encoding="utf-8")


def _tidy_up(folder: Path) -> None:
    journals = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    for path in journals[:-KEPT]:
        path.unlink(missing_ok=True)
