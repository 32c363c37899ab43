"""An action's code as the source of a plain cell: ``final_answer(x)`` becomes an assignment, failures are caught.

Cells may hold magics, which Python cannot parse: they are parsed with the magics blanked out, line for line, and all
edits are made on whole lines of the original, so that comments and layout stay.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

_MAGIC = re.compile(r"^(\s*)((?:[\w.]+\s*=\s*)?)(?:[%!]|\?)(.*)$")
_HOST_CALLS = frozenset({"final_answer", "hire", "dismiss", "change", "ask_user"})


@dataclass(frozen=True)
class PlainCell:
    """A cell's ``source``, and whether it needs the stand-ins for what agents can call (``final_answer``, ...)."""

    source: str
    needs_runner: bool = False


def plain_cell(code: str, *, name: str, failed: bool = False) -> PlainCell:
    """Rewrite ``code`` so that it runs in a plain notebook and binds its final answer, if any, to ``name``.

    Code that failed when it was recorded may fail again without stopping the notebook; what cannot be parsed
    becomes comments.
    """
    code = code.strip("\n")
    tree = _parse(code)
    if tree is None:
        return PlainCell(commented(code, "this did not run when it was recorded") if failed else code)
    calls = _host_calls(tree)
    if failed:
        head = "# This failed when it was recorded; it stays because later steps may need what it did until then.\n"
        tail = 'except Exception as error:\n    print(f"{type(error).__name__}: {error}")'
        return PlainCell(f"{head}try:\n{indented(code, tree)}\n{tail}", bool(calls))
    if "final_answer" not in calls:
        return PlainCell(code, bool(calls))
    simple = _assign_final(code, tree, name)
    if simple is not None:
        return PlainCell(simple, bool(calls - {"final_answer"}))
    tail = f"except FinalAnswer as end:\n    {name} = end.args[0]\n{name}"
    return PlainCell(f"try:\n{indented(code, tree)}\n{tail}", True)


def uses_host(code: str) -> bool:
    """Tell whether ``code`` calls something that only agents have."""
    tree = _parse(code)
    return tree is not None and bool(_host_calls(tree))


def commented(code: str, why: str) -> str:
    """Turn ``code`` into comments under a line that says ``why``."""
    return f"# {why}:\n" + "\n".join(f"# {line}" if line else "#" for line in code.splitlines())


def indented(code: str, tree: ast.Module) -> str:
    """Indent ``code`` by four, but for the lines that lie within a string."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)):
            inside.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(code.split("\n"), start=1)
    return "\n".join(line if number in inside or not line else f"    {line}" for number, line in lines)


def parse_cell(code: str) -> ast.Module | None:
    """Parse a cell, its magics blanked out line for line; None where it is not Python."""
    return _parse(code)


def _parse(code: str) -> ast.Module | None:
    if code.lstrip().startswith("%%"):
        return None
    shadow = "\n".join(_MAGIC.sub(lambda found: f"{found[1]}{found[2]}None", line) for line in code.split("\n"))
    try:
        return _quiet(code)
    except (SyntaxError, ValueError):
        pass
    try:
        return _quiet(shadow)
    except (SyntaxError, ValueError):
        return None


def _quiet(code: str) -> ast.Module:
    tree = compile(code, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def _host_calls(tree: ast.Module) -> set[str]:
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return (called & _HOST_CALLS) | (named & {"final_answer"})


def _assign_final(code: str, tree: ast.Module, name: str) -> str | None:
    """Rewrite a single ``final_answer(x)`` at the top level; None where there are others or it sits deeper."""
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "final_answer"]
    for statement in tree.body:
        value = _answer(statement)
        if value is None:
            continue
        lines = code.split("\n")
        first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
        shared = any(other is not statement and _overlaps(other, statement) for other in tree.body)
        if len(uses) != 1 or shared:
            return None
        answer = ast.get_source_segment(code, value) or ""
        answer = f"({answer})" if "\n" in answer else answer
        kept = [*lines[:first], f"{name} = {answer}", name]
        rest = "\n".join(lines[last + 1 :]).strip("\n")
        return "\n".join(kept) + (f"\n{commented(rest, 'not run, it comes after the answer')}" if rest.strip() else "")
    return None


def _answer(statement: ast.stmt) -> ast.expr | None:
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "final_answer"):
        return None
    values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg)]
    return values[0] if len(values) == 1 and not isinstance(values[0], ast.Starred) else None


def _overlaps(one: ast.stmt, other: ast.stmt) -> bool:
    return one.lineno <= (other.end_lineno or other.lineno) and other.lineno <= (one.end_lineno or one.lineno)
