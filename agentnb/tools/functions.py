"""Tools from what people already have: typed functions, methods, partials, callables, smolagents tools."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, overload

from agentnb.errors import UserError
from agentnb.record.document import Approval
from agentnb.team.agent import Agent
from agentnb.team.roster import Roster
from agentnb.tools.build import build
from agentnb.tools.port import Tool
from agentnb.tools.signature import signature_of
from agentnb.tools.smol import from_smolagents, is_smolagents_tool

_TIMEOUT = 60.0


def as_tool(obj: object) -> Tool:
    """Return ``obj`` as a tool.

    ``obj`` is any function or method (no special docstring needed), a ``functools.partial``, an object with
    ``__call__``, a smolagents ``Tool``, or one of our own. Async functions give async tools. For a class, a lambda, or
    anything that cannot be called, raises ``UserError`` that says what to write instead.
    """
    return _make(obj, None, None, None)


@overload
def tool(
    obj: object, *, name: str | None = None, timeout: float | None = None, approve: Approval | None = None
) -> Tool: ...
@overload
def tool(
    *, name: str | None = None, timeout: float | None = None, approve: Approval | None = None
) -> Callable[[object], Tool]: ...
def tool(
    obj: object | None = None,
    *,
    name: str | None = None,
    timeout: float | None = None,
    approve: Approval | None = None,
) -> Tool | Callable[[object], Tool]:
    """Return ``obj`` as a tool under another name or with another time limit (in seconds, 60 unless told).

    With ``approve="ask"`` the person allows each call of it, however freely the team runs.

    Takes what ``as_tool`` takes, and lambdas where ``name`` is given. Also a decorator, with or without options; the
    decorated function can still be called under its own name. Raises ``UserError`` as ``as_tool`` does.
    """
    if obj is None:
        return lambda function: _make(function, name, timeout, approve)
    return _make(obj, name, timeout, approve)


def _make(obj: object, name: str | None, timeout: float | None, approve: Approval | None) -> Tool:
    if isinstance(obj, Tool):
        return _renewed(obj, name, timeout, approve)
    limit = _TIMEOUT if timeout is None else timeout
    if is_smolagents_tool(obj):
        return from_smolagents(obj, name=name, timeout=limit, approve=approve or "auto")
    if inspect.isclass(obj):
        raise UserError(
            f"{obj.__name__} is a class, and a tool is something to call; pass {obj.__name__}(...) or a function"
        )
    if isinstance(obj, Agent | Roster):
        raise UserError("an agent is no tool; put it on the team: Team([...]), or hire it")
    if not callable(obj):
        raise UserError(
            f"a {type(obj).__name__} cannot be called as a tool; pass a function, an MCPServer or a smolagents Tool"
        )
    signature = signature_of(obj)
    is_async = _is_async(obj)
    chosen = name or _name(obj)
    return build(
        chosen,
        signature,
        lambda bound: obj(*bound.args, **bound.kwargs),
        doc=_doc(obj) or chosen,
        is_async=is_async,
        timeout=limit,
        origin=obj,
        approve=approve or "auto",
    )


def _renewed(old: Tool, name: str | None, timeout: float | None, approve: Approval | None) -> Tool:
    """Return ``old`` itself, or a tool that calls it under the new name, limit or approval."""
    if name is None and timeout is None and approve in (None, old.approve):
        return old
    return build(
        name or old.name,
        inspect.signature(old.call),
        lambda bound: old.call(*bound.args, **bound.kwargs),
        doc=old.doc,
        is_async=old.is_async,
        timeout=old.timeout if timeout is None else timeout,
        origin=old.origin,
        approve=approve or old.approve,
    )


def _inner(obj: Any) -> Any:
    while isinstance(obj, functools.partial):
        obj = obj.func
    return obj


def _name(obj: object) -> str:
    inner = _inner(obj)
    name = getattr(inner, "__name__", None)
    if name == "<lambda>":
        raise UserError("a lambda has no name to call it by; write it with def, or as tool(lambda ..., name='my_tool')")
    if isinstance(name, str):
        return name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(inner).__name__).lower()


def _doc(obj: object) -> str:
    inner = _inner(obj)
    if inspect.isroutine(inner):
        return inspect.getdoc(inner) or ""
    own = inspect.getdoc(type(inner).__call__) if type(inner).__call__.__doc__ else None
    return own or inspect.getdoc(inner) or ""


def _is_async(obj: object) -> bool:
    inner = _inner(obj)
    return inspect.iscoroutinefunction(inner if inspect.isroutine(inner) else type(inner).__call__)
