"""Letters between a branch and the kernel: a kind, a few plain fields, and one parcel of objects at most."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentnb.kernel.action import guard
from agentnb.kernel.branch.travel import Parcel
from agentnb.kernel.fork import Message


class Link(Protocol):
    """A way by which letters leave, such as a ``Connection``."""

    def send(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Send a message; the descriptors stay open here. Raises ``OSError`` where the other side is gone."""


@dataclass(frozen=True)
class Letter:
    """``kind`` says what it is about; ``fields`` are of builtin types and those of the record only."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    parcel: Parcel | None = None

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


def send(link: Link, kind: str, parcel: Parcel | None = None, /, **fields: Any) -> None:
    """Send a letter; a parcel's memory is the receiver's afterwards. Raises ``OSError`` where nobody is there."""
    content = None if parcel is None else (parcel.data, parcel.spans, parcel.fd is not None)
    fds = [] if parcel is None or parcel.fd is None else [parcel.fd]
    try:
        with guard.lifted():  # a read-only action talks to the kernel too
            link.send(pickle.dumps((kind, fields, content), protocol=5), fds)
    finally:
        if parcel is not None:
            parcel.close()


def read(message: Message) -> Letter:
    """Return the letter that a message holds."""
    kind, fields, content = pickle.loads(message.data)
    if content is None:
        return Letter(kind, fields)
    data, spans, beside = content
    return Letter(kind, fields, Parcel(data, spans, message.fds[0] if beside else None))
