"""A model that answers from a script, to test a team without a key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agentnb._smolagents import import_smolagents
from agentnb.errors import PermanentModelError

_smolagents = import_smolagents()
_PIECE = 16  # characters of a streamed piece

Script = Sequence[str | Exception] | Callable[[list[dict[str, Any]]], str]


class ScriptedModel(_smolagents.Model):  # type: ignore[name-defined, misc]
    r"""A smolagents ``Model`` that answers from a list or a function.

    ``replies`` are the replies in the order of the calls (an exception in the list is raised), or a function from the
    messages to a reply, which is what parallel agents need. The messages are dicts with ``role``, ``content`` (a
    string) and, where there are some, ``images`` (their number). ``latency`` is the wait before a reply, in seconds.

    ``calls`` holds the messages of each call so far. A call beyond the list's end raises an error with the last one.

    >>> model = ScriptedModel(["<code>\nfinal_answer(6 * 7)\n</code>"])
    """

    def __init__(self, replies: Script, *, latency: float = 0.0, model_id: str = "scripted") -> None:
        super().__init__(model_id=model_id)
        self.calls: list[list[dict[str, Any]]] = []
        self._replies = replies
        self._latency = latency
        self._lock = threading.Lock()

    def generate(self, messages: list[Any], *args: Any, **kwargs: Any) -> Any:
        """Return the next reply as a ``ChatMessage``."""
        return _smolagents.ChatMessage(role=_smolagents.MessageRole.ASSISTANT, content=self._answer(messages))

    def generate_stream(self, messages: list[Any], *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Yield the next reply in small pieces."""
        delta = _smolagents.models.ChatMessageStreamDelta
        text = self._answer(messages)
        for start in range(0, len(text), _PIECE):
            yield delta(content=text[start : start + _PIECE])

    def _answer(self, messages: list[Any]) -> str:
        plain = [_plain(message) for message in messages]
        with self._lock:
            number = len(self.calls)
            self.calls.append(plain)
        if self._latency:
            time.sleep(self._latency)
        if callable(self._replies):
            return self._replies(plain)
        if number >= len(self._replies):
            last = plain[-1]["content"] if plain else ""
            raise PermanentModelError(
                f"The scripted model {self.model_id!r} was called {number + 1} times but has {len(self._replies)} "
                f"replies; the last message was: {last[-500:]!r}"
            )
        reply = self._replies[number]
        if isinstance(reply, Exception):
            raise reply
        return reply


def _plain(message: Any) -> dict[str, Any]:
    if isinstance(message, dict):
        role, content = message["role"], message.get("content")
    else:
        role, content = message.role, message.content
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    plain: dict[str, Any] = {
        "role": str(getattr(role, "value", role)),
        "content": "\n".join(part["text"] for part in parts if part.get("type") == "text"),
    }
    images = sum(1 for part in parts if part.get("type") in {"image", "image_url"})
    return plain | ({"images": images} if images else {})
