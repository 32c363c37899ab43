"""The thread that sends to the pages, at a pace that leaves room for all else that a kernel says."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("agentnb")

INTERVAL = 1 / 30
"""Seconds between two rounds at least."""
RATE = 120
"""Messages a second at most. A server drops everything beyond 1,000, and agents' outputs share that."""
POLL = 0.05
"""Seconds between two looks at what is not announced, while there may be some."""


class Publisher:
    """Calls ``publish`` soon after each ``wake``; it returns how many messages it sent.

    While ``watching`` says so, it is called every now and then without being woken up.
    """

    def __init__(self, publish: Callable[[], int], watching: Callable[[], bool]) -> None:
        self._publish, self._watching = publish, watching
        self._due = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, where that has not happened; the thread then lives as long as the process."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="agentnb-page", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Let a round begin. Costs next to nothing, and may be called from anywhere."""
        if not self._due.is_set():
            self._due.set()

    def _run(self) -> None:
        while True:
            self._due.wait(POLL if self._watching() else None)
            self._due.clear()
            sent = 0
            try:
                sent = self._publish()
            except Exception:
                logger.exception("the page could not be told; the runs go on")
            time.sleep(max(INTERVAL, sent / RATE))
