"""One output of a cell, in nbformat's form, as HTML that can do nothing: drawn as the notebook would draw it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentnb.record.document import Error
from agentnb.views.safe_html import clean, escape, is_empty, markdown, terminal

_PICTURES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif")


@dataclass(frozen=True)
class Limits:
    """How much of one output is shown: ``text`` in characters, ``picture`` in characters of base64."""

    text: int = 20_000
    picture: int = 4_000_000


def output_html(output: Mapping[str, Any], limits: Limits) -> str:
    """Draw one output (stream, display_data, execute_result or error); what is malformed is shown as text."""
    kind = output.get("output_type")
    if kind == "stream":
        extra = " anb-stderr" if output.get("name") == "stderr" else ""
        return f'<pre class="anb-stream{extra}">{terminal(cut(joined(output.get("text")), limits.text))}</pre>'
    if kind == "error":
        lines = output.get("traceback")
        return error_html(
            Error(
                name=str(output.get("ename", "Error")),
                message=str(output.get("evalue", "")),
                traceback=[str(line) for line in lines] if isinstance(lines, list) else [],
            ),
            limits,
        )
    data = output.get("data")
    return bundle_html(data, limits) if isinstance(data, Mapping) else ""


def bundle_html(data: Mapping[str, Any], limits: Limits) -> str:
    """Draw the richest form of a MIME bundle that is safe and not too large; empty for an empty bundle."""
    shown = _html(data, limits) or _picture(data, limits) or _markdown(data, limits)
    if shown:
        return shown
    for mime in ("text/latex", "text/plain", "application/json"):
        if mime in data:
            return f"<pre>{terminal(cut(joined(data[mime]), limits.text))}</pre>"
    if any(mime in data for mime in (*_PICTURES, "text/html")):
        return '<p class="anb-left">(too large to be shown here)</p>'
    names = ", ".join(str(mime) for mime in data)
    return f'<p class="anb-left">({escape(names)})</p>' if names else ""


def error_html(error: Error, limits: Limits) -> str:
    """Draw an error: its class and message, the traceback folded below."""
    head = f"<b>{escape(error.name)}</b>" + (f": {terminal(cut(error.message, 2_000))}" if error.message else "")
    if not error.traceback:
        return f'<div class="anb-error">{head}</div>'
    lines = terminal(cut("\n".join(error.traceback), limits.text))
    return (
        f'<details class="anb-error"><summary><span class="anb-say">{head}</span></summary><pre>{lines}</pre></details>'
    )


def cut(text: str, limit: int) -> str:
    """Keep head and tail of ``text``, with the count of what was left out between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"


def joined(value: Any) -> str:
    """Give the text of a bundle's value: nbformat allows a list of lines, JSON stays JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _html(data: Mapping[str, Any], limits: Limits) -> str:
    source = joined(data.get("text/html"))
    if not source or len(source) > max(limits.text * 10, limits.picture if "data:image" in source else 0):
        return ""
    cleaned = clean(source)
    return "" if is_empty(cleaned) else cleaned


def _markdown(data: Mapping[str, Any], limits: Limits) -> str:
    source = joined(data.get("text/markdown"))
    return markdown(cut(source, limits.text)) if source else ""


def _picture(data: Mapping[str, Any], limits: Limits) -> str:
    words = escape(cut(joined(data.get("text/plain")), 200) or "picture")
    for mime in _PICTURES:
        source = joined(data.get(mime))
        if not source:
            continue
        if len(source) > limits.picture:
            return f'<p class="anb-left">{words} (picture of {len(source) * 3 // 4000:,} kB, not shown here)</p>'
        encoded = (
            base64.b64encode(source.encode("utf-8", "replace")).decode() if mime == "image/svg+xml" else _base64(source)
        )
        if encoded:
            return f'<img src="data:{mime};base64,{encoded}" alt="{words}">'
    return ""


def _base64(source: str) -> str:
    """Give ``source`` in one line if it is base64 at all, so that nothing else gets into the attribute."""
    try:
        return base64.b64encode(base64.b64decode("".join(source.split()), validate=True)).decode()
    except (binascii.Error, ValueError):
        return ""
