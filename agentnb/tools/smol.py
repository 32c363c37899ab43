"""smolagents tools, known by their shape, so that smolagents need not be imported to look at one."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any

from agentnb.record.document import Approval
from agentnb.tools.build import build
from agentnb.tools.port import Tool

_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": None,
    "any": Any,
    "image": "Image",
    "audio": "Audio",
}


def is_smolagents_tool(obj: object) -> bool:
    """Tell whether ``obj`` is an instance of a smolagents ``Tool``, its subclasses included."""
    return (
        not inspect.isclass(obj)
        and isinstance(getattr(obj, "name", None), str)
        and isinstance(getattr(obj, "inputs", None), Mapping)
        and hasattr(obj, "output_type")
        and callable(getattr(obj, "forward", None))
        and callable(obj)
    )


def from_smolagents(obj: Any, *, name: str | None = None, timeout: float = 60.0, approve: Approval = "auto") -> Tool:
    """Return a smolagents tool as one of ours; its ``setup`` runs at the first call.

    Raises ``UserError`` for a name that agents could not write.
    """
    if not hasattr(obj, "is_initialized"):  # a subclass whose __init__ forgot super(): its first call would fail
        obj.is_initialized = False
    return build(
        name or obj.name,
        _signature(obj),
        # by keyword, because smolagents takes a single dict in first place for the keywords themselves
        lambda bound: obj(**bound.arguments),
        doc=_doc(obj),
        timeout=timeout,
        origin=obj,
        approve=approve,
    )


def _signature(obj: Any) -> inspect.Signature:
    forward = inspect.signature(obj.forward).parameters
    named = {name: parameter.default for name, parameter in forward.items() if name in obj.inputs}
    order = list(named) if len(named) == len(obj.inputs) else list(obj.inputs)
    parameters = [_parameter(name, obj.inputs[name], named.get(name, inspect.Parameter.empty)) for name in order]
    parameters.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    returned = dict if getattr(obj, "output_schema", None) else _annotation(obj.output_type)
    return inspect.Signature(parameters, return_annotation=inspect.Parameter.empty if returned is Any else returned)


def _parameter(name: str, spec: Mapping[str, Any], default: Any) -> inspect.Parameter:
    annotation = _annotation(spec.get("type", "any"))
    if spec.get("nullable"):
        annotation = annotation if annotation is Any else typing.Optional[annotation]  # noqa: UP045
        default = None if default is inspect.Parameter.empty else default
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)


def _annotation(kind: str | list[str]) -> Any:
    if isinstance(kind, list):
        return typing.Union[tuple(_annotation(each) for each in kind)]  # noqa: UP007
    return _TYPES.get(kind, kind)


def _doc(obj: Any) -> str:
    lines = [str(getattr(obj, "description", "")).strip() or obj.name]
    lines += [f"{name}: {spec['description']}" for name, spec in obj.inputs.items() if spec.get("description")]
    return "\n".join(lines)
