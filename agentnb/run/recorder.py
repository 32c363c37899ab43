"""All that happens goes through here: numbered, redacted, journaled, folded into the record, told to the views."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
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
    """One run's events on their way into its record. Used on the event loop only."""

    def __init__(self, redactor: Redactor, journal: Journal | None = None) -> None:
        self._folder = Folder()
        self.redactor = redactor
        self._journal = journal
        self._listeners: list[Listener] = []
        self._seq = 0
        self._started = time.perf_counter()

    @property
    def record(self) -> RunRecord:
        """The record as it stands."""
        return self._folder.record

    @property
    def now(self) -> float:
        """Seconds since the run's start."""
        return time.perf_counter() - self._started

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after every event; return the function that ends this. A view's fault stops no run."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def emit(self, event: AnyEvent) -> None:
        """Take in what happened. Secrets are out before anything else sees the event."""
        event = self.redactor.redact_event(event)
        event.seq, event.at = self._seq, self.now
        self._seq += 1
        if self._journal is not None and not isinstance(event, ReplyDelta):
            self._journal.append(event)
        self._folder.apply(event)
        for listener in list(self._listeners):
            try:
                listener(event, self.record)
            except Exception:
                logger.exception("a view of the run failed; the run goes on")

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


def _continues(outputs: list[dict[str, Any]], output: dict[str, Any]) -> bool:
    return bool(
        outputs
        and output["output_type"] == outputs[-1]["output_type"] == "stream"
        and output["name"] == outputs[-1]["name"]
    )
