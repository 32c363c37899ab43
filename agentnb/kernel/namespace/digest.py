"""The namespace as a model reads it: short, in a fixed order, the data first."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from types import ModuleType
from typing import Any

from agentnb.kernel.namespace.kinds import is_a, lineage, variables
from agentnb.kernel.namespace.literals import looks_like_credential
from agentnb.kernel.namespace.summary import columns_of, summarize, summarize_variable
from agentnb.record.document import Change, ChangeKind

_COLUMNS = 20  # columns of a DataFrame that are listed
_CELLS = 1_000_000  # above so many cells, missing values are not counted
_NAMES = 20  # names that are listed of what was left out
_DETAIL = 10  # characters of a detail that is worth leaving out

_TABLES = ["pandas.DataFrame", "pandas.Series", "pandas.Index", "polars.DataFrame", "polars.LazyFrame", "polars.Series"]
_ARRAYS = ["numpy.ndarray", "xarray.Dataset", "xarray.DataArray", "torch.Tensor", "pyarrow.Table", "dask.DataFrame"]
_DATA = frozenset([*_TABLES, *_ARRAYS])
_SCALARS = frozenset({"builtins.int", "builtins.float", "builtins.complex", "builtins.str", "builtins.bytes"})
_CONTAINERS = frozenset({"builtins.list", "builtins.tuple", "builtins.dict", "builtins.set", "builtins.frozenset"})
_CODE = frozenset({"builtins.function", "builtins.method", "builtins.builtin_function_or_method", "builtins.type"})


def digest(namespace: Mapping[str, Any], *, hidden: Collection[str] = (), limit_chars: int = 4000) -> str:
    """Return a listing of a namespace's variables, one a line, in at most about ``limit_chars`` characters.

    Private names, IPython's own and those in ``hidden`` are left out. Tables and arrays come first, then numbers and
    strings, containers, other objects, functions and classes, and the imports in one line; by name within each. The
    text is the same for the same namespace in every process; the empty string where there is nothing to list.
    Values of variables that look like credentials are not shown; other secrets are the caller's to redact.
    """
    shown = {name: value for name, value in variables(namespace).items() if name not in hidden}
    modules = {name: value for name, value in shown.items() if is_a(value, ModuleType)}
    ranked = sorted((_rank(type(shown[name])), name) for name in shown.keys() - modules.keys())
    tail = [_imports(modules)] if modules else []
    room = limit_chars - sum(map(len, tail)) - 40 * _NAMES // 4
    lines: list[str] = []
    for place, (_, name) in enumerate(ranked):
        line = f"{name}: {_line(name, shown[name])}"
        room -= len(line) + 1
        if room < 0:
            tail.insert(0, _left_out([name for _, name in ranked[place:]]))
            break
        lines.append(line)
    return "\n".join(lines + tail)


def _rank(cls: type) -> int:
    kinds = set(lineage(cls))
    groups = (_DATA, _SCALARS | {"builtins.NoneType"}, _CONTAINERS)
    for rank, group in enumerate(groups):
        if not kinds.isdisjoint(group):
            return rank
    return len(groups) + (0 if kinds.isdisjoint(_CODE) else 1)


def _left_out(names: list[str]) -> str:
    listed = ", ".join(names[:_NAMES]) + (", …" if len(names) > _NAMES else "")
    return f"({len(names)} more not shown here, `%whos` lists all: {listed})"[:400]


def _imports(modules: Mapping[str, ModuleType]) -> str:
    parts = []
    for name in sorted(modules):
        full = str(vars(modules[name]).get("__name__", name))
        parts.append(name if full == name else f"{name} ({full})")
    return "imported: " + ", ".join(parts)


def _line(name: str, value: Any) -> str:
    known = next((_LINES[kind] for kind in lineage(type(value)) if kind in _LINES), None)
    try:
        return known(value) if known else summarize_variable(name, value)
    except Exception:  # a table or function that breaks when it is looked at
        return summarize_variable(name, value)


def _pandas_frame(frame: Any) -> str:
    rows, width = frame.shape
    text = f"{type(frame).__name__} {rows:,} × {width:,}"
    if type(frame.index).__name__ != "RangeIndex":
        names = [str(name) for name in frame.index.names if name is not None]
        text += f", {type(frame.index).__name__}" + (f" ({', '.join(names)[:60]})" if names else "")
    text += f": {columns_of(frame, _COLUMNS)}" if width else ""
    if 0 < rows * width <= _CELLS:
        missing = frame.isna().sum()
        counts = [f"{name!s:.40} {count:,}" for name, count in missing.items() if count][:_COLUMNS]
        text += f" (missing: {', '.join(counts)})" if counts else ""
    return _flat(text)


def _polars_frame(frame: Any) -> str:
    rows, width = frame.shape
    return _flat(f"{type(frame).__name__} (polars) {rows:,} × {width:,}: {columns_of(frame, _COLUMNS)}")


def _flat(text: str) -> str:
    return " ".join(text.split())[:1000].encode("utf-8", "replace").decode()


def _with_doc(value: Any) -> str:
    doc = value.__doc__ if isinstance(value.__doc__, str) else ""
    first = inspect.cleandoc(doc).partition("\n")[0].strip() if doc else ""
    return summarize(value) + (f": {_flat(first)[:120]}" if first else "")


_LINES: dict[str, Callable[[Any], str]] = {
    "pandas.DataFrame": _pandas_frame,
    "polars.DataFrame": _polars_frame,
    "builtins.function": _with_doc,
    "builtins.type": _with_doc,
}

_WORDS: dict[ChangeKind, str] = {
    "added": "added",
    "rebound": "rebound",
    "mutated": "changed in place",
    "deleted": "deleted",
}


def digest_changes(
    changes: list[Change], *, limit_chars: int = 2000, told: Callable[[str], bool] = lambda detail: False
) -> str:
    """Return changes as text for a model: ``changed in place df: DataFrame 3 × 2 (was DataFrame 3 × 1)``.

    A line for each kind of change, those of one kind after one another. What follows the colon in a summary (a table's
    columns) becomes ``…`` where ``told`` says that the model has read it, or where it stands in the text already. Where
    the changes take more than ``limit_chars`` characters the rest is named only; empty where there are none.
    """
    text, lead = "", ""

    def known(detail: str) -> bool:
        return detail in text or told(detail)

    for place, change in enumerate(changes):
        entry = _change_text(change, known)
        before, lead = lead, _WORDS[change.kind] + ("" if change.scope == "user" else f" [{change.scope}]")
        more = f"; {entry}" if lead == before else f"\n{lead} {entry}"
        if len(text) + len(more) > limit_chars:
            names = ", ".join(change.name for change in changes[place : place + _NAMES])
            return f"{text}\n({len(changes) - place} more: {names})".lstrip()
        text += more
    return text.lstrip()


def _change_text(change: Change, told: Callable[[str], bool]) -> str:
    text = change.name
    hidden = looks_like_credential(change.name)
    if change.after:
        text += f": {_abridged(change.after, told)}"
    if change.before and change.before != change.after and not (hidden and change.after):
        text += f" (was {_abridged(change.before, lambda detail: told(detail) or detail in text)})"
    return text


def _abridged(summary: str, told: Callable[[str], bool]) -> str:
    head, _, detail = summary.partition(": ")
    is_value = "'" in head or '"' in head  # the colon is part of a string
    return f"{head}: …" if len(detail) >= _DETAIL and not is_value and told(detail) else summary
