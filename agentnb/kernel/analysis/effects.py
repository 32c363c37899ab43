"""What an action is known to do before it runs: by its names alone, so it tells what to look at and proves nothing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from agentnb.kernel.analysis import recognised as known
from agentnb.kernel.namespace.kinds import is_a, lineage
from agentnb.kernel.namespace.reach import mentioned, parse

ASSIGNS, CHANGES, DELETES = "assigns", "changes", "deletes"
TEAM, TOOLS = "asks the team", "calls tools"
UNKNOWN, ANYTHING = "calls", "can do anything"
_DATA_HOMES = frozenset({"builtins", "numpy", "pandas", "polars", "datetime", "decimal", "fractions", "collections"})
_CODE = frozenset({"builtins." + name for name in ("function", "type", "method", "builtin_function_or_method")})
_OF_IPYTHON = frozenset({"open", "get_ipython", "exit", "quit", "In", "Out"})
_OF_THE_HOST = frozenset({"final_answer", "ask_user", "asyncio", "results"})
_PACKAGE_MAGICS = frozenset({"pip", "conda", "mamba", "uv"})
_SHOWN_NAMES, _SHOWN_LABELS = 20, 6


@dataclass(frozen=True)
class Effects:
    """The kinds of effect, each with what it was recognised by; variables for what is assigned, changed, deleted.

    ``UNKNOWN`` holds the calls of which nothing is known, ``ANYTHING`` what may do anything at all (``eval``).
    """

    kinds: Mapping[str, frozenset[str]]
    looks: bool = False  # whether all that it reads is data, see ``only_reads``

    @property
    def variables(self) -> list[str]:
        """The variables that it is known to assign, change in place or delete."""
        return sorted(frozenset().union(*(self.kinds.get(kind, frozenset()) for kind in (ASSIGNS, CHANGES, DELETES))))

    def within(self, allowed: Effects) -> bool:
        """Whether this has no kind of effect, and no call of which nothing is known, that ``allowed`` has not."""
        if ANYTHING in self.kinds or not self.kinds.keys() <= allowed.kinds.keys():
            return False
        return all(self.kinds.get(k, frozenset()) <= allowed.kinds.get(k, frozenset()) for k in (UNKNOWN, TOOLS))

    def only_reads(self, *, own_scope: bool) -> bool:
        """Whether it is known to do nothing but look at data; in a scope of its own it may assign, too."""
        return self.looks and self.kinds.keys() <= ({ASSIGNS} if own_scope else frozenset())

    def lines(self) -> list[str]:
        """Return for the person the variables it touches, then the other kinds with what they were recognised by."""
        names = self.variables
        rest = [f"and {len(names) - _SHOWN_NAMES} more"] if len(names) > _SHOWN_NAMES else []
        lines = [*names[:_SHOWN_NAMES], *rest]
        for kind, labels in sorted(self.kinds.items()):
            if kind not in (ASSIGNS, CHANGES, DELETES):
                lines.append(f"{kind}: {', '.join(sorted(labels)[:_SHOWN_LABELS])}")
        return lines


def effects(code: str, view: Mapping[str, Any], *, team: Collection[str] = (), tools: Collection[str] = ()) -> Effects:
    """Return what ``code`` is known to do, its names looked up in ``view``. Raises nothing and runs nothing.

    ``team`` and ``tools`` are the names of specialists and tools that the code can call.
    """
    tree = parse(code)
    if tree is None:
        return Effects({ANYTHING: frozenset({"code that cannot be read"})})
    own = {name: value for name, value in view.items() if name not in _OF_IPYTHON}
    look = _Look(own, frozenset(team), frozenset(tools))
    look.visit(tree)
    if mentioned(code).everything:
        look.add(ANYTHING, "code by string or by computed names")
    return Effects({kind: frozenset(labels) for kind, labels in look.found.items()}, look.looks)


def hands_over(code: str, view: Mapping[str, Any]) -> bool:
    """Whether the code is nothing but ``final_answer`` of names and constants, which runs nothing of anybody's."""
    tree = parse(code)
    match tree:
        case ast.Module(body=[ast.Expr(value=ast.Call(func=ast.Name(id="final_answer"), args=args, keywords=[]))]):
            return "final_answer" not in view and all(map(_is_plain, args))
    return False


def _is_plain(node: ast.expr) -> bool:
    match node:
        case ast.Constant() | ast.Name():
            return True
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return all(map(_is_plain, items))
        case ast.Dict(keys=keys, values=values):
            return all(isinstance(key, ast.Constant) for key in keys) and all(map(_is_plain, values))
    return False


