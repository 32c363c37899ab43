"""A run in the output of its own cell."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from agentnb.kernel.shell import Shell, is_attended, kernel_of
from agentnb.kernel.show import CellDisplay
from agentnb.page.desk import Desk
from agentnb.page.hub import Tapped, hub
from agentnb.page.target import register
from agentnb.page.view import live_widget, reference
from agentnb.record.document import FINAL, RunRecord
from agentnb.record.events import AnyEvent, Asked, Noted, ReplyDelta, RunStatusChanged
from agentnb.record.limits import GROWTH
from agentnb.views.bundle import bundle, light_bundle

INTERVAL = 1.0
"""Seconds between two bundles of a run at least."""
PATIENCE = 5.0
"""Seconds between two bundles where nothing but them shows the run, and it changed."""
FACTOR, SPARE = 6, 1_000_000
"""What is sent for other reasons than growth: until all bundles make FACTOR times the record and SPARE bytes."""
LIGHT_INTERVAL, LIGHT_SHARE = 0.4, 0.05
"""Of light bundles: seconds between two at least, and the share of the loop's time that they may take."""


class Shown(Tapped, Protocol):
    """A run that can be shown as it goes."""

    @property
    def record(self) -> RunRecord:
        """All that happened so far."""

    def subscribe(self, listener: Callable[[AnyEvent, RunRecord], None]) -> Callable[[], None]:
        """Call ``listener`` after every event, on the loop."""


def follow_run(run: Shown, shell: Shell, *, show: bool = True) -> None:
    """Let pages follow ``run``; with ``show``, draw it in the current cell and keep it up to date until its end.

    Called on the run's loop before its first event. Pages that a person sits at get the whole record, so that they can
    go on from it; where nobody does (a notebook that is executed by a program), HTML and text. A terminal cannot change
    what it has shown: there the run appears when it is over.
    """
    desk = None
    if kernel_of(shell) is not None:
        register()
        desk = hub.add(run)
    if not show:
        return
    display = CellDisplay(shell)
    if desk is None or not display.updates:
        run.subscribe(_AtEnd(display).on_event)
    else:
        view = _Live(run.record, display, desk) if is_attended(shell) else _Light(run.record, display)
        run.subscribe(view.on_event)
        run.tap(view.on_tap)


class _AtEnd:
    """Shows the run when it is over."""

    def __init__(self, display: CellDisplay) -> None:
        self._display = display

    def on_event(self, event: AnyEvent, record: RunRecord) -> None:
        if record.status in FINAL:
            self._display.show(*bundle(record))


class _Timed(_AtEnd):
    """Shows it also before, after a while that depends on what happened."""

    def __init__(self, record: RunRecord, display: CellDisplay) -> None:
        super().__init__(display)
        self._record = record
        self._due: asyncio.TimerHandle | None = None
        self._due_at = 0.0
        self._last = float("-inf")
        self._thread = threading.get_ident()

    def on_tap(self, event: AnyEvent, record: RunRecord) -> None:
        """Show at once what is remarked on another thread: the loop may be held up for good."""
        if isinstance(event, Noted) and threading.get_ident() != self._thread:
            self._show_remark()

    def _show_remark(self) -> None:
        self._show()

    def on_event(self, event: AnyEvent, record: RunRecord) -> None:
        if record.status in FINAL:
            self._end()
            super().on_event(event, record)
            return
        wait = self._wait(event)
        if wait is None:
            return
        at = max(self._last + wait, time.perf_counter())
        if self._due is not None and self._due_at <= at:
            return
        if self._due is not None:
            self._due.cancel()
        self._due_at = at
        self._due = asyncio.get_running_loop().call_later(at - time.perf_counter(), self._draw)

    def _draw(self) -> None:
        self._due = None
        self._show()
        self._last = time.perf_counter()

    def _wait(self, event: AnyEvent) -> float | None:
        """Return the seconds from the last drawing to the next one, None where none is needed."""
        raise NotImplementedError

    def _show(self) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


class _Light(_Timed):
    """Often, since nothing else tells of the run, and therefore without the record."""

    _cost = 0.0

    def _wait(self, event: AnyEvent) -> float | None:
        return None if isinstance(event, ReplyDelta) else max(LIGHT_INTERVAL, self._cost / LIGHT_SHARE)

    def _show(self) -> None:
        started = time.perf_counter()
        self._display.show(*light_bundle(self._record))
        self._cost = time.perf_counter() - started


class _Live(_Timed):
    """With the record so far and the widget, rarely: events keep the page up to date, this is what a saved file holds.

    It is sent when it has grown by half, so that all of it together stays in proportion to what happened.
    """

    def __init__(self, record: RunRecord, display: CellDisplay, desk: Desk) -> None:
        super().__init__(record, display)
        self._feed, self._desk = desk.feed, desk
        self._widget: Any = None
        self._shown = self._sent = 0

    def _wait(self, event: AnyEvent) -> float | None:
        if self._feed.weight >= GROWTH * self._shown:
            return INTERVAL
        if self._sent + self._feed.weight > FACTOR * self._feed.weight + SPARE:
            return None
        if isinstance(event, RunStatusChanged | Asked):
            return INTERVAL
        return PATIENCE if self._widget is None and not isinstance(event, ReplyDelta) else None

    def _show(self) -> None:
        if not self._shown:
            self._widget = live_widget(self._desk)
        self._shown = max(self._feed.weight, 1)
        self._sent += self._shown
        data, metadata = bundle(self._record, live=True)
        if self._widget is not None:
            data |= reference(self._widget)
        self._display.show(data, metadata)

    def _show_remark(self) -> None:
        if not self._shown:  # else the page has it from the feed
            self._display.show(*bundle(self._record, live=True))

    def on_event(self, event: AnyEvent, record: RunRecord) -> None:
        super().on_event(event, record)
        if record.status in FINAL and self._widget is not None:
            self._widget.finish()
            self._widget = None
