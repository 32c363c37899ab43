"""How a reply ended: what smolagents leaves out when it streams, seen where it calls the provider's client.

``generate_stream`` drops ``finish_reason`` and the cached tokens, and a stream that breaks off looks like one that
ended. All of smolagents' API models call their client through ``self.retryer``. So that attribute is replaced, once a
model, by one that looks on while a call of ours runs and does as before for everybody else's calls; ours it makes once,
since waits of minutes without a word (huggingface/smolagents 1.26 ``RETRY_WAIT``) are not to be had in a notebook.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_TRUNCATED = frozenset({"length", "max_tokens", "model_length", "max_output_tokens", "content_filter"})
_current: ContextVar[Watch | None] = ContextVar("agentnb_model_watch", default=None)
_installing = threading.Lock()


class Watch:
    """What one call showed.

    ``streamed`` tells that the provider's stream was seen; ``finish`` is its finish reason in lower case, None while
    there is none; ``usage`` the provider's last count of tokens, in its own form.
    """

    def __init__(self) -> None:
        self.streamed = False
        self.finish: str | None = None
        self.usage: Any = None

    @property
    def truncated(self) -> bool:
        """Whether the provider says that the reply is not whole."""
        return self.finish in _TRUNCATED

    def follow(self, stream: Any) -> Iterator[Any]:
        """Yield the events of the provider's stream and note what they tell; closes the stream at the end."""
        self.streamed = True
        try:
            for event in stream:
                self.note(event)
                yield event
            if getattr(stream, "received_finish_reason", "") is None:
                self.finish = None  # litellm makes up a "stop" for a stream that breaks off without one
        finally:
            close = getattr(stream, "close", None)
            if callable(close):
                close()

    def note(self, response: Any) -> None:
        """Note the finish reason and usage of a response or of one event of a stream."""
        usage = _get(response, "usage")
        self.usage = usage if usage else self.usage
        choices = _get(response, "choices")
        reason = _get(choices[0], "finish_reason") if isinstance(choices, list) and choices else None
        reason = reason or _get(response, "stop_reason") or _get(response, "stopReason")
        if isinstance(reason, str):
            self.finish = reason.lower()

    def counts(self) -> tuple[int, int] | None:
        """Return the input and output tokens as the provider counted them, or None."""
        counted = _number(self.usage, "prompt_tokens"), _number(self.usage, "completion_tokens")
        return counted if any(counted) else None

    def cached(self) -> int:
        """Return how many input tokens came from the provider's cache."""
        details = _get(self.usage, "prompt_tokens_details")
        return (
            _number(details, "cached_tokens")
            or _number(self.usage, "cache_read_input_tokens")
            or _number(self.usage, "prompt_cache_hit_tokens")
        )

    def stored(self) -> int:
        """Return how many input tokens the provider put into its cache, where it asks a price for that."""
        return _number(self.usage, "cache_creation_input_tokens")


@contextmanager
def watching(model: Any) -> Iterator[Watch]:
    """Watch the calls that ``model`` makes in this thread meanwhile."""
    _install(model)
    watch = Watch()
    token = _current.set(watch)
    try:
        yield watch
    finally:
        _current.reset(token)


class _Onlooker:
    """In the place of a model's ``retryer``."""

    def __init__(self, retryer: Callable[..., Any]) -> None:
        self._retryer = retryer

    def __call__(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        watch = _current.get()
        if watch is None:
            return self._retryer(call, *args, **kwargs)
        response = _without_retries(call)(*args, **kwargs)
        return watch.follow(response) if kwargs.get("stream") else response


def _install(model: Any) -> None:
    with _installing:
        retryer = getattr(model, "retryer", None)
        if callable(retryer) and not isinstance(retryer, _Onlooker):
            model.retryer = _Onlooker(retryer)


def _without_retries(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return the OpenAI client's ``chat.completions.create`` with the client's own silent retries off."""
    client = getattr(getattr(call, "__self__", None), "_client", None)
    if type(client).__module__.startswith("openai") and getattr(client, "max_retries", None):
        create: Callable[..., Any] = client.with_options(max_retries=0).chat.completions.create  # type: ignore[union-attr]
        return create
    return call


def _get(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _number(holder: Any, name: str) -> int:
    value = _get(holder, name)
    return value if isinstance(value, int) else 0
