"""Draws a run in its cell: compact while it goes on, whole at its end."""

from __future__ import annotations

import asyncio
import time

from agentnb.kernel.shell import kernel_of
from agentnb.kernel.show import CellDisplay
from agentnb.page.hub import hub
from agentnb.page.target import register
from agentnb.record.document import FINAL, RunRecord
from agentnb.record.events import AnyEvent, ReplyDelta
from agentnb.run.context import RunContext
from agentnb.run.run import Run
from agentnb.views.bundle import bundle

INTERVAL = 0.4
"""Seconds between two updates at least."""
SHARE = 0.05
"""Of the loop's time at most, that drawing may take: where a drawing is slow, updates are rarer."""


def follow_run(run: Run, context: RunContext, *, show: bool = True) -> None:
    """Let pages follow ``run``; with ``show``, draw it in the current cell and keep it up to date until its end.

    A terminal cannot change what it has shown: there the run appears when it is over.
    """
    if kernel_of(context.shell) is not None:
        hub.add(run)
        register()
    if not show:
        return
    view = _View(run.record, CellDisplay(context.shell))
    run.subscribe(view.on_event)


class _View:
    def __init__(self, record: RunRecord, display: CellDisplay) -> None:
        self._record, self._display = record, display
        self._due: asyncio.TimerHandle | None = None
        self._last = 0.0
        self._cost = 0.0

    def on_event(self, event: AnyEvent, record: RunRecord) -> None:
        if record.status in FINAL:
            if self._due is not None:
                self._due.cancel()
            self._display.show(*bundle(record))
        elif self._display.updates and self._due is None and not isinstance(event, ReplyDelta):
            wait = max(INTERVAL, self._cost / SHARE) - (time.perf_counter() - self._last)
            self._due = asyncio.get_running_loop().call_later(max(wait, 0.0), self._draw)

    def _draw(self) -> None:
        self._due = None
        started = time.perf_counter()
        self._display.show(*bundle(self._record, live=True))
        self._last = time.perf_counter()
        self._cost = self._last - started
