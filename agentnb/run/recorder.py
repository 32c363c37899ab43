"""All that happens goes through here: numbered, redacted, journaled, folded into the record, told to the views."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from agentnb.record.document import RunRecord
from agentnb.record.events import AnyEvent, OutputAdded, OutputsCleared, ReplyDelta
from agentnb.record.fold import Folder
from agentnb.record.journal import Journal
from agentnb.record.limits import cut_output
from agentnb.record.redact import Redactor

logger = logging.getLogger("agentnb")

Listener = Callable[[AnyEvent, RunRecord], None]


class Recorder:
    """One run's events on their way into its record.

    Events may come from any thread, for agents' code prints in threads of its own. Made on the run's loop, where its
    listeners are called.
    """

    def __init__(self, redactor: Redactor, journal: Journal | None = None) -> None:
        self._folder = Folder()
        self.redactor = redactor
        self._journal = journal
        self._lock = threading.RLock()
        self._taps: list[Listener] = []
        self._listeners: list[Listener] = []
        self._untold: deque[AnyEvent] = deque()
        self._telling = False
        self._seq = 0
        self._started = time.perf_counter()
        self._loop = asyncio._get_running_loop()
        self._thread = threading.get_ident()

    @property
    def record(self) -> RunRecord:
        """The record as it stands."""
        return self._folder.record

    @property
    def now(self) -> float:
        """Seconds since the run's start."""
        return time.perf_counter() - self._started

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after every event, on the loop; return the function that ends this.

        A view's fault stops no run.
        """
        return _enlist(self._listeners, listener)

    def tap(self, listener: Listener) -> Callable[[], None]:
        """As ``subscribe``, but call it on whatever thread the event comes, at once: the loop may be held up."""
        return _enlist(self._taps, listener)

    def emit(self, event: AnyEvent) -> None:
        """Take in what happened. Secrets are out before anything else sees the event."""
        with self._lock:
            event = self.redactor.redact_event(event)
            event.seq, event.at = self._seq, self.now
            self._seq += 1
            if self._journal is not None and not isinstance(event, ReplyDelta):
                self._journal.append(event)
            self._folder.apply(event)
            self._untold.append(event)
            self._tell(self._taps, event)
        if self._loop is None or threading.get_ident() == self._thread:
            self._tell_listeners()
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._tell_listeners)

    def _tell_listeners(self) -> None:
        if self._telling:  # a listener has emitted an event: the loop below comes to it
            return
        self._telling = True
        try:
            while self._untold:
                self._tell(self._listeners, self._untold.popleft())
        finally:
            self._telling = False

    def _tell(self, listeners: list[Listener], event: AnyEvent) -> None:
        for listener in list(listeners):
            try:
                listener(event, self.record)
            except Exception:
                logger.exception("a view of the run failed; the run goes on")

    def carry(self, events: Iterable[AnyEvent], elapsed: float) -> None:
        """Take over the events of an earlier run as they were; the clock goes on from ``elapsed`` seconds.

        Taps are told, for a page folds a record of its own; listeners are not, for nothing of it happens now.
        """
        with self._lock:
            for event in map(self.redactor.redact_event, events):
                event.seq = self._seq
                self._seq += 1
                if self._journal is not None:
                    self._journal.append(event)
                self._folder.apply(event)
                self._tell(self._taps, event)
            self._started -= elapsed

    def redact(self, text: str) -> str:
        """Take the secrets out of a text on its way to a model."""
        return self.redactor.redact(text)

    def keep(self, journal: Journal | None) -> None:
        """Write the events from now on to ``journal``."""
        self._journal = journal

    def refresh(self, namespace: dict[str, Any]) -> None:
        """Look for secrets in the variables."""
        self.redactor.refresh(namespace)

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()


class StepSink:
    """Outputs of one step on their way to the record; knows the place of each, as the fold will number them."""

    def __init__(self, recorder: Recorder, step: str) -> None:
        self._recorder, self._step = recorder, step
        self.outputs: list[dict[str, Any]] = []

    def add(self, output: dict[str, Any], index: int | None = None) -> int:
        """Append an output or replace one; see ``Sink.add``."""
        if output["output_type"] != "stream":  # those are bounded where they are captured
            output = cut_output(output)
        self._recorder.emit(OutputAdded(step=self._step, output=output, index=index))
        outputs = self.outputs
        if index is not None and index < len(outputs):
            outputs[index] = output
            return index
        if _continues(outputs, output):
            outputs[-1] = {**output, "text": outputs[-1]["text"] + output["text"]}
        else:
            outputs.append(output)
        return len(outputs) - 1

    def clear(self) -> None:
        """Forget the outputs so far."""
        self._recorder.emit(OutputsCleared(step=self._step))
        self.outputs.clear()


def _enlist(listeners: list[Listener], listener: Listener) -> Callable[[], None]:
    listeners.append(listener)
    return lambda: listeners.remove(listener) if listener in listeners else None


def _continues(outputs: list[dict[str, Any]], output: dict[str, Any]) -> bool:
    return bool(
        outputs
        and output["output_type"] == outputs[-1]["output_type"] == "stream"
        and output["name"] == outputs[-1]["name"]
    )
