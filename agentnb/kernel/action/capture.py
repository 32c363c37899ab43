"""What an action prints and displays, as nbformat outputs on their way to a sink."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentnb.kernel.action.interrupt import masked
from agentnb.kernel.port import Sink

FLUSH_AT = 8_000
"""Characters of text that are held back at most: 200,000 short prints become some dozens of outputs."""
FLUSH_AFTER = 0.1
"""Seconds for which text is held back at most, while someone calls ``flush_held`` or the code goes on printing."""
LATE = "[late] "
"""Marks lines that were printed after their action's end."""
STREAM_LIMIT = 100_000
"""Characters of one stream of one action that are passed on; the rest is counted."""


class Outlet:
    """A sink that clears late: ``clear_output(wait=True)`` takes effect when the next output comes, of any kind.

    Outputs may come from any thread, one at a time gets through; no signal tears one on its way.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._clear_next = False
        self._lock = threading.RLock()

    def add(self, output: dict[str, Any], index: int | None = None) -> int:
        """Pass an output on; see ``Sink.add``."""
        with masked, self._lock:
            if self._clear_next:
                self.clear()
                index = None
            return self._sink.add(output, index)

    def clear(self, wait: bool = False) -> None:
        """Forget the outputs so far, at once or when the next one comes."""
        with masked, self._lock:
            self._clear_next = wait
            if not wait:
                self._sink.clear()

    def note(self, text: str) -> None:
        """Pass a remark on; see ``Sink.note``."""
        with masked, self._lock:
            self._sink.note(text)

    def late(self, output: dict[str, Any]) -> str:
        """Pass on what comes after the end; see ``Sink.late``."""
        with masked, self._lock:
            return self._sink.late(output)


_open: set[Stream] = set()
"""The streams of the actions under way."""


def flush_held() -> None:
    """Pass on what actions printed ``FLUSH_AFTER`` ago or earlier; for another thread, while their code is busy."""
    before = time.perf_counter() - FLUSH_AFTER
    for stream in list(_open):
        if stream.held_since < before:
            stream.flush()


class Stream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of one action.

    Code may keep it (a logging handler does), and threads that it started may go on printing: what comes after the
    action's end is marked as late, and goes to the step while the run lasts and to the process' stream after it.
    """

    encoding = "utf-8"

    def __init__(self, name: str, sink: Sink, lock: threading.RLock) -> None:
        super().__init__()
        self._name, self._sink, self._lock = name, sink, lock
        self._other: Stream | None = None
        self._parts: deque[str] = deque()
        self._held = 0
        self._passed = 0
        self._tail = ""
        self._ended = False
        self._late = ""
        self.held_since = float("inf")
        self.dropped = 0
        _open.add(self)

    def writable(self) -> bool:
        """Return True, as for every text stream one can print to."""
        return True

    def write(self, text: str) -> int:
        """Hold the text back until there is enough of it, it is old enough or something else is put out."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        own = _owner()
        if own is not None and own is not self and own._name == self._name:  # a thread of another action's
            return own.write(text)
        if self._ended:
            return self._write_late(text)
        other = self._other
        if other is not None and other._parts:
            other.flush()  # keep the order between the two streams
        now = time.perf_counter()
        self._parts.append(text)
        if self.held_since > now:
            self.held_since = now
        self._held += len(text)
        if self._held >= FLUSH_AT or now - self.held_since >= FLUSH_AFTER:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Pass on what is held back."""
        if not self._parts:
            return
        with masked, self._lock:
            self.held_since = float("inf")
            self._held = 0
            head = self._bounded(self._taken())
            if head:
                self._sink.add({"output_type": "stream", "name": self._name, "text": head})

    def _taken(self) -> str:
        """Take what is held back, piece by piece: another thread may be writing."""
        taken = []
        while self._parts:
            taken.append(self._parts.popleft())
        return "".join(taken)

    def _bounded(self, text: str) -> str:
        """Return the beginning of ``text`` for which there is room; of what came later, keep the end."""
        room = STREAM_LIMIT - self._passed
        head, rest = text[:room], text[room:]
        self._passed += len(head)
        if rest:
            kept = (self._tail + rest)[-FLUSH_AT:]
            self.dropped += len(self._tail) + len(rest) - len(kept)
            self._tail = kept
        return head

    def finish(self) -> None:
        """Flush, and where text was left out say how much and show the end of it."""
        self.flush()
        with masked, self._lock:
            self._ended = True
            self._other = None  # so that both go with the action, which a cycle would keep until some collection
            _open.discard(self)
            if self._tail:
                text = f"\n[… {self.dropped:,} characters left out …]\n{self._tail}" if self.dropped else self._tail
                self._sink.add({"output_type": "stream", "name": self._name, "text": text})
                self._tail = ""

    def forget(self) -> None:
        """Drop what is held back and begin anew: the outputs were cleared."""
        with masked, self._lock:
            self._parts.clear()
            self._held = self._passed = self.dropped = 0
            self.held_since = float("inf")
            self._tail = ""

    def _write_late(self, text: str) -> int:
        """Pass whole lines on, each marked; beyond the limit of the stream they are let go."""
        with masked, self._lock:
            lines = (self._late + text).splitlines(keepends=True)
            self._late = lines.pop() if lines and not lines[-1].endswith("\n") else ""
            marked = "".join(f"{LATE}{line}" for line in lines)
            if not marked or self._passed + len(marked) > STREAM_LIMIT:
                return len(text)
            self._passed += len(marked)
            left = self._sink.late({"output_type": "stream", "name": self._name, "text": marked})
        current = getattr(sys, self._name)
        if left and current is not None and not isinstance(current, Stream):
            current.write(left)
        return len(text)


