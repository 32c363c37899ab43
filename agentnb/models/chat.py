"""A conversation with a smolagents model, from the event loop."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from agentnb.errors import PermanentModelError, TransientModelError
from agentnb.models.call import Call
from agentnb.models.classify import Rejected, classify
from agentnb.models.port import Message, Reply, Retry
from agentnb.models.prices import price_of
from agentnb.models.prompt import can_see, render, text_of
from agentnb.models.providers import endpoint
from agentnb.models.resolve import Model, stall_seconds
from agentnb.models.retry import with_retries
from agentnb.models.watch import Watch, watching
from agentnb.record.document import Usage

_CHARS_PER_TOKEN = 4
_TOKENS_PER_IMAGE = 1000
_WHOLE_REPLY = 5  # a reply that comes in one piece may take this many times the silence allowed in a stream
_local_models: weakref.WeakKeyDictionary[Any, threading.Lock] = weakref.WeakKeyDictionary()


class ModelChat:
    """``Chat`` over a smolagents ``Model``, or whatever has its ``generate``. Keeps nothing of what is said.

    ``stall`` is the longest silence in seconds within a stream, by default ``stall_seconds()`` (five times that for a
    reply in one piece), ``cap`` the seconds within which a failed call is tried again, ``first_wait`` the first wait's
    upper bound.

    No stop sequence is sent: providers that honour one leave the closing ``</code>`` out, the newer OpenAI models
    refuse it, and it would cut code that has ``</code>`` in a string. Instead a stream is closed when the model goes on
    after a line that is ``</code>`` alone, which costs no more and works with every model that streams.
    """

    def __init__(self, model: Model, *, stall: float | None = None, cap: float = 60.0, first_wait: float = 0.5) -> None:
        self._model = model
        self._who = endpoint(model)
        self.model_id = str(self._who)
        self.price = price_of(model)
        self._stall = stall_seconds() if stall is None else stall
        self._cap = cap
        self._first_wait = first_wait
        self._images = can_see(model) is not False
        self._streams = _streams(model)

    async def ask(
        self,
        messages: Sequence[Message],
        *,
        on_text: Callable[[str], None],
        on_retry: Callable[[Retry], None],
    ) -> Reply:
        """Send the prompt and return the reply, see ``Chat.ask``."""

        async def once() -> Reply:
            while True:
                try:
                    return await self._once(messages, on_text)
                except Rejected as error:
                    if not self._concede(error, messages):
                        raise

        return await with_retries(once, cap=self._cap, on_retry=on_retry, first_wait=self._first_wait)

    async def _once(self, messages: Sequence[Message], on_text: Callable[[str], None]) -> Reply:
        call = Call[Reply](lambda call: self._work(messages, call))
        try:
            return await call.run(on_text)
        except Exception as exc:
            error = classify(exc, self._who)
            if error is exc:
                raise
            # a fault in the person's own model class keeps its traceback; a provider's may show a key
            raise error from (exc if type(error) is PermanentModelError and not hasattr(exc, "response") else None)

    def _concede(self, error: Rejected, messages: Sequence[Message]) -> bool:
        """Give up, for good, what the endpoint seems not to take; False where there is nothing to give up."""
        if self._streams and "stream" in error.detail.lower():
            self._streams = False
            return True
        about_images = any(word in error.detail.lower() for word in ("image", "vision", "multimodal", "multi-modal"))
        if self._images and any(message.images for message in messages) and (error.status == 400 or about_images):
            self._images = False
            return True
        return False

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _work(self, messages: Sequence[Message], call: Call[Reply]) -> Reply:
        prompt = render(messages, images=self._images)
        with _turn(self._model), watching(self._model) as watch:
            call.begin(self._stall if self._streams else self._stall * _WHOLE_REPLY)
            if self._streams:
                text, counted = self._stream(prompt, watch, call)
            else:
                text, counted = self._whole(prompt, watch)
                call.send(text)
        usage = self._usage(messages, text, watch, counted)
        if self.price is not None:
            cached, stored = usage.cached_tokens, watch.stored()
            usage.cost = self.price.cost(usage.input_tokens, usage.output_tokens, cached=cached, stored=stored)
        return Reply(text, usage, cut=watch.truncated or self._at_limit(usage))

    def _stream(self, prompt: list[Any], watch: Watch, call: Call[Reply]) -> tuple[str, tuple[int, int] | None]:
        end = ReplyEnd()
        counted: tuple[int, int] | None = None
        deltas = self._model.generate_stream(prompt)  # type: ignore[attr-defined]
        try:
            for delta in deltas:
                counted = _add(counted, delta.token_usage)
                piece = end.feed(delta.content or "")
                if end.over:
                    return end.text, None  # the counts would have come at the end
                call.send(piece)
        finally:
            deltas.close()
        if watch.streamed and watch.finish is None:
            raise TransientModelError(f"the reply of {self._who} broke off before its end")
        if watch.finish == "error":
            raise TransientModelError(f"{self._who} failed while it answered")
        return end.text, counted

    def _whole(self, prompt: list[Any], watch: Watch) -> tuple[str, tuple[int, int] | None]:
        message = self._model.generate(prompt)
        watch.note(getattr(message, "raw", None))
        return text_of(getattr(message, "content", message)), _add(None, getattr(message, "token_usage", None))

    def _usage(self, messages: Sequence[Message], text: str, watch: Watch, counted: tuple[int, int] | None) -> Usage:
        # the provider's last count goes first: some repeat the running total in every event, which smolagents adds up
        counts = watch.counts() or counted
        if counts is not None:
            return Usage(input_tokens=counts[0], output_tokens=counts[1], cached_tokens=watch.cached(), calls=1)
        images = sum(len(message.images) for message in messages) if self._images else 0
        sent = sum(len(message.text) for message in messages) // _CHARS_PER_TOKEN + images * _TOKENS_PER_IMAGE
        return Usage(input_tokens=sent, output_tokens=-(-len(text) // _CHARS_PER_TOKEN), calls=1, estimated=True)

    def _at_limit(self, usage: Usage) -> bool:
        """Whether the reply is as long as the model may say, for models that give no finish reason."""
        options = getattr(self._model, "kwargs", None)
        if not isinstance(options, dict) or usage.estimated:
            return False
        limits = [options.get(name) for name in ("max_tokens", "max_new_tokens", "max_completion_tokens")]
        return any(isinstance(limit, int) and 0 < limit <= usage.output_tokens for limit in limits)


class ReplyEnd:
    """Finds where a streamed reply is over: ``over`` turns true when text follows the line that closes its code."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._line = ""
        self._opened = False
        self._closed = False
        self.over = False

    @property
    def text(self) -> str:
        """The reply so far; up to its code's end where it is over."""
        return "".join(self._pieces)

    def feed(self, piece: str) -> str:
        """Take the next piece and return what of it belongs to the reply."""
        kept = 0
        for line in re.findall(r"[^\n]*\n|[^\n]+", piece):
            if self._closed and line.strip():
                self.over = True
                break
            kept += len(line)
            self._line += line
            if self._line.endswith("\n"):
                self._end_line()
        self._pieces.append(piece[:kept])
        return piece[:kept]

    def _end_line(self) -> None:
        if self._opened and self._line.strip() == "</code>":
            self._closed = True
        elif "<code>" in self._line:
            self._opened = True
        self._line = ""


def _add(counted: tuple[int, int] | None, usage: Any) -> tuple[int, int] | None:
    if usage is None:
        return counted
    before = counted or (0, 0)
    return before[0] + usage.input_tokens, before[1] + usage.output_tokens


def _streams(model: Any) -> bool:
    """Whether to stream from ``model``.

    Not where its class overrides ``generate`` alone, since streaming would pass the override by; and not from a
    ``TransformersModel``, whose one ``streamer`` all calls share, and which waits for ever when its thread fails.
    """
    if not callable(getattr(model, "generate_stream", None)) or hasattr(model, "streamer"):
        return False
    mro = type(model).__mro__
    whole = next((index for index, cls in enumerate(mro) if "generate" in vars(cls)), 0)
    stream = next((index for index, cls in enumerate(mro) if "generate_stream" in vars(cls)), 0)
    return stream <= whole


def _turn(model: Any) -> AbstractContextManager[Any]:
    """Return a lock for a model that computes in this process, which takes one call at a time."""
    if not hasattr(model, "streamer"):
        return nullcontext()
    return _local_models.setdefault(model, threading.Lock())
