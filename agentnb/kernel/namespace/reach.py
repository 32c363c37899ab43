"""Which variables a piece of code can change in place: what it names, what those lead to, and who shares memory."""

from __future__ import annotations

import ast
import functools
import itertools
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from agentnb.kernel.namespace.fingerprint import is_opaque
from agentnb.kernel.namespace.kinds import ATOMS, attributes, is_a, root, variables
from agentnb.kernel.namespace.tables import is_array, is_frame, owners
from agentnb.kernel.undo.functions import is_users_code

_BY_STRING = frozenset({"eval", "exec", "globals", "locals", "get_ipython", "_getframe", "currentframe", "__main__"})
"""Names by which code gets at variables it does not name."""

_SETTINGS = ["cd", "conda", "config", "env", "load_ext", "ls", "lsmagic", "matplotlib", "pip", "precision", "pwd", "uv"]
_OTHER_TEXT = ["bash", "html", "javascript", "latex", "markdown", "script", "sh", "svg", "who", "whos", "writefile"]
_HARMLESS_MAGICS = frozenset([*_SETTINGS, *_OTHER_TEXT])
_CODE_MAGICS = frozenset({"capture", "memit", "prun", "time", "timeit"})

_DRAWING_NOTHING = frozenset(
    {"abs", "bool", "final_answer", "float", "get_ipython", "int", "len", "print", "range", "repr", "str", "type"}
)

_MOST_OBJECTS = 5000  # looked at in one walk
_MOST_ITEMS = 200  # of one container, in full
_MOST_IDS = 200_000  # of one container, compared by identity only
_DEPTH = 4


class Mentioned(NamedTuple):
    """The names that code reads (or assigns in place), and whether it may reach any variable at all."""

    names: frozenset[str]
    everything: bool
    dotted: frozenset[str] = frozenset()  # names with attributes: ``np.random.rand``
    written: frozenset[str] = frozenset()  # of these, the ones that are assigned to, or called a method of
    called: frozenset[str] = frozenset()  # names of functions; what is called by no plain name is ""


@functools.lru_cache(maxsize=512)
def mentioned(code: str) -> Mentioned:
    """Return what a cell's code names; names that are only assigned to (``x = 1``) do not count.

    ``eval``, ``globals()``, ``getattr`` with a computed name and most magics make it everything. Never raises.
    """
    tree = parse(code)
    if tree is None:
        return Mentioned(frozenset(), True)
    nodes = list(ast.walk(tree))
    loads = [node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)]
    augmented = [node.target for node in nodes if isinstance(node, ast.AugAssign)]
    names = {*loads, *(target.id for target in augmented if isinstance(target, ast.Name))}
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    magics = [inner for inner in map(_magic, calls) if inner is not None]
    if loads.count("get_ipython") == len(magics):
        names.discard("get_ipython")  # all its uses are understood
    everything = bool(
        _BY_STRING & names
        or any(map(_is_computed, calls))
        or any(map(_names_the_machinery, nodes))
        or any(inner.everything for inner in magics)
    )
    dotted = {text for node in nodes if isinstance(node, ast.Attribute) and (text := _dotted(node))}
    written = {text for node in nodes for part in _written(node) if "." in (text := _dotted(part))}
    return Mentioned(
        frozenset(names).union(*(inner.names for inner in magics)),
        everything,
        frozenset(dotted).union(*(inner.dotted for inner in magics)),
        frozenset(written).union(*(inner.written for inner in magics)),
        frozenset(
            call.func.id if isinstance(call.func, ast.Name) else "" for call in calls if _magic(call) is None
        ).union(*(inner.called for inner in magics)),
    )


def _written(node: ast.AST) -> list[ast.expr]:
    """Return what a node assigns to in place, or calls a method of, as far as it may be part of a module."""
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return [node, node.value]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return [node.func.value]
    return []


def _dotted(node: ast.expr) -> str:
    """Return ``a.b.c``, nothing where it does not begin with a name."""
    if isinstance(node, ast.Name):
        return node.id
    start = _dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{start}.{node.attr}" if start and isinstance(node, ast.Attribute) else ""


@functools.lru_cache(maxsize=64)
def parse(code: str) -> ast.Module | None:
    """Return the syntax tree of a cell's code, magics as the calls that IPython makes of them; None for no code.

    It is shared: to be left as it is.
    """
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    transformer = sys.modules.get("IPython.core.inputtransformer2")
    try:
        return ast.parse(transformer.TransformerManager().transform_cell(code)) if transformer else None
    except Exception:
        return None


