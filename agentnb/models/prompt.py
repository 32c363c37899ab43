"""From our messages to smolagents' messages."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from agentnb._smolagents import import_smolagents
from agentnb.models.port import Message

_SEES = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-5|\bo[34](-|$)(?!mini-2025-01)|claude|gemini|pixtral|llava|vision|[-_]vl\b|gemma-?3|"
    r"llama-?4|mistral-(small-3|medium-3)",
    re.IGNORECASE,
)
_BLIND = re.compile(r"gpt-3\.5|o1-mini|o3-mini|deepseek|coder|code-?llama|gpt-oss|phi-?[34]-mini", re.IGNORECASE)


def can_see(model: Any) -> bool | None:
    """Tell whether images may go to ``model``; None where nothing is known about it."""
    vlm = getattr(model, "_is_vlm", None)
    if isinstance(vlm, bool):
        return vlm
    if getattr(model, "flatten_messages_as_text", False):
        return False
    model_id = str(getattr(model, "model_id", ""))
    if _BLIND.search(model_id):
        return False
    return True if _SEES.search(model_id) else None


def alternate(messages: Sequence[Message]) -> list[Message]:
    """Join neighbours of the same role, since many chat templates want roles to alternate."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            before = joined.pop()
            message = Message(before.role, f"{before.text}\n\n{message.text}", before.images + message.images)
        joined.append(message)
    return joined


def render(messages: Sequence[Message], *, images: bool) -> list[Any]:
    """Return smolagents ``ChatMessage``s, contents as lists of parts: one of text, then the images if ``images``."""
    smolagents = import_smolagents()
    rendered = []
    for message in alternate(messages):
        parts: list[dict[str, Any]] = [{"type": "text", "text": message.text}]
        if images:
            parts += [{"type": "image", "image": _decode(png)} for png in message.images]
        rendered.append(smolagents.ChatMessage(role=smolagents.MessageRole(message.role), content=parts))
    return rendered


def text_of(content: Any) -> str:
    """Return the text of a reply's content: a string, a list of parts, or nothing."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") if isinstance(part, dict) else str(part) for part in content)
    return "" if content is None else str(content)


def _decode(png: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(png))
