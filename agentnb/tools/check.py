"""Whether the arguments that an agent wrote fit a signature, and how to tell it where they do not."""

from __future__ import annotations

import inspect
import numbers
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from agentnb.errors import ToolError
from agentnb.tools.signature import readable, show

_LONGEST_VALUE = 40


def bind(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> inspect.BoundArguments:
    """Return the arguments in their places.

    Only builtin types (``int``, ``float``, ``str``, ``bool``, ``list``, ``dict``), ``Literal`` and unions of them are
    checked; every other annotation is taken as documentation. Raises ``ToolError`` that shows the signature and what
    was given.
    """
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ToolError(f"{name}: {error}; {_advice(name, signature, args, kwargs)}") from None
    for parameter, value in _placed(signature, bound):
        fault = _fault(parameter, value)
        if fault:
            raise ToolError(f"{name}: {fault}; {_advice(name, signature, args, kwargs)}")
    return bound


def _advice(name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    given = [_short(value) for value in args] + [f"{key}={_short(value)}" for key, value in kwargs.items()]
    return f"call it as {show(name, signature)}; given was ({', '.join(given)})"


def _placed(signature: inspect.Signature, bound: inspect.BoundArguments) -> list[tuple[inspect.Parameter, Any]]:
    """Return each value with its parameter; those of ``*args`` and ``**kwargs`` one by one."""
    pairs: list[tuple[inspect.Parameter, Any]] = []
    for name, value in bound.arguments.items():
        parameter = signature.parameters[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            pairs += [(parameter, each) for each in value]
        elif parameter.kind is parameter.VAR_KEYWORD:
            pairs += [(parameter, each) for each in value.values()]
        else:
            pairs.append((parameter, value))
    return pairs


def _fault(parameter: inspect.Parameter, value: Any) -> str | None:
    annotation = parameter.annotation
    if value is parameter.default:  # ``years: int = None`` is common, and meant
        return None
    if inspect.isawaitable(value) and not _takes_awaitables(annotation):
        return (
            f"`{parameter.name}` was given a result that is not there yet: write `await` before the call that makes it"
        )
    if annotation is inspect.Parameter.empty or _fits(value, annotation):
        return None
    return f"`{parameter.name}` must be {readable(annotation)}, not {_type_name(value)}"


def _takes_awaitables(annotation: Any) -> bool:
    return any(word in readable(annotation) for word in ("Awaitable", "Coroutine", "Future", "Task"))


def _fits(value: Any, annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _fits(value, typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in typing.get_args(annotation))
    if origin is typing.Literal:
        return any(_same(_plain(value), each) for each in typing.get_args(annotation))
    if annotation is None or annotation is type(None):
        return value is None
    test = _TESTS.get(origin or annotation) if isinstance(origin or annotation, type) else None
    return test is None or test(value)


def _same(value: Any, literal: Any) -> bool:
    return isinstance(value, type(literal)) and bool(value == literal)


def _plain(value: Any) -> Any:
    """Return a scalar of numpy, pandas or torch as Python's own."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) == () else value


def _is_listlike(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (hasattr(value, "tolist") and getattr(value, "shape", ()) != ())


_TESTS: dict[type, Callable[[Any], bool]] = {
    int: lambda value: isinstance(_plain(value), numbers.Integral),
    float: lambda value: isinstance(_plain(value), numbers.Real),
    str: lambda value: isinstance(_plain(value), str),
    bool: lambda value: isinstance(_plain(value), bool),
    list: _is_listlike,
    dict: lambda value: isinstance(value, Mapping),
}


def _type_name(value: Any) -> str:
    return (
        "None"
        if value is None
        else f"{type(value).__name__} ({_short(value)})"
        if _is_brief(value)
        else type(value).__name__
    )


def _short(value: Any) -> str:
    """Return a brief value as it would be written, anything else by its type: the model knows its variables."""
    return repr(value) if _is_brief(value) else f"<{type(value).__name__}>"


def _is_brief(value: Any) -> bool:
    brief = value is None or isinstance(value, (bool, int, float, str))
    return brief and (not isinstance(value, (str, int)) or _fits_line(value))


def _fits_line(value: str | int) -> bool:
    return len(value) <= _LONGEST_VALUE if isinstance(value, str) else value.bit_length() <= 3 * _LONGEST_VALUE
