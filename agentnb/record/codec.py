"""Events and records as JSON, which is valid whatever the outputs hold.

Notebook outputs come from any library, so they may hold NaN, lone surrogates, cycles or live objects. All of these
become strings here, once, so that no reader of a notebook ever meets them.
"""

from __future__ import annotations

import base64
import math
import numbers
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

import msgspec

from agentnb.errors import RecordError
from agentnb.record.document import RunRecord
from agentnb.record.events import AnyEvent

_DEEPEST = 100  # levels of nesting; readers with a recursion limit of their own must manage as well
_LONGEST_REPR = 1000  # characters
_LARGEST_INT = 2**64

_events = msgspec.json.Decoder(AnyEvent)


def to_dict(value: RunRecord | AnyEvent) -> dict[str, Any]:
    """Return the record or event as plain data that ``json.dumps(..., allow_nan=False)`` takes.

    Nothing in it is shared with ``value``, but strings. Raises nothing.
    """
    plain: dict[str, Any] = _Plain().struct(value)
    return plain


def encode(value: RunRecord | AnyEvent) -> bytes:
    """Return the record or event as one line of UTF-8 JSON. Raises nothing."""
    return msgspec.json.encode(to_dict(value))


def decode_event(data: bytes | str | Mapping[str, Any]) -> AnyEvent:
    """Read the event that ``encode`` or ``to_dict`` wrote. Raises ``RecordError`` where it is none."""
    try:
        event: AnyEvent = msgspec.convert(data, AnyEvent) if isinstance(data, Mapping) else _events.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RecordError(f"This is not an event of an agentnb run: {error}.") from error
    return event


def to_plain(value: Any) -> Any:
    """Return any object as JSON data: what JSON cannot hold becomes a string. Raises nothing."""
    return _Plain().any(value)


class _Plain:
    """One walk over an object; ``open`` holds the ids of the containers that the walk is inside of."""

    def __init__(self) -> None:
        self.open: set[int] = set()

    def any(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return _sound(value)
        if value is None or kind is bool:
            return value
        if kind is int:
            return value if -_LARGEST_INT < value < _LARGEST_INT else _shown(value)
        if kind is float:
            return value if math.isfinite(value) else str(value)
        if isinstance(value, msgspec.Struct | Mapping | list | tuple | AbstractSet):
            return self.container(value)
        return self.scalar(value)

    def container(self, value: Any) -> Any:
        if id(value) in self.open:
            return "<cycle>"
        if len(self.open) >= _DEEPEST:
            return "<nested too deep>"
        self.open.add(id(value))
        try:
            if isinstance(value, msgspec.Struct):
                return self.struct(value)
            if isinstance(value, Mapping):
                return {self.key(key): self.any(item) for key, item in list(value.items())}
            return [self.any(item) for item in list(value)]
        except Exception:  # a container of somebody else's that fails when it is read
            return _shown(value)
        finally:
            self.open.discard(id(value))

    def struct(self, value: Any) -> dict[str, Any]:
        kind: Any = type(value)
        config = kind.__struct_config__
        plain = {} if config.tag is None else {config.tag_field: config.tag}
        for name, default in _fields(kind):
            item = getattr(value, name)
            if config.omit_defaults and type(item) is type(default) and item == default:
                continue
            if type(item) is float and not math.isfinite(item):  # a number by its type, so no string will do
                item = default if isinstance(default, float) else 0.0
            plain[name] = self.any(item)
        return plain

    def key(self, key: Any) -> str:
        return _sound(key) if isinstance(key, str) else _sound(str(self.any(key)))

    def scalar(self, value: Any) -> Any:
        """Render subclasses and foreign kinds of the simple types; anything else as it is shown."""
        try:
            if isinstance(value, str):
                return _sound(str.__str__(value))
            if isinstance(value, bytes | bytearray | memoryview):  # MIME data: nbformat stores it in base64
                return base64.b64encode(value).decode("ascii")
            if isinstance(value, numbers.Integral):
                return self.any(int(value))
            if isinstance(value, numbers.Real):
                return self.any(float(value))
        except Exception:
            return _shown(value)
        return _shown(value)


@cache
def _fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    fields = msgspec.structs.fields(kind)
    return tuple((f.name, f.default_factory() if callable(f.default_factory) else f.default) for f in fields)


def _sound(text: str) -> str:
    """Text that UTF-8 can hold: surrogate pairs joined, lone surrogates replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except Exception:
        return f"<{type(value).__name__}>"
    shown = shown if len(shown) <= _LONGEST_REPR else shown[:_LONGEST_REPR] + "…"
    return _sound(shown)
