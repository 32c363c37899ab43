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

from agentnb.record.document import FINAL, RunRecord
from agentnb.record.events import (
    AnyEvent,
    Noted,
    OutputAdded,
    OutputsCleared,
    ReplyDelta,
    ReplyEnded,
    RunEnded,
    StepEnded,
    TaskAdded,
    TaskChanged,
)
from agentnb.record.fold import Folder
from agentnb.record.journal import Journal
from agentnb.record.limits import cut_output
from agentnb.record.logs import redacted_log
from agentnb.record.redact import Redactor

logger = logging.getLogger("agentnb")

Listener = Callable[[AnyEvent, RunRecord], None]


_TELLING = (OutputAdded, StepEnded, TaskAdded, TaskChanged, RunEnded)
"""Events that hold what code made."""


class Recorder:
    """One run's events on their way into its record.

    Events may come from any thread, for agents' code prints in threads of its own. Made on the run's loop, where its
    listeners are called.
    """

    def __init__(self, redactor: Redactor, journal: Journal | None = None) -> None:
        self._folder = Folder()
        self.redactor = redactor
        redacted_log.knows(redactor)
        self._journal = journal
        self._lock = threading.RLock()
        self._taps: list[Listener] = []
        self._listeners: list[Listener] = []
        self._untold: deque[AnyEvent] = deque()
        self._telling = False
        self._namespaces: list[dict[str, Any]] = []
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
            self._look_for_secrets(event)
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

    def _look_for_secrets(self, event: AnyEvent) -> None:
        """Code may have made a secret just now that it prints."""
        if isinstance(event, ReplyEnded) and event.code:
            self.redactor.read_code(event.code)
        elif isinstance(event, _TELLING):
            self.redactor.refresh(*self._namespaces)

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

    def emit_late(self, event: AnyEvent) -> None:
        """Take in what happened to a run that may have ended: its journal is opened again for it."""
        journal = self._journal
        if journal is None or self.record.status not in FINAL:
            self.emit(event)
            return
        late = journal.again()
        self._journal = late
        try:
            self.emit(event)
        finally:
            self._journal = journal
            if late is not None:
                late.close()

    def redact(self, text: str) -> str:
        """Take the secrets out of a text on its way to a model."""
        return self.redactor.redact(text)

    def keep(self, journal: Journal | None) -> None:
        """Write the events from now on to ``journal``."""
        self._journal = journal

    def watch(self, namespace: dict[str, Any]) -> None:
        """Look for secrets in these variables, now and whenever code may have told one."""
        if not any(known is namespace for known in self._namespaces):
            self._namespaces.append(namespace)
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

    def note(self, text: str) -> None:
        """Remark something on the step; see ``Sink.note``."""
        self._recorder.emit(Noted(step=self._step, text=text))

    def late(self, output: dict[str, Any]) -> str:
        """Add what was printed after the action's end while the run lasts; see ``Sink.late``."""
        if self._recorder.record.status in FINAL:
            return self._recorder.redact(output["text"])
        self._recorder.emit(OutputAdded(step=self._step, output=output))
        return ""


def _enlist(listeners: list[Listener], listener: Listener) -> Callable[[], None]:
    listeners.append(listener)
    return lambda: listeners.remove(listener) if listener in listeners else None


def _continues(outputs: list[dict[str, Any]], output: dict[str, Any]) -> bool:
    return bool(
        outputs
        and output["output_type"] == outputs[-1]["output_type"] == "stream"
        and output["name"] == outputs[-1]["name"]
    )
