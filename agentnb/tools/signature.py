"""How a signature is shown to a model: short names, no module paths, no long defaults."""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

_LONGEST_DEFAULT = 40


class _Shown:
    """Text in the place of an annotation or a default, which ``inspect`` prints by its repr."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def show(name: str, signature: inspect.Signature) -> str:
    """Return the line that the prompt shows, for instance ``load(ticker: str, years: int = 5) -> DataFrame``."""
    empty = inspect.Parameter.empty
    parameters = [
        parameter.replace(
            annotation=empty if parameter.annotation is empty else _Shown(readable(parameter.annotation)),
            default=empty if parameter.default is empty else _Shown(_default(parameter.default)),
        )
        for parameter in signature.parameters.values()
    ]
    returned = signature.return_annotation
    return_annotation = returned if returned is empty else _Shown(readable(returned))
    return name + str(signature.replace(parameters=parameters, return_annotation=return_annotation))


def readable(annotation: Any) -> str:
    """Return an annotation as a person would write it: ``DataFrame``, ``list[str]``, ``int | None``.

    Annotations that are strings (a name that could not be resolved) come back as they are.
    """
    if isinstance(annotation, str):
        return annotation
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Ellipsis:
        return "..."
    if isinstance(annotation, typing.ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, list):  # the arguments of a Callable
        return f"[{', '.join(map(readable, annotation))}]"
    origin = typing.get_origin(annotation)
    if origin is not None:
        return _generic(annotation, origin)
    name = getattr(annotation, "__name__", None)
    return name if isinstance(name, str) else repr(annotation).replace("typing.", "")


def _generic(annotation: Any, origin: Any) -> str:
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return readable(arguments[0])
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(readable, arguments))
    return f"{readable(origin)}[{', '.join(map(readable, arguments))}]"


def _default(value: Any) -> str:
    try:
        text = value.__name__ if inspect.isroutine(value) or inspect.isclass(value) else repr(value)
    except Exception:  # a repr is the user's code, and may raise
        return "..."
    return text if len(text) <= _LONGEST_DEFAULT and "\n" not in text and " at 0x" not in text else "..."


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of ``function`` as an agent has to write the call.

    Arguments that a ``functools.partial`` has bound are left out. Annotations in string form are resolved where
    their names are known, and stay strings where not. A function in C that tells nothing takes anything.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        anything = [
            inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
            inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
        ]
        return inspect.Signature(anything)
    bound = _bound_keywords(function)
    names = _namespace(function)
    parameters = [
        parameter.replace(annotation=_resolved(parameter.annotation, names))
        for parameter in signature.parameters.values()
        if parameter.name not in bound
    ]
    return signature.replace(parameters=parameters, return_annotation=_resolved(signature.return_annotation, names))


def _bound_keywords(function: Any) -> set[str]:
    bound: set[str] = set()
    while isinstance(function, functools.partial):
        bound |= function.keywords.keys()
        function = function.func
    return bound


def _namespace(function: Any) -> dict[str, Any]:
    """Return the names that the annotations of ``function`` may speak of."""
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function) and not inspect.isclass(function):
        function = type(function).__call__
    function = inspect.unwrap(function)
    found = getattr(function, "__globals__", None)
    if found is None:
        found = vars(sys.modules.get(getattr(function, "__module__", None) or "builtins", types))
    return dict(found)


def _resolved(annotation: Any, names: dict[str, Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, names)  # as typing.get_type_hints does, but one at a time
    except Exception:
        return annotation