_owned: dict[int, tuple[threading.Thread, Stream]] = {}
"""The stdout of the action that started a thread, by the thread's number, which a later thread may have again."""


def claim(threads: Iterable[threading.Thread], stream: Stream) -> None:
    """Take what these threads print to be the action's whose stdout is ``stream``, also after its end."""
    for gone in [ident for ident, (thread, _) in _owned.items() if not thread.is_alive()]:
        del _owned[gone]
    _owned.update({thread.ident: (thread, stream) for thread in threads if thread.ident is not None})


def _owner() -> Stream | None:
    """Return the stdout of the action that started this thread."""
    thread, stream = _owned.get(threading.get_ident(), (None, None))
    return stream if thread is not None and thread.is_alive() else None


def print_to_owner(*values: Any, file: Any = None, **options: Any) -> None:
    """Print as ``print`` does; in a thread that an action started, to that action's stdout."""
    print(*values, file=(_owner() or sys.stdout) if file is None else file, **options)


def stream_pair(sink: Sink) -> tuple[Stream, Stream]:
    """Return stdout and stderr for an action, which keep the order between them."""
    lock = threading.RLock()
    out, err = Stream("stdout", sink, lock), Stream("stderr", sink, lock)
    out._other, err._other = err, out
    return out, err


class Publisher:
    """Stands in for the shell's ``display_pub`` while an action's code is on the stack."""

    def __init__(self, sink: Outlet, streams: tuple[Stream, Stream], original: Any) -> None:
        self._sink, self._streams, self._original = sink, streams, original
        self._places: dict[str, list[int]] = {}
        self.is_publishing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: Any = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        """Take a MIME bundle; ``update`` puts it where its display id was shown before."""
        for stream in self._streams:
            stream.flush()
        output = {"output_type": "display_data", "data": encoded(data), "metadata": metadata or {}}
        display_id = (transient or {}).get("display_id")
        if update and display_id is not None:
            for index in self._places.get(display_id, []):
                self._sink.add(output, index)
            return
        place = self._sink.add(output)
        if display_id is not None:
            self._places.setdefault(display_id, []).append(place)

    def clear_output(self, wait: bool = False) -> None:
        """Forget this action's outputs, at once or when the next one comes."""
        for stream in self._streams:
            if wait:
                stream.flush()
            stream.forget()
        self._places.clear()
        self._sink.clear(wait)


def bundle_of(shell: InteractiveShell, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an object's MIME bundle and its metadata, as the shell formats them."""
    formatter: Any = shell.display_formatter
    data, metadata = formatter.format(value)
    return data, metadata


def value_output(shell: InteractiveShell, value: Any) -> dict[str, Any]:
    """Return an ``execute_result`` output for the value of a cell's closing expression."""
    data, metadata = bundle_of(shell, value)
    return {"output_type": "execute_result", "execution_count": None, "data": encoded(data), "metadata": metadata}


def encoded(data: dict[str, Any]) -> dict[str, Any]:
    """Binary representations as base64 text, as nbformat wants them."""
    from base64 import b64encode

    return {
        mime: b64encode(value).decode("ascii") if isinstance(value, bytes) else value for mime, value in data.items()
    }
