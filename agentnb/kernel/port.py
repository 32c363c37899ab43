"""The port behind which an agent's code runs. Live and scratch are its adapters; other places plug in here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentnb.kernel.merge import Bundle
from agentnb.kernel.undo.delta import Delta
from agentnb.record.document import Change, Error, Mode


class Sink(Protocol):
    """Where the outputs of an action go, as they come; each is a dict in nbformat's output form."""

    def add(self, output: dict[str, Any], index: int | None = None) -> int:
        """Append an output, or put it in place ``index``; return its place.

        Stream text is joined to a preceding output of the same stream.
        """

    def clear(self) -> None:
        """Forget the outputs so far (``clear_output``)."""

    def note(self, text: str) -> None:
        """Tell the person something about the action, before or while it runs, from any thread."""

    def late(self, output: dict[str, Any]) -> str:
        """Take what was printed after the action's end, from any thread.

        Returns what there is to print elsewhere, because nobody takes it here any more; empty where it was taken.
        """


@dataclass
class Outcome:
    """What came of one action.

    ``value`` is the object of the last expression, or what ``final_answer`` got where ``final`` is true. ``error`` is
    what the code raised and ``report`` how it is shown; ``changes`` are those of the user's and the agent's variables,
    and ``delta`` is what takes the former back; ``tasks`` are asyncio tasks that the code started and that still run,
    ``processes`` such child processes.
    """

    value: Any = None
    final: bool = False
    error: BaseException | None = None
    report: Error | None = None
    changes: list[Change] = field(default_factory=list)
    delta: Delta | None = None
    notes: list[str] = field(default_factory=list)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    processes: list[Any] = field(default_factory=list)


class Cancelled(asyncio.CancelledError):
    """Raised for an action that was cancelled; ``outcome`` tells what it had changed by then."""

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome


class Place(Protocol):
    """Where one agent's actions run."""

    mode: Mode

    async def execute(
        self, code: str, *, label: str, names: dict[str, Any], sink: Sink, timeout: float | None = None
    ) -> Outcome:
        """Run ``code`` as an async cell.

        ``label`` names it in tracebacks. ``names`` (from ``names.cell_names``) are visible to this code only: builtins,
        tools, specialists; what is put in while the code runs is visible to it at once. ``timeout`` is in seconds of
        running code: time spent waiting for others does not count. Raises only ``Cancelled``, or a plain
        ``CancelledError`` where the code did not begin.
        """

    def variables(self) -> Mapping[str, Any]:
        """The namespace as the code sees it."""

    def receive(self, bundle: Bundle) -> list[str]:
        """Merge what a branch brings into the namespace that the code sees; return what there is to say about it."""
