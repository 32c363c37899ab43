"""Short literals of small values, and names behind which a secret is likely."""

from __future__ import annotations

import re
from types import NoneType
from typing import Any

_CREDENTIAL = re.compile(
    r"(^|_)(api_?keys?|secrets?|secret_?keys?|access_?keys?|private_?keys?|tokens?|auth|authorization|bearer|"
    r"pass(word|wd|phrase)?s?|pwd|credentials?|dsn|connection_?string)(_|\d*$)",
    re.IGNORECASE,
)


def looks_like_credential(name: str) -> bool:
    """Whether a variable or key of this name is likely to hold a secret: ``api_key``, ``authToken``."""
    return bool(_CREDENTIAL.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|-", "_", name)))


def atom(value: Any) -> str | None:
    """Return the short literal of a small builtin value, None for anything else."""
    cls = type(value)
    if cls is str:
        return repr(value) if len(value) <= 24 else repr(value[:20]) + "…"
    if cls in (bool, float, complex, NoneType) or (cls is int and value.bit_length() <= 64):
        return repr(value)
    return None


def ellipsis(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
