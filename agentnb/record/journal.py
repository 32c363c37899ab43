"""The journal of a run on disk: one event a line, written as it happens, so that a crash loses at most the last."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from agentnb.errors import RecordError
from agentnb.record.codec import decode_event, encode
from agentnb.record.events import AnyEvent, ReplyDelta, RunEnded, RunStarted

if sys.platform != "win32":
    import fcntl

KEPT = 50  # journals in a folder


class Journal:
    """Appends events to the file ``path``, which only its owner can read.

    May be used from any thread. A disk that is full ends the journal, not the run: ``fault`` then holds the ``OSError``
    and later events are let go. With ``fsync`` each event also outlives a power cut, at some ms an event.
    As long as it is open, ``in_hand`` tells so to other processes; a process forked off this one has no part in it.
    Raises ``OSError`` where the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], *, fsync: bool = False) -> None:
        self.path = Path(path)
        self.fault: OSError | None = None
        self._fsync = fsync
        self._lock = threading.Lock()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._file: int | None = os.open(self.path, flags, 0o600)
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _open.add(self)

    @classmethod
    def open(cls, run_id: str, folder: str | os.PathLike[str] | None = None, *, fsync: bool = False) -> Journal:
        """Return a new journal for a run in ``folder``, by default the one of ``journal_folder``.

        Of the journals there, the newest 50 are kept. Raises ``OSError`` where no file can be made.
        """
        home = Path(folder) if folder is not None else journal_folder()
        home.mkdir(parents=True, exist_ok=True)
        _hide_from_git(home)
        journal = cls(home / f"{re.sub(r'[^A-Za-z0-9_-]', '_', run_id) or 'run'}.jsonl", fsync=fsync)
        _keep_newest(home, journal.path)
        return journal

    def again(self) -> Journal | None:
        """Return the journal opened once more, for what comes after the run's end; None where it was cleared away."""
        try:
            return Journal(self.path, fsync=self._fsync) if self.path.exists() else None
        except OSError:
            return None

    def append(self, event: AnyEvent) -> None:
        """Write one event; pieces of a streaming reply are left out, for the whole follows. Raises nothing."""
        if isinstance(event, ReplyDelta):
            return
        line = encode(event) + b"\n"
        with self._lock:
            if self._file is None or self.fault is not None:
                return
            try:
                self._write(self._file, line)
            except OSError as error:
                self.fault = error

    def _write(self, file: int, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(file, rest) :]
        if self._fsync:
            os.fsync(file)

    def close(self) -> None:
        """Close the file; what is appended later is let go."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _let_go(self) -> None:
        """In a forked child: close its copy, which would keep the lock when the parent is dead."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_open: weakref.WeakSet[Journal] = weakref.WeakSet()


def _let_go_of_all() -> None:
    for journal in list(_open):
        journal._let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_of_all)


def in_hand(path: str | os.PathLike[str]) -> bool:
    """Tell whether a living process writes this journal. Always False on Windows, which has no such locks."""
    if sys.platform == "win32":
        return False
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False


def journal_folder() -> Path:
    """Return ``.agentnb/runs`` under the working directory, or in Jupyter's data folder where that is not writable."""
    here = Path.cwd() / ".agentnb" / "runs"
    existing = next((folder for folder in (here, *here.parents) if folder.exists()), here)
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return here
    from jupyter_core.paths import jupyter_data_dir  # only here: it costs import time

    return Path(jupyter_data_dir()) / "agentnb" / "runs"


def read_journal(path: str | os.PathLike[str]) -> list[AnyEvent]:
    """Return the events of a journal. Lines that are torn or unknown are passed over.

    Where the run did not get to its end, a ``RunEnded`` of status ``crashed`` is added, so that the fold says so.
    Raises ``RecordError`` where the file cannot be read or holds no run.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise RecordError(f"The journal {path} cannot be read ({error.strerror}); name another one.") from error
    events = list(_decoded(lines))
    if not any(isinstance(event, RunStarted) for event in events):
        raise RecordError(f"{path} holds no run of agentnb; name a journal, such as .agentnb/runs/RUN.jsonl.")
    if not any(isinstance(event, RunEnded) for event in events):
        last = events[-1]
        reason = "The kernel stopped before the run came to its end."
        events.append(RunEnded(seq=last.seq + 1, at=last.at, status="crashed", reason=reason))
    return events


def _decoded(lines: list[bytes]) -> Iterator[AnyEvent]:
    for line in lines:
        if line.strip():
            with contextlib.suppress(RecordError):
                yield decode_event(line)


def _hide_from_git(home: Path) -> None:
    """Keep the user's data out of commits made with ``git add .``."""
    marker = home / ".gitignore"
    if not marker.exists():
        with contextlib.suppress(OSError):
            marker.write_text("*\n", encoding="utf-8")


def _keep_newest(home: Path, own: Path) -> None:
    aged = []
    for path in home.glob("*.jsonl"):
        with contextlib.suppress(OSError):  # another kernel may be tidying up as well
            aged.append((path.stat().st_mtime_ns, path))
    others = [path for _, path in sorted(aged, reverse=True) if path != own]
    for path in others[KEPT - 1 :]:
        with contextlib.suppress(OSError):
            if not in_hand(path):
                path.unlink()
