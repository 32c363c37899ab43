"""A page in front of a kernel under test: one comm of a run, folded as the page does."""

from __future__ import annotations

import itertools
from typing import Any

from agentnb.record.codec import decode_event
from agentnb.record.document import RunRecord
from agentnb.record.events import AnyEvent
from agentnb.record.fold import Folder
from agentnb.record.read import read_record
from tests.kernel.cells import Cell
from tests.kernel.driver import Comm, Kernel


class Page:
    """What one page knows of a run; ``gaps`` counts the events that it missed."""

    def __init__(self, kernel: Kernel, comm: Comm) -> None:
        self.kernel, self.comm = kernel, comm
        self.gaps = 0
        self.events: list[AnyEvent] = []
        self.messages: list[dict[str, Any]] = []
        self._folder: Folder | None = None
        self._replies: dict[str, dict[str, Any]] = {}
        self._read = 0
        self._ids = itertools.count()

    @classmethod
    def open(cls, kernel: Kernel, run_id: str, *, subshell: str | None = None) -> Page:
        """Open the comm as JupyterLab's plugin does."""
        return cls(kernel, kernel.comm("agentnb.run", {"run_id": run_id}, subshell=subshell))

    @property
    def record(self) -> RunRecord | None:
        """The record so far, None before the first snapshot."""
        self.read()
        return self._folder.record if self._folder is not None else None

    @property
    def text(self) -> str:
        """All that the steps have printed."""
        steps = self.record.steps if self.record else []
        return "".join(str(output.get("text", "")) for step in steps for output in step.outputs)

    @property
    def status(self) -> str:
        """That of the run, empty before the first snapshot."""
        return self.record.status if self.record else ""

    def read(self) -> None:
        """Fold what has come in."""
        fresh = self.comm.received[self._read :]
        self._read += len(fresh)
        for message in fresh:
            self.messages.append(message)
            getattr(self, f"_on_{message['kind']}")(message)

    def _on_snapshot(self, message: dict[str, Any]) -> None:
        record = read_record(message["record"])
        assert isinstance(record, RunRecord)
        self._folder = Folder(record)

    def _on_events(self, message: dict[str, Any]) -> None:
        assert self._folder is not None, "events came before a snapshot"
        for event in map(decode_event, message["events"]):
            self.gaps += event.seq != self._folder.record.seq
            if event.seq == self._folder.record.seq:
                self._folder.apply(event)
                self.events.append(event)

    def _on_reply(self, message: dict[str, Any]) -> None:
        self._replies[message["id"]] = message

    def _on_gone(self, message: dict[str, Any]) -> None:
        pass

    def command(self, name: str, **arguments: Any) -> str:
        """Send a command and return its id."""
        command = f"c{next(self._ids)}"
        self.comm.send({"kind": "command", "id": command, "name": name, **arguments})
        return command

    def ask(self, name: str, *, timeout: float = 10, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for its reply."""
        command = self.command(name, **arguments)
        self.until(lambda: command in self._replies, timeout=timeout, what=f"the reply to {name}")
        return self._replies[command]

    def until(self, condition: Any, *, timeout: float = 20, what: str = "what the page waits for") -> None:
        """Take in messages until ``condition()`` is true."""

        def met() -> bool:
            self.read()
            return bool(condition())

        self.kernel.until(met, timeout=timeout, what=what)


def start_run(kernel: Kernel, source: str, subshell: str | None, timeout: float = 20) -> tuple[Cell, str]:
    """Send a cell that starts a run, as a page does; return it with the run's id, from the list of runs."""
    comm = kernel.comm("agentnb.run", subshell=subshell)
    kernel.until(lambda: comm.received, timeout=timeout, what="the list of runs")
    known = {run["run_id"] for run in comm.received[0]["runs"]}
    cell = kernel.send(source, allow_stdin=True)
    begun: list[str] = []

    def look() -> bool:
        begun[:] = [run["run_id"] for run in comm.received[-1]["runs"] if run["run_id"] not in known and run["task"]]
        return bool(begun)

    kernel.until(look, timeout=timeout, what="a new run in the list")
    comm.close()
    return cell, begun[0]
