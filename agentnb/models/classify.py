"""What a failed model call was: worth another try, not worth one, or too long a prompt.

The exceptions of openai, httpx, huggingface_hub, litellm, requests and botocore are told apart by what they carry
(a status, headers, names in their chain of causes), so that none of these packages need be imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from agentnb.errors import ContextOverflow, ModelError, PermanentModelError, TransientModelError
from agentnb.models.providers import Endpoint, key_names

_CHOOSE = "choose another with `%agents model ID`"
_TRANSIENT = frozenset({408, 409, 425, 429})
_OVERFLOW = re.compile(
    r"context_length_exceeded|maximum context length|context (window|size|length) (of|is|exceeded|limit)|"
    r"exceeds? the (available |model'?s? |maximum )*context|prompt is too long|input is too long|"
    r"ContextWindowExceeded|reduce the length of the messages|input token count .{0,40}exceeds",
    re.IGNORECASE,
)
_TOO_MANY = re.compile(r"too many (input |prompt )?tokens", re.IGNORECASE)
_PACED = re.compile(r"rate.?limit|per (min|day|sec)|please wait|throttl", re.IGNORECASE)
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|credit balance|billing", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"^(ConnectError|ConnectTimeout|ConnectionRefusedError|gaierror|NameResolutionError|NewConnectionError|"
    r"ConnectTimeoutError)$"
)
_MISADDRESSED = frozenset({"UnsupportedProtocol", "InvalidURL", "LocalProtocolError", "MissingSchema", "InvalidSchema"})
_NETWORK_MODULES = frozenset({"httpx", "httpx2", "httpcore", "requests", "urllib3", "aiohttp", "ssl", "http"})
_KEY = re.compile(r"\b(sk|pk|hf|gsk|xai|key|AIza|r8)[-_][\w*.\-]{6,}|Bearer\s+\S+")


class Unreachable(TransientModelError):
    """Nobody answered at the address: connection refused, or no such host. Tried three times at most."""


class Rejected(PermanentModelError):
    """The endpoint understood the request and refused it (400, 404, 413, 415, 422); ``detail`` is what it said."""

    def __init__(self, message: str, *, status: int, detail: str) -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


def classify(exc: BaseException, who: Endpoint | None = None) -> ModelError:
    """Return what ``exc`` means for a call to ``who``, as an error with one sentence for the person.

    Keys never show in the sentence. An error that is a ``ModelError`` already is returned as it is.
    """
    if isinstance(exc, ModelError):
        return exc
    who = who or Endpoint("", "the model")
    status, detail = _status(exc), _detail(exc)
    text = f"{type(exc).__name__} {exc} {getattr(exc, 'body', '')}"
    if _is_overflow(status, text):
        return ContextOverflow(f"The prompt is longer than {who} can take: {detail}")
    names = {type(link).__name__ for link in _chain(exc)}
    if names & _MISADDRESSED:
        return PermanentModelError(f"The request to {who} could not be sent, check its address and key: {detail}")
    if any(_UNREACHABLE.match(name) for name in names):
        return Unreachable(f"{_place(who)} cannot be reached: {detail}")
    if status is not None:
        return _by_status(status, detail, text, exc, who)
    if any("Timeout" in name for name in names):
        return TransientModelError(f"{_place(who)} did not answer in time")
    if _is_network(exc):
        return TransientModelError(f"The connection to {_place(who)} broke: {detail}")
    if type(exc).__module__.partition(".")[0] in {"openai", "litellm", "huggingface_hub"}:
        return TransientModelError(f"{_place(who)} failed while it answered: {detail}")
    return PermanentModelError(f"{who} failed with {type(exc).__name__}: {detail}")


def _by_status(status: int, detail: str, text: str, exc: BaseException, who: Endpoint) -> ModelError:
    if status in (401, 403):
        mend = f"set {who.key} to a valid key in the environment that starts Jupyter" if who.key else "check its key"
        return PermanentModelError(f"{_place(who)} refused the key for {who} (HTTP {status}): {mend}, or {_CHOOSE}.")
    if status == 404:
        message = f"{_place(who)} knows no model {who.model_id!r} (HTTP 404): check the id, or {_CHOOSE}."
        return Rejected(message, status=status, detail=detail)
    if status == 402 or (status == 429 and _QUOTA.search(text)):
        return PermanentModelError(f"The quota at {_place(who)} is used up: {detail}")
    if status in _TRANSIENT or status >= 500:
        what = "is asked too often" if status == 429 else "is failing" if status >= 500 else "did not keep up"
        return TransientModelError(f"{_place(who)} {what} (HTTP {status})", retry_after=_retry_after(exc))
    return Rejected(f"{who} refused the request (HTTP {status}): {detail}", status=status, detail=detail)


def _place(who: Endpoint) -> str:
    return who.provider or who.model_id


def _is_overflow(status: int | None, text: str) -> bool:
    if _OVERFLOW.search(text):
        return True
    return bool(_TOO_MANY.search(text)) and not (status == 429 and _PACED.search(text))


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """Yield ``exc`` and what caused it, outermost first."""
    seen: set[int] = set()
    link: BaseException | None = exc
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _is_network(exc: BaseException) -> bool:
    return any(
        isinstance(link, ConnectionError | TimeoutError) or type(link).__module__.partition(".")[0] in _NETWORK_MODULES
        for link in _chain(exc)
    )


def _status(exc: BaseException) -> int | None:
    response = getattr(exc, "response", None)
    candidates = [getattr(exc, "status_code", None), getattr(response, "status_code", None)]
    if isinstance(response, Mapping):  # botocore
        candidates.append(response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    return next((status for status in candidates if isinstance(status, int) and status >= 400), None)


def _retry_after(exc: BaseException) -> float | None:
    """Return the wait in seconds that the server asked for: in milliseconds, in seconds or as an HTTP date."""
    headers = getattr(getattr(exc, "response", None), "headers", None) or getattr(exc, "headers", None) or {}
    return parse_retry_after(headers)


def parse_retry_after(headers: Any) -> float | None:
    """Read ``retry-after-ms`` and ``retry-after`` from a mapping of headers; None where there is neither."""
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds:
            return max(0.0, float(milliseconds) / 1000)
        return max(0.0, float(value)) if value else None
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(str(value))
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _detail(exc: BaseException) -> str:
    """Return what the provider said, in one line without keys."""
    body = getattr(exc, "body", None)
    said = body.get("message") if isinstance(body, Mapping) else None
    text = " ".join(str(said or getattr(exc, "message", None) or exc or type(exc).__name__).split())
    text = scrub(text)
    return text if len(text) <= 300 else f"{text[:300]}…"


def scrub(text: str) -> str:
    """Return ``text`` without keys: neither those of the environment nor what looks like one."""
    for name in key_names():
        value = os.environ.get(name, "")
        if len(value) >= 8:
            text = text.replace(value, "[key]")
    return _KEY.sub("[key]", text)
