"""Outputs in nbformat 4's form, and how to get one from something that is almost one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentnb.record.codec import to_plain

_SHOWN = frozenset({"display_data", "execute_result"})


def text_of(value: Any) -> str:
    """Return a multi-line string as nbformat allows it, a string or a list of its pieces, as one string."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "".join(piece if isinstance(piece, str) else str(to_plain(piece)) for piece in value)
    return "" if value is None else str(to_plain(value))


def is_text(mime: str) -> bool:
    """Tell whether data of this MIME type is text in a bundle, as opposed to a base64 image or JSON."""
    return mime.startswith("text/") or mime in ("image/svg+xml", "application/javascript")


def bundle_of(value: Any) -> dict[str, Any]:
    """Return a MIME bundle with string keys, its texts joined; empty where ``value`` is none."""
    if not isinstance(value, Mapping):
        return {}
    bundle = {str(mime): to_plain(data) for mime, data in value.items()}
    return {
        mime: data if mime.endswith("json") or isinstance(data, str) else text_of(data) for mime, data in bundle.items()
    }


def tidy(output: Any) -> dict[str, Any] | None:
    """Return ``output`` with every field of the type that nbformat says, or None where it cannot be an output."""
    if not isinstance(output, Mapping):
        return None
    kind = output.get("output_type")
    if kind == "stream":
        name = output.get("name")
        return {
            "output_type": "stream",
            "name": name if name in ("stdout", "stderr") else "stdout",
            "text": text_of(output.get("text")),
        }
    if kind == "error":
        return _tidy_error(output)
    if isinstance(kind, str) and kind in _SHOWN:
        return _tidy_shown(output, kind)
    return None


def _tidy_error(output: Mapping[str, Any]) -> dict[str, Any]:
    lines = output.get("traceback")
    return {
        "output_type": "error",
        "ename": text_of(output.get("ename")),
        "evalue": text_of(output.get("evalue")),
        "traceback": [text_of(line) for line in lines] if isinstance(lines, list | tuple) else [],
    }


def _tidy_shown(output: Mapping[str, Any], kind: str) -> dict[str, Any]:
    metadata = output.get("metadata")
    tidied: dict[str, Any] = {
        "output_type": kind,
        "data": bundle_of(output.get("data")),
        "metadata": to_plain(metadata) if isinstance(metadata, Mapping) else {},
    }
    if kind == "execute_result":
        count = output.get("execution_count")
        tidied["execution_count"] = count if type(count) is int else None
    return tidied