@dataclass
class _Look(ast.NodeVisitor):
    view: Mapping[str, Any]
    team: frozenset[str]
    tools: frozenset[str]
    found: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    looks: bool = True
    aliases: dict[str, str] = field(default_factory=dict)  # what the code itself imports, by the name it gives it
    local: set[str] = field(default_factory=set)  # that the code has assigned, or that are a function's own
    defined: set[str] = field(default_factory=set)  # functions that the code defines
    depth: int = 0

    def add(self, kind: str, label: str) -> None:
        self.found[kind].add(label)

    # --- names --------------------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._loaded(node.id)
            return
        if isinstance(node.ctx, ast.Del):
            self.add(DELETES, node.id)
        elif not self.depth:
            self.add(ASSIGNS, node.id)
        self.local.add(node.id)

    def _loaded(self, name: str) -> None:
        if self._is_data(name):
            return
        self.looks = False
        if name not in self.view:
            kind = TEAM if name in self.team else TOOLS if name in self.tools else None
            if kind is not None:
                self.add(kind, name)
        elif callable(self.view[name]):  # handed on, it may be called by what gets it
            self.add(UNKNOWN, f"{name}()")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._stored(node, node.ctx)
        self.looks = self.looks and not node.attr.startswith("_")
        if (kind := _by_module(full := self._full(node))) is not None:  # also where it is only handed on
            self.add(kind, f"{full}()")
        self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._stored(node, node.ctx)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._stored(node.target, ast.Store())
        self._in_order(node.value, node.target)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._in_order(node.value, *node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._in_order(node.annotation, node.value, node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._in_order(node.value, node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._in_order(node.iter, node.target, *node.body, *node.orelse)

    visit_AsyncFor = visit_For

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._in_order(node.iter, node.target, *node.ifs)

    def _in_order(self, *nodes: ast.AST | None) -> None:
        """Visit what is read before what is assigned by it: only then is the name the code's own."""
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _stored(self, node: ast.expr, context: ast.expr_context) -> None:
        if isinstance(context, ast.Load):
            return
        self.add(CHANGES, _root(node) or "an object")
        if self._is_of_a_module(node):
            self.add(known.SETTINGS, self._full(node))

    def _is_of_a_module(self, node: ast.expr) -> bool:
        """Whether something is an attribute, or item of an attribute, of a module."""
        root = _root(node)
        if root is None or isinstance(node, ast.Name):
            return False
        return root in self.aliases or (root not in self.local and is_a(self.view.get(root), ModuleType))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self._imported(name, alias.name if alias.asname else name, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or "."
        for alias in node.names:
            self._imported(alias.asname or alias.name, f"{module}.{alias.name}", module)

    def _imported(self, name: str, full: str, module: str) -> None:
        self.aliases[name] = full
        self.local.add(name)
        if not self.depth:
            self.add(ASSIGNS, name)
        if module.partition(".")[0] not in known.HARMLESS_MODULES:
            self.looks = False

    # --- scopes -------------------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if not self.depth:
            self.add(ASSIGNS, node.name)
        self.local.add(node.name)
        if not isinstance(node, ast.ClassDef):
            self.defined.add(node.name)
        self._inside(*ast.iter_child_nodes(node))

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._inside(*node.generators, *parts)  # the generators bind what the rest reads

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._inside(node.args, node.body)

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self.add(ASSIGNS, name)

    def visit_arg(self, node: ast.arg) -> None:
        self.local.add(node.arg)

    def _inside(self, *nodes: ast.AST) -> None:
        before = set(self.local)
        self.depth += 1
        self._in_order(*nodes)
        self.depth -= 1
        self.local = before

    # --- calls --------------------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        if (magic := _magic(node)) is not None:
            self.add(*magic)
            return
        for keyword in node.keywords:
            self._option(node, keyword)
        kind, label = self._kind(node)
        if kind is not None:
            self.add(kind, label)
        self.generic_visit(node)

    def _option(self, node: ast.Call, keyword: ast.keyword) -> None:
        """Arguments that make a change or a file of what would only be looked at."""
        given = not (isinstance(keyword.value, ast.Constant) and keyword.value.value in (None, False))
        if keyword.arg == "inplace" and given:
            self.add(CHANGES, _root(node.func) or "an object")
        elif keyword.arg == "out" and given:
            self.add(CHANGES, _root(keyword.value) or "an object")
        elif keyword.arg == "buf" and given:
            self.add(known.WRITES, f"{_dotted(node.func)}()")

    def _kind(self, node: ast.Call) -> tuple[str | None, str]:
        func, label = node.func, f"{_dotted(node.func)}()"
        if isinstance(func, ast.Name) and func.id not in self.view and func.id not in self.local:
            own = self._own_call(func.id, node)
            if own is not None:
                return own, func.id
        full = self._full(func)
        by_module = _by_module(full)
        if by_module is not None:
            return by_module, f"{full}()"
        last = full.rpartition(".")[2]
        if isinstance(func, ast.Attribute):
            return self._method_kind(func, last, label)
        return (known.METHODS[last], label) if last in known.METHODS and full != last else self._plain_kind(full, label)

    def _own_call(self, name: str, node: ast.Call) -> str | None:
        if name in self.team:
            return TEAM
        if name in self.tools:
            return TOOLS
        if name == "open":
            return known.WRITES if _may_write(node) else known.READS
        return None

    def _plain_kind(self, full: str, label: str) -> tuple[str | None, str]:
        if full in self.defined:
            return None, ""
        if full not in self.view and full not in self.local and full in known.HARMLESS_BUILTINS | _OF_THE_HOST:
            return None, ""
        module, _, name = full.rpartition(".")
        if name in known.READING and module.partition(".")[0] in known.HARMLESS_MODULES:
            return None, ""
        return UNKNOWN, label

    def _method_kind(self, func: ast.Attribute, last: str, label: str) -> tuple[str | None, str]:
        if last in known.METHODS:
            return known.METHODS[last], label
        root = _root(func)
        is_data = all(self._is_data(each.id) for each in ast.walk(_base(func)) if isinstance(each, ast.Name))
        if last in known.IN_PLACE and isinstance(func.value, ast.Attribute) and self._is_of_a_module(func):
            return known.SETTINGS, f"{self._full(func)}()"
        if last in known.IN_PLACE and not (last in known.READING and is_data and self._is_lasting(func.value)):
            return CHANGES, root or "an object"
        return (None, "") if last in known.READING and is_data else (UNKNOWN, label)

    def _is_lasting(self, receiver: ast.expr) -> bool:
        """Whether its methods give something new: a text's, a module's functions, those of a table of polars."""
        base = _base(receiver)
        if not isinstance(base, ast.Name) or base.id in self.local:
            return isinstance(base, ast.Constant | ast.JoinedStr) or _root(base) in self.aliases
        name = next(lineage(type(self.view.get(base.id))))
        return name in ("builtins.str", "builtins.module") or name.startswith("polars.")

    def _full(self, func: ast.expr) -> str:
        """Return the dotted name of what is called, with the module's own name where it is one."""
        dotted = _dotted(func)
        first, dot, rest = dotted.partition(".")
        if first in self.aliases:
            return f"{self.aliases[first]}{dot}{rest}"
        value = self.view.get(first)
        if is_a(value, ModuleType):
            return f"{value.__name__}{dot}{rest}"
        home, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
        if not dot and isinstance(home, str) and isinstance(name, str) and home != "__main__":
            return f"{home}.{name}"
        return dotted

    def _is_data(self, name: str) -> bool:
        """Whether to read the variable, or a harmless name, can do nothing."""
        if name in self.local:
            return True
        if name not in self.view:
            return name in known.HARMLESS_BUILTINS | _OF_THE_HOST
        value = self.view[name]
        if is_a(value, ModuleType):
            return value.__name__.partition(".")[0] in known.HARMLESS_MODULES
        if any("__next__" in vars(cls) for cls in type(value).__mro__):  # to look at it is to use it up
            return False
        names = list(lineage(type(value)))
        return _CODE.isdisjoint(names) and names[0].partition(".")[0] in _DATA_HOMES


def _by_module(full: str) -> str | None:
    """Return the kind of a function that is known by its module."""
    module, dot, _ = full.partition(".")
    return known.FUNCTIONS.get(full) or (known.MODULES.get(module) if dot else None)


def _base(node: ast.expr) -> ast.expr:
    """Return what an attribute, item or call chain begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Await):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node


def _root(node: ast.expr) -> str | None:
    base = _base(node)
    return base.id if isinstance(base, ast.Name) else None


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=attr):
            return f"{_dotted(inner)}.{attr}"
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
            return _dotted(inner)
    return "…"


def _magic(node: ast.Call) -> tuple[str, str] | None:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=method), args=args):
            first = args[0].value if args and isinstance(args[0], ast.Constant) else ""
            first = first if isinstance(first, str) else ""
            if method in ("system", "getoutput") or first in ("bash", "sh", "script"):
                is_pip = first.split()[:1] in (["pip"], ["uv"], ["conda"])
                return (known.PACKAGES, "pip") if is_pip else (known.PROGRAMS, "!")
            if first in _PACKAGE_MAGICS:
                return known.PACKAGES, f"%{first}"
            return (known.WRITES, "%%writefile") if first == "writefile" else (UNKNOWN, f"%{first}")
    return None


def _may_write(node: ast.Call) -> bool:
    mode = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "mode"), None)
    if mode is None:
        return False
    return not (isinstance(mode, ast.Constant) and isinstance(mode.value, str) and not set(mode.value) & set("wax+"))
