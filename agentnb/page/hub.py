"""All runs of this process, for the pages that show them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from agentnb.kernel.action.capture import flush_held
from agentnb.page.desk import Desk
from agentnb.page.feed import Feed
from agentnb.page.port import Message, Send, Steered
from agentnb.page.publisher import Publisher
from agentnb.record.document import FINAL, RunRecord
from agentnb.record.events import AnyEvent

logger = logging.getLogger("agentnb")

KEPT = 50
"""Ended runs that a page can still ask for."""
LIST_INTERVAL = 0.5
"""Seconds between two lists of the runs at least, where no run has changed its state."""


class Tapped(Steered, Protocol):
    """A run whose events can be had as they happen, on the thread where they do."""

    def tap(self, listener: Callable[[AnyEvent, RunRecord], None]) -> Callable[[], None]:
        """Call ``listener`` with every event; return what ends this."""


class Hub:
    """Knows the runs by their ids and keeps the pages up to date."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._desks: dict[str, Desk] = {}
        self._lists: list[Send] = []
        self._told: list[tuple[str, str, int]] = []
        self._told_at = 0.0
        self._publisher = Publisher(self.publish, self._watching)

    def add(self, run: Tapped) -> Desk:
        """Make a run known; called on its loop, before its first event."""
        feed = Feed(run.id, self._publisher.wake)
        desk = Desk(run, feed, asyncio.get_running_loop())

        def on_event(event: AnyEvent, record: RunRecord) -> None:
            feed.take(event)
            if record.status in FINAL:
                desk.release()

        run.tap(on_event)
        with self._lock:
            self._desks[run.id] = desk
            self._forget_oldest()
        self._publisher.start()
        self._publisher.wake()
        return desk

    def _forget_oldest(self) -> None:
        ended = [run_id for run_id, desk in self._desks.items() if desk.feed.ended]
        for run_id in ended[:-KEPT]:
            del self._desks[run_id]

    def find(self, run_id: str) -> Desk | None:
        """Return the desk of a run, None where it is not known (any more)."""
        with self._lock:
            return self._desks.get(run_id)

    def follow(self, send: Send) -> Callable[[], None]:
        """Send the list of the runs, now and when it changes; return the function that ends this."""
        with self._lock:
            self._lists.append(send)
            self._told = []
            self._told_at = 0.0
        self._publisher.start()
        self._publisher.wake()

        def end() -> None:
            with self._lock:
                if send in self._lists:
                    self._lists.remove(send)

        return end

    # --- on the publisher's thread ------------------------------------------------------------------------------------

    def publish(self) -> int:
        """Send what is due; return how many messages that took."""
        flush_held()
        with self._lock:
            desks = list(self._desks.values())
        return sum(desk.feed.flush() for desk in desks) + self._publish_list(desks)

    def _publish_list(self, desks: list[Desk]) -> int:
        with self._lock:
            lists = list(self._lists)
        if not lists:
            return 0
        entries = [desk.feed.entry() for desk in desks]
        if not self._worth_telling(entries):
            return 0
        message: Message = {"kind": "runs", "runs": entries}
        for send in lists:
            try:
                send(message)
            except Exception:
                logger.debug("a page with the list of runs is gone", exc_info=True)
        return len(lists)

    def _worth_telling(self, entries: list[dict[str, Any]]) -> bool:
        now = time.monotonic()
        news = [(entry["run_id"], entry["status"], entry["tokens"]) for entry in entries]
        with self._lock:
            same_states = [each[:2] for each in news] == [each[:2] for each in self._told]
            if self._told_at and (news == self._told or (same_states and now - self._told_at < LIST_INTERVAL)):
                return False
            self._told, self._told_at = news, now
            return True

    def _watching(self) -> bool:
        with self._lock:
            return any(not desk.feed.ended for desk in self._desks.values())


hub = Hub()
"""That of this process."""
