"""The one way a ``Tool`` is made: bind the arguments, call, and turn what goes wrong into advice for the model."""

from __future__ import annotations

import asyncio
import inspect
import keyword
import math
import re
from collections.abc import Awaitable, Callable
from typing import Any

from agentnb.errors import AgentnbError, ToolError, UserError
from agentnb.record.document import Approval
from agentnb.team.agent import MEMBER_APPROVALS
from agentnb.tools.check import bind
from agentnb.tools.port import Tool
from agentnb.tools.signature import show

_LONGEST_REASON = 1000

Target = Callable[[inspect.BoundArguments], Any]


def build(
    name: str,
    signature: inspect.Signature,
    target: Target,
    *,
    doc: str,
    is_async: bool = False,
    timeout: float = 60.0,
    origin: Any = None,
    approve: Approval = "auto",
) -> Tool:
    """Return a tool that calls ``target`` with the bound arguments; ``target`` returns an awaitable if ``is_async``.

    ``timeout`` is in seconds; it is kept here for async tools, by the caller for the others. Raises ``UserError`` for
    a name that is no identifier, a timeout that is no positive number, and an ``approve`` that is not auto or ask.
    """
    check_name(name)
    if not (isinstance(timeout, (int, float)) and math.isfinite(timeout) and timeout > 0):
        raise UserError(f"the timeout of the tool {name} is {timeout!r}; give it in seconds, for instance timeout=60")
    if approve not in MEMBER_APPROVALS:
        raise UserError(f"approve of the tool {name} is auto or ask, not {approve!r}")
    call = _async_call(name, signature, target, timeout) if is_async else _sync_call(name, signature, target)
    _dress(call, name, signature, doc)
    return Tool(name, call, show(name, signature), doc, is_async, float(timeout), origin, approve)


def check_name(name: object) -> None:
    """Raise ``UserError`` with a suggestion where agents could not write ``name`` in their code."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise UserError(f"a tool cannot be called {name!r}; give it a name with tool(fn, name={identifier(name)!r})")


def identifier(name: object, fallback: str = "my_tool") -> str:
    """Return the nearest name that Python accepts: ``web-search`` gives ``web_search``, ``class`` gives ``class_``."""
    text = re.sub(r"\W+", "_", str(name)).strip("_")[:64] or fallback
    if text[0].isdigit():
        text = f"_{text}"
    text = f"{text}_" if keyword.iskeyword(text) else text
    return text if text.isidentifier() else fallback


def _sync_call(name: str, signature: inspect.Signature, target: Target) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        bound = bind(name, signature, args, kwargs)
        try:
            return target(bound)
        except AgentnbError:
            raise
        except Exception as error:
            raise _failed(name, error) from error

    return call


def _async_call(
    name: str, signature: inspect.Signature, target: Callable[[inspect.BoundArguments], Awaitable[Any]], timeout: float
) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        bound = bind(name, signature, args, kwargs)
        try:
            async with asyncio.timeout(timeout) as limit:
                return await target(bound)
        except AgentnbError:
            raise
        except Exception as error:
            if limit.expired():
                raise ToolError(
                    f"{name} took over {timeout:g} s and was given up; ask it for less, or do without"
                ) from error
            raise _failed(name, error) from error

    return call


def _failed(name: str, error: Exception) -> ToolError:
    reason = f"{type(error).__name__}: {text_of(error)}"
    return ToolError(f"{name} failed: {reason}; call it with other arguments, or find another way")


def text_of(error: BaseException) -> str:
    """Return the message of an error, bounded; also that of one whose ``__str__`` raises."""
    try:
        text = str(error).strip()
    except Exception:
        text = "(no message)"
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."


def _dress(call: Callable[..., Any], name: str, signature: inspect.Signature, doc: str) -> None:
    """Let ``help(load_prices)`` and ``inspect.signature`` in the agent's code tell what the prompt tells."""
    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    call.__signature__ = signature  # type: ignore[attr-defined]
