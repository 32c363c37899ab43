"""The port behind which replies come: a conversation with one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agentnb.models.prices import Price
from agentnb.record.document import Usage


@dataclass(frozen=True)
class Message:
    """One message of a prompt. ``images`` are PNG files as bytes; they go to models that can see."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[bytes, ...] = ()


@dataclass
class Reply:
    """What the model said. ``cut`` tells that it was truncated (length limit), so its code must not run."""

    text: str
    usage: Usage = field(default_factory=Usage)
    cut: bool = False


@dataclass(frozen=True)
class Retry:
    """A call that is tried again in ``wait`` seconds; ``reason`` is for the person."""

    reason: str
    wait: float
    attempt: int


class Chat(Protocol):
    """A conversation with one model. Called on the event loop, waits elsewhere. ``price`` is None where unknown."""

    model_id: str
    price: Price | None

    async def ask(
        self,
        messages: Sequence[Message],
        *,
        on_text: Callable[[str], None],
        on_retry: Callable[[Retry], None],
    ) -> Reply:
        """Send the prompt, stream the reply's text to ``on_text``, and return the whole.

        A retried call streams again from the start, after ``on_retry``. Cancelling the awaiting task returns at once
        and abandons the request. Raises ``PermanentModelError``, ``TransientModelError`` (when the tries are used
        up), or ``ContextOverflow``.
        """
