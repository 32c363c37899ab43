"""The nearest record to damaged data: what fits its type is kept, field by field, and the rest gets a default."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from agentnb.record.document import Change, Member, Request, RunRecord, Step, Task

_S = TypeVar("_S", bound=msgspec.Struct)

# Where the type's own default would claim something: damage must look neither live nor well.
_DEFAULTS: dict[tuple[type, str], Any] = {
    (RunRecord, "status"): "crashed",
    (Task, "status"): "cancelled",
    (Step, "status"): "cancelled",
    (Change, "kind"): "rebound",
    (Request, "status"): "withdrawn",
    (Member, "name"): "agent",
}
_ZERO: dict[Any, Any] = {str: "", int: 0, float: 0.0}


def repair(data: Mapping[str, Any], kind: type[_S]) -> _S:
    """Return a ``kind`` with every field of ``data`` that fits. Raises nothing."""
    hints = _hints(kind)
    values = {field.name: _field(data, field, hints[field.name], kind) for field in msgspec.structs.fields(kind)}
    return kind(**values)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _field(data: Mapping[str, Any], field: msgspec.structs.FieldInfo, hint: Any, kind: type) -> Any:
    value = data.get(field.encode_name)
    if field.encode_name in data:
        try:
            return msgspec.convert(value, hint)
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError):
            found = _salvage(value, hint)
            if found is not None:
                return found
    return _default(field, hint, kind)


def _salvage(value: Any, hint: Any) -> Any:
    """Return the sound part of a value that does not fit ``hint`` as a whole; None where there is none."""
    if get_origin(hint) is list:
        (item,) = get_args(hint)
        if not isinstance(value, list):
            return None
        return [found for found in (_salvage_item(entry, item) for entry in value) if found is not None]
    for option in get_args(hint) or (hint,):
        if isinstance(option, type) and issubclass(option, msgspec.Struct) and isinstance(value, Mapping):
            return repair(value, option)
    return None


def _salvage_item(value: Any, hint: Any) -> Any:
    try:
        return msgspec.convert(value, hint)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError):
        return _salvage(value, hint)


def _default(field: msgspec.structs.FieldInfo, hint: Any, kind: type) -> Any:
    if (kind, field.name) in _DEFAULTS:
        return _DEFAULTS[kind, field.name]
    if callable(field.default_factory):
        return field.default_factory()
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    return _ZERO[hint]
