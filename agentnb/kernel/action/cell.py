"""Source text to an async cell: IPython's own transforms, then a compile that allows top-level ``await``."""

from __future__ import annotations

import ast
import inspect
import linecache
from dataclasses import dataclass
from types import CodeType
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell

PREFIX = "<agent "
"""Every cell's file name starts so: by it signals and tracebacks know an agent's code on the stack."""


@dataclass(frozen=True)
class Cell:
    """A compiled action. ``body`` runs first; ``last`` is its closing expression, whose value is the cell's."""

    filename: str
    source: str
    body: CodeType | None
    last: CodeType | None

    async def run(self, namespace: dict[str, Any]) -> Any:
        """Run in ``namespace`` and return the value of the closing expression, or None."""
        value = None
        for code in (self.body, self.last):
            if code is None:
                continue
            value = eval(code, namespace)
            if code.co_flags & inspect.CO_COROUTINE:
                value = await value
        return value if self.last is not None else None


def compile_cell(shell: InteractiveShell, code: str, label: str) -> Cell:
    """Compile ``code`` as the shell would, under a file name that shows ``label``.

    Raises ``SyntaxError`` with the agent's own lines. The closing expression has no value where a semicolon ends it,
    as in a notebook.
    """
    filename = f"{PREFIX}{label}>"
    source: str = shell.transform_cell(code)
    # An entry without a modification time is kept by linecache.checkcache, so tracebacks find the agent's lines.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    parsed = shell.compile.ast_parse(source, filename=filename)
    tree = shell.transform_ast(parsed)
    body, last = tree.body, None
    if body and isinstance(body[-1], ast.Expr) and not _ends_with_semicolon(source):
        last = _compile(ast.Expression(body.pop().value), filename, "eval")
    return Cell(filename, source, _compile(tree, filename, "exec") if body else None, last)


def _ends_with_semicolon(source: str) -> bool:
    return ";" in source and DisplayHook.semicolon_at_end_of_expression(source)


def _compile(tree: ast.Module | ast.Expression, filename: str, mode: str) -> CodeType:
    # dont_inherit: this module's own __future__ imports must not change what an agent's annotations mean
    code = compile(tree, filename, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    assert isinstance(code, CodeType)
    return code
