"""Processes that an agent's code started and left running."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

import psutil

MARK = "AGENTNB_RUN"
"""The variable that processes of an agent's code have from their birth: the run's id."""
GRACE = 1.0
"""Seconds that a process has to end by itself when it is told to."""
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver", "loky.backend")
"""Of libraries, which end them themselves and take it badly where somebody else does."""

_mark: ContextVar[str] = ContextVar("agentnb_mark", default="")


@contextmanager
def marked(run: str) -> Iterator[None]:
    """Mark the processes that actions start which are begun in this block."""
    token = _mark.set(run)
    try:
        yield
    finally:
        _mark.reset(token)


def mark() -> str:
    """Return what processes of an action that is begun here are marked with."""
    return _mark.get()


class Children:
    """The child processes that came into being between ``enter`` and ``leave``, over several such stretches.

    Counted are those of the main thread, on which agents' code runs: what agentnb itself starts (MCP servers, branches)
    comes from other threads.
    """

    def __init__(self) -> None:
        self._before: frozenset[int] = frozenset()
        self._started: dict[int, psutil.Process] = {}
        self._mark = _mark.get()
        self._outer: str | None = None

    def enter(self) -> None:
        """A stretch of the code begins."""
        if self._mark:
            self._outer = os.environ.get(MARK)
            os.environ[MARK] = self._mark
        self._before = _of_main_thread()

    def leave(self) -> bool:
        """It ends; return whether it leaves a process running."""
        if self._mark:
            if self._outer is None:
                os.environ.pop(MARK, None)
            else:
                os.environ[MARK] = self._outer
        fresh = []
        for pid in _of_main_thread() - self._before:
            with suppress(psutil.Error):  # it has ended
                fresh.append(psutil.Process(pid))
        self._started.update((process.pid, process) for process in fresh)
        return any(map(_runs, fresh))

    def running(self) -> list[psutil.Process]:
        """Return those that still run and are no library's helpers."""
        return [process for process in self._started.values() if _runs(process) and not _is_helper(process)]


def described(processes: Iterable[psutil.Process]) -> str:
    """Return the processes as text: command and number of each."""
    return ", ".join(f"`{_command(process)}` (pid {process.pid})" for process in processes)


def end(processes: Iterable[psutil.Process]) -> None:
    """End processes and all that they have started, on a thread of its own; the hard way where they do not listen."""
    doomed = [process for process in processes if _runs(process)]
    if doomed:
        threading.Thread(target=_end, args=(doomed,), name="agentnb-ending", daemon=True).start()


def end_run(run: str, processes: Iterable[psutil.Process]) -> None:
    """End what a run has left running: these processes, and those whose parents are gone, which its mark tells."""

    def find_and_end() -> None:
        _end([*filter(_runs, processes), *_orphans(run)])

    threading.Thread(target=find_and_end, name="agentnb-ending", daemon=True).start()


def _orphans(run: str) -> list[psutil.Process]:
    me, found = os.getpid(), []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has ended, or is somebody else's
            if process.environ().get(MARK) == run and all(parent.pid != me for parent in process.parents()):
                found.append(process)
    return [process for process in found if not _is_helper(process)]


def _end(processes: list[psutil.Process]) -> None:
    family = [relative for process in processes for relative in _family(process)]
    for process in family:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(family, timeout=GRACE)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=GRACE)
    for process in family:
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [*process.children(recursive=True), process]
    except psutil.Error:
        return [process]


def _quietly(act: Callable[[], object]) -> None:
    with suppress(psutil.Error):  # it has ended
        act()


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _command(process: psutil.Process) -> str:
    try:
        words = process.cmdline() or [process.name()]
    except psutil.Error:
        words = ["?"]
    text = " ".join(words)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _is_helper(process: psutil.Process) -> bool:
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return any(helper in line for helper in _HELPERS)


def _of_main_thread() -> frozenset[int]:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # cheap, and nearly always there are none
    except ChildProcessError:
        return frozenset()
    except (AttributeError, OSError):  # not on this platform
        pass
    main = threading.main_thread().native_id
    try:
        return frozenset(map(int, Path(f"/proc/self/task/{main}/children").read_text().split()))
    except OSError:
        return frozenset(child.pid for child in psutil.Process().children())