def _is_computed(call: ast.Call) -> bool:
    """Whether a call is ``vars()``, or ``getattr`` and the like with a name that is not a literal."""
    if not isinstance(call.func, ast.Name):
        return False
    if call.func.id == "vars":
        return not call.args
    return call.func.id in {"getattr", "setattr", "delattr"} and not (
        len(call.args) >= 2 and isinstance(call.args[1], ast.Constant)
    )


def _names_the_machinery(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in {"_getframe", "currentframe", "f_globals", "f_locals", "__globals__", "get_objects"}
    if isinstance(node, ast.Import):
        return any(alias.name == "__main__" for alias in node.names)
    return isinstance(node, ast.ImportFrom) and node.module == "__main__"


def _magic(call: ast.Call) -> Mentioned | None:
    """Return what ``get_ipython().run_line_magic(...)`` and the like can name; None where that cannot be told."""
    match call:
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=method),
            args=[ast.Constant(value=str(first)), *rest],
        ):
            texts = [arg.value for arg in rest if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        case _:
            return None
    if method in {"system", "getoutput"} or (method.startswith("run_") and first in _HARMLESS_MAGICS):
        return Mentioned(frozenset(), False)
    if method.startswith("run_") and first in _CODE_MAGICS and texts:
        inner = [mentioned(re.sub(r"^(-\w+(\s+\d+)?\s+)*", "", text)) for text in texts]
        return Mentioned(
            frozenset().union(*(each.names for each in inner)),
            any(each.everything for each in inner),
            frozenset().union(*(each.dotted for each in inner)),
            frozenset().union(*(each.written for each in inner)),
            frozenset().union(*(each.called for each in inner)),
        )
    return None


def candidates(code: str, view: Mapping[str, Any], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return those variables of ``namespace`` that ``code`` may change in place.

    ``view`` is the mapping in which the code's names are looked up; it may be another one than ``namespace``.
    """
    said = mentioned(code)
    if not said.everything:
        start = [view[name] for name in said.names if name in view]
        start += [_in_module(text, view) for text in said.dotted]
        start = [value for value in start if type(value) not in ATOMS or type(value) in (FunctionType, type)]
        if not start:
            return {}
        known = variables(namespace)
        walk = _Walk(view, known)
        if walk.go(start):
            return _found(walk.seen, known)
    return {name: value for name, value in variables(namespace).items() if _can_change(value)}


def may_draw(code: str, view: Mapping[str, Any]) -> bool:
    """Whether ``code`` may use one of the ``random_states``: whether it calls anything but what surely does not."""
    said = mentioned(code)
    return said.everything or any(name not in _DRAWING_NOTHING or name in view for name in said.called)


def random_states() -> dict[str, Any]:
    """Return the random generators that all code shares, Python's and numpy's, as far as they are loaded."""
    found = {name: getattr(sys.modules.get(home), kept, None) for name, (home, kept) in _GENERATORS.items()}
    return {name: generator for name, generator in found.items() if generator is not None}


_GENERATORS = {
    "Python's random state": ("random", "_inst"),
    "numpy's random state": ("numpy.random.mtrand", "_rand"),
}


def _in_module(dotted: str, view: Mapping[str, Any]) -> Any:
    """Return what ``module.name`` is, None where it does not begin with a module; no code of a module's runs."""
    first, *rest = dotted.split(".")
    value = view.get(first)
    for place, name in enumerate(rest):
        if type(value) is not ModuleType:
            return value if place else None
        value = vars(value).get(name)
    return value if type(view.get(first)) is ModuleType else None


def needed(code: str, namespace: Mapping[str, Any]) -> list[str]:
    """Return the names in ``namespace`` that ``code`` reads, and those that the functions and classes among them need.

    What others may refer to comes first: classes, then functions.
    """
    said = mentioned(code)
    known = variables(namespace)
    names = {name for name in said.names if name in namespace and (name in known or name.startswith("_"))}
    walk = _Walk(namespace, {})
    if said.everything or not walk.go([namespace[name] for name in names]):
        names |= known.keys()
        walk.go(list(known.values()))
    functions = [value for value in walk.seen.values() if type(value) is FunctionType and walk.is_users(value)]
    names |= {name for function in functions for name in _names_in(function.__code__) if name in known}
    bases = {id(base) for value in walk.seen.values() if is_a(value, type) for base in type.mro(value)}
    names |= {name for name, value in known.items() if id(value) in walk.seen or id(value) in bases}
    return sorted(names, key=lambda name: _rank(namespace[name]))


def _rank(value: object) -> tuple[int, int]:
    """Bases before the classes made of them, those before functions, and then the rest."""
    if is_a(value, type):
        return 0, len(type.mro(value))
    return (1, 0) if type(value) is FunctionType else (2, 0)


def assigned(code: str) -> set[str]:
    """Return the names that a cell's code assigns to."""
    tree = parse(code)
    nodes = ast.walk(tree) if tree is not None else ()
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _found(seen: Mapping[int, object], known: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in known.items() if id(value) in seen and _can_change(value)}
    memory = frozenset[int]().union(*(owners(value) for value in list(seen.values())))
    if memory:
        for name, value in known.items():
            if name not in found and not memory.isdisjoint(owners(value)):
                found[name] = value
    return found


def _can_change(value: object) -> bool:
    cls = type(value)
    if cls is tuple or cls is frozenset:
        return any(_can_change(item) for item in value)  # type: ignore[attr-defined]
    if cls is FunctionType or issubclass(cls, type):
        return is_users_code(value)
    return cls not in ATOMS and not is_opaque(value)


class _Walk:
    """From objects to those they lead to: contents, attributes, and the globals that the user's functions name."""

    def __init__(self, view: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        self.seen: dict[int, object] = {}
        self._view = view
        self._variables = {id(value): value for value in known.values() if type(value) not in ATOMS}

    def go(self, start: list[Any]) -> bool:
        """Fill ``seen``; False where a function on the way may reach anything."""
        todo = [(value, 0) for value in start]
        while todo and len(self.seen) < _MOST_OBJECTS:
            value, depth = todo.pop()
            if id(value) in self.seen or (type(value) in ATOMS and type(value) not in (FunctionType, type)):
                continue
            self.seen[id(value)] = value
            if type(value) is FunctionType and self.is_users(value) and _BY_STRING & _names_in(value.__code__):
                return False
            if depth < _DEPTH:
                todo += [(item, depth + 1) for item in self._next(value)]
            else:
                todo += [(item, depth) for item in self._code_of(value)]
        return True

    def is_users(self, function: FunctionType) -> bool:
        """Whether a function is the user's, of the notebook or a module beside it, not a library's."""
        space = function.__globals__
        if space is self._view or space.get("__name__") == "__main__":
            return True
        file = space.get("__file__")
        return isinstance(file, str) and _is_users_file(file)

    def _next(self, value: Any) -> Iterator[Any]:
        yield from self._code_of(value)
        cls = type(value)
        if cls in ATOMS or is_array(cls) or is_frame(cls) or is_opaque(value):
            return
        if issubclass(cls, dict):
            yield from self._items(dict.values(value), dict.__len__(value))
        for base in (list, tuple, set, frozenset):
            if issubclass(cls, base):
                yield from self._items(base.__iter__(value), base.__len__(value))
        state = attributes(value)
        yield from self._items(state.values(), len(state))

    def _items(self, items: Iterable[Any], size: int) -> Iterator[Any]:
        items = iter(items)
        yield from itertools.islice(items, _MOST_ITEMS)
        if size > _MOST_ITEMS:
            rest = set(map(id, itertools.islice(items, _MOST_IDS)))
            yield from [value for key, value in self._variables.items() if key in rest]

    def _code_of(self, value: Any) -> Iterator[Any]:
        cls = type(value)
        if cls is FunctionType:
            yield from self._of_function(value)
        elif cls is MethodType:
            yield from (value.__self__, value.__func__)
        elif cls is functools.partial:
            yield from (value.func, *value.args, *value.keywords.values())
        elif cls is memoryview:
            yield value.obj
        elif issubclass(cls, type):
            yield from [base for base in type.mro(value) if root(base) == "__main__"]
            yield from _members(value)
        elif root(cls) == "__main__":
            yield cls

    def _of_function(self, function: FunctionType) -> Iterator[Any]:
        for cell in function.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:
                continue  # a cell not filled yet
        if self.is_users(function):
            yield from function.__defaults__ or ()
            space = function.__globals__
            yield from [space[name] for name in _names_in(function.__code__) if name in space]


@functools.lru_cache(maxsize=512)
def _is_users_file(file: str) -> bool:
    """Whether a module lies neither in Python's own folders nor where packages are installed."""
    if {"site-packages", "dist-packages"}.intersection(os.path.normpath(file).split(os.sep)):
        return False
    return not file.startswith((sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)))


def _members(cls: type) -> Iterator[Any]:
    """Yield the functions and class attributes of a class of the user's and of its bases of the user's."""
    for base in type.__dict__["__mro__"].__get__(cls):
        if root(base) != "__main__":
            continue
        for member in list(base.__dict__.values()):
            if type(member) in (staticmethod, classmethod):
                yield member.__func__
            elif type(member) is property:
                yield from filter(None, (member.fget, member.fset, member.fdel))
            elif type(member) is functools.cached_property:
                yield member.func
            elif type(member) not in ATOMS or type(member) is FunctionType:
                yield member


@functools.lru_cache(maxsize=2048)
def _names_in(code: CodeType) -> frozenset[str]:
    inner = [_names_in(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(code.co_names).union(*inner)
