"""A call of a tool as the person reads it, and the call that they make of it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from agentnb.errors import UserError
from agentnb.kernel.namespace.reach import parse
from agentnb.kernel.namespace.summary import summarize

_LONGEST = 2_000
_REDACTED = "[redacted "


class ToolCall:
    """A call of ``name``. ``text`` is Python: plain values are written out, others have a name and a comment."""

    def __init__(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.name, self.args, self.kwargs = name, args, dict(kwargs)
        self._objects: dict[str, Any] = {}
        comments: list[str] = []
        parts = [*(self._written(value, comments) for value in args)]
        parts += [f"{key}={self._written(value, comments)}" for key, value in kwargs.items()]
        self.text = "\n".join([f"{name}({', '.join(parts)})", *comments])

    def _written(self, value: Any, comments: list[str]) -> str:
        plain = isinstance(value, str | int | float | bool) or value is None
        if plain and len(repr(value)) <= _LONGEST and _is_literal(repr(value)):
            return repr(value)
        name = f"value_{len(self._objects) + 1}"
        self._objects[name] = value
        told = f"{str(value)[:_LONGEST]!r}…" if isinstance(value, str) else summarize(value)
        comments.append(f"# {name}: {' '.join(told.split())}")
        return name

    def edited(self, text: str, shown: str | None = None) -> ToolCall:
        """Return the call that the person wrote in the place of this one.

        ``shown`` is what they had before them, where it was not ``text``: keys are redacted in it. An argument that
        was left as it was stays the object that it is. Raises ``UserError`` where ``text`` is no such call.
        """
        before, after = _arguments(self.text if shown is None else shown, self.name), _arguments(text, self.name)
        own: dict[int | str, Any] = dict(enumerate(self.args))
        own.update(self.kwargs)
        found: dict[int | str, Any] = {}
        for place, node in after.items():
            if place in own and place in before and ast.dump(before[place]) == ast.dump(node):
                found[place] = own[place]
            else:
                found[place] = self._value(node)
        args = tuple(value for place, value in found.items() if isinstance(place, int))
        return ToolCall(self.name, args, {key: value for key, value in found.items() if isinstance(key, str)})

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name) and node.id in self._objects:
            return self._objects[node.id]
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, MemoryError, RecursionError):
            known = f" or {', '.join(self._objects)}" if self._objects else ""
            raise UserError(f"{ast.unparse(node)[:80]} is no plain value; write a literal{known}") from None
        if _REDACTED in repr(value):
            raise UserError(f"a key is redacted in {ast.unparse(node)[:80]}; leave that argument as it was")
        return value


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):  # nan, or a subclass with a repr of its own
        return False
    return True


def _arguments(text: str, name: str) -> dict[int | str, ast.expr]:
    """Return the arguments of the one call in ``text`` by their places and names."""
    match parse(text):
        case ast.Module(body=[ast.Expr(value=ast.Call(func=ast.Name(id=called), args=args, keywords=keywords))]) if (
            called == name
            and not any(isinstance(each, ast.Starred) for each in args)
            and all(each.arg is not None for each in keywords)
        ):
            return {**dict(enumerate(args)), **{each.arg: each.value for each in keywords if each.arg is not None}}
    raise UserError(f"only the arguments of this call can be edited; write {name}(...), or deny it and say why")
