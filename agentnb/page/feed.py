"""One run's events on their way to the pages that show it.

Events arrive as they happen and leave on the publisher's thread, so that what busy code prints is seen while it runs.
The feed folds what it sends into a record of its own, from which any thread can take a snapshot: the run's own record
belongs to the loop.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from agentnb.page.port import Message, Send
from agentnb.record.codec import decode_event, to_dict
from agentnb.record.document import FINAL, RunRecord
from agentnb.record.events import AnyEvent
from agentnb.record.fold import Folder
from agentnb.record.limits import bound_record

logger = logging.getLogger("agentnb")


@dataclass(eq=False)
class Subscription:
    """One page that follows a run; ``fresh`` until it has a snapshot to fold the events into."""

    send: Send
    close: Callable[[], None]
    fresh: bool = True


class Feed:
    """Takes a run's events and sends them on in batches; the pages may come and go at any time, from any thread."""

    def __init__(self, run_id: str, wake: Callable[[], None]) -> None:
        self.run_id = run_id
        self._wake = wake
        self._context = contextvars.copy_context()  # says which cell the messages belong to
        self._arrived: deque[dict[str, Any]] = deque()
        self._lock = threading.Lock()  # over all below
        self._folder = Folder(RunRecord(run_id=run_id))
        self._unsent: list[dict[str, Any]] = []
        self._subscriptions: list[Subscription] = []
        self._weight = 0

    # --- coming in ----------------------------------------------------------------------------------------------------

    def take(self, event: AnyEvent) -> None:
        """Take in an event of the run. Called in the order of the events; never waits."""
        # as plain data at once: outputs may hold objects that the code goes on to change
        self._arrived.append(to_dict(event))
        self._wake()

    def _fold(self) -> None:
        while self._arrived:
            plain = self._arrived.popleft()
            self._folder.apply(decode_event(plain))
            self._unsent.append(plain)
            if plain["type"] != "reply_delta":  # the whole reply follows
                self._weight += len(msgspec.json.encode(plain))

    # --- what there is to see -----------------------------------------------------------------------------------------

    @property
    def weight(self) -> int:
        """About how many bytes the record takes; at once, also while a snapshot is being made."""
        return self._weight

    @property
    def is_final(self) -> bool:
        """Whether the run has ended, as far as the pages know; at once as well."""
        return self._folder.record.status in FINAL

    @property
    def ended(self) -> bool:
        """Whether the run has ended and every page knows."""
        with self._lock:
            return self._folder.record.status in FINAL and not self._unsent and not self._arrived

    def snapshot(self) -> dict[str, Any]:
        """Return the record so far as plain data; ``seq`` in it is the number of the next event."""
        with self._lock:
            return self._snapshot()

    def _snapshot(self) -> dict[str, Any]:
        self._fold()
        return to_dict(bound_record(self._folder.record))

    def entry(self) -> dict[str, Any]:
        """Return the run's line in a list of runs."""
        with self._lock:
            self._fold()
            record = self._folder.record
            return {
                "run_id": self.run_id,
                "task": record.task,
                "status": record.status,
                "elapsed": record.timing.elapsed,
                "tokens": record.usage.tokens,
            }

    # --- going out ----------------------------------------------------------------------------------------------------

    def subscribe(self, send: Send) -> Subscription:
        """Send a snapshot, then all that happens, with ``send`` on the publisher's thread, until it is closed."""
        subscription = Subscription(send, lambda: self._drop(subscription))
        with self._lock:
            self._subscriptions.append(subscription)
        self._wake()
        return subscription

    def resync(self, subscription: Subscription) -> None:
        """Send another snapshot."""
        subscription.fresh = True
        self._wake()

    def _drop(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

    def flush(self) -> int:
        """Send what has come since the last time; return how many messages that took. For one thread only."""
        with self._lock:
            self._fold()
            events, self._unsent = self._unsent, []
            behind = [each for each in self._subscriptions if each.fresh]
            level = [each for each in self._subscriptions if not each.fresh] if events else []
            snapshot: Message = {"kind": "snapshot", "record": self._snapshot()} if behind else {}
            for each in behind:
                each.fresh = False
        for each in behind:
            self._send(each, snapshot)
        for each in level:
            self._send(each, {"kind": "events", "events": events})
        return len(behind) + len(level)

    def _send(self, subscription: Subscription, message: Message) -> None:
        try:
            self._context.run(subscription.send, message)
        except Exception:  # a page that cannot be reached any more
            logger.debug("a page of run %s is gone", self.run_id, exc_info=True)
            subscription.close()
