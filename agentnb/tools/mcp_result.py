"""From a server's answer to an object that code can work with."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp.types import CallToolResult


def value_of(result: CallToolResult, *, wrapped: bool) -> Any:
    """Return the structured content where there is some (its only value where it is ``wrapped``).

    Otherwise the text; images as ``PIL.Image``; other binary content as bytes; a list where there are several of
    these. An answer without content is the empty text.
    """
    structured = getattr(result, "structuredContent", None)  # mcp before 1.10 has none
    if structured is not None:
        return structured["result"] if wrapped and set(structured) == {"result"} else structured
    text = text_content(result)
    others = [item for item in map(_binary, result.content) if item is not None]
    values = ([text] if text or not others else []) + others
    return values[0] if len(values) == 1 else values


def text_content(result: CallToolResult) -> str:
    """Return all the text of an answer, its parts on lines of their own."""
    return "\n".join(text for text in map(_text, result.content) if text is not None)


def _text(item: Any) -> str | None:
    if item.type == "text":
        return str(item.text)
    if item.type == "resource":
        return getattr(item.resource, "text", None)
    return str(item.uri) if item.type == "resource_link" else None


def _binary(item: Any) -> Any:
    if item.type == "image":
        return _image(base64.b64decode(item.data))
    if item.type == "audio":
        return base64.b64decode(item.data)
    blob = getattr(item.resource, "blob", None) if item.type == "resource" else None
    return None if blob is None else base64.b64decode(blob)


def _image(data: bytes) -> Any:
    try:
        from PIL import Image

        return Image.open(io.BytesIO(data))
    except Exception:  # no pillow, or no image that it knows
        return data
