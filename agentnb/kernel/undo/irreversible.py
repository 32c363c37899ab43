"""What of an action cannot be undone, told from its code and the variables before it runs.

Static and therefore a guess: what a function of a library or a tool does inside is not looked at.
"""

from __future__ import annotations

import builtins
import re
import types
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from agentnb.kernel.analysis import recognised as known
from agentnb.kernel.analysis.effects import effects
from agentnb.kernel.namespace.fingerprint import is_opaque
from agentnb.kernel.namespace.kinds import ATOMS, is_a, root, type_name
from agentnb.kernel.namespace.reach import mentioned
from agentnb.kernel.namespace.tables import is_array
from agentnb.kernel.undo.memento import Memento

_LASTING = (known.WRITES, known.PROGRAMS, known.PACKAGES, known.NETWORK, known.SETTINGS)
_WORD = re.compile(r"[^\W\d]\w*")
_SIGNS = frozenset(
    {part for name in (*known.FUNCTIONS, *known.METHODS, *known.MODULES) for part in name.split(".")}
    | {"open", "os", "writefile", "environ"}
)
"""Words without which nothing of the kind is recognised, unless a name stands for a module or function."""


def irreversible(code: str, namespace: Mapping[str, Any]) -> list[str]:
    """Return what ``code`` does that no undo takes back, a phrase each: ``writes files (df.to_csv())``.

    ``namespace`` is where its names are looked up. Empty where nothing of the kind is seen. Never raises.
    """
    if not _may_last(code, namespace):
        return []
    kinds = effects(code, namespace).kinds
    return [f"{kind} ({_listed(sorted(kinds[kind]))})" for kind in _LASTING if kind in kinds]


def _may_last(code: str, namespace: Mapping[str, Any]) -> bool:
    """Whether a closer look is due: most actions name nothing that lasts."""
    if "!" in code or "%" in code or not _SIGNS.isdisjoint(_WORD.findall(code)):
        return True
    said = mentioned(code)
    if any(_home(namespace[name]) in known.MODULES for name in said.names if name in namespace):
        return True
    return any(is_a(namespace.get(text.partition(".")[0]), ModuleType) for text in said.written)


def _home(value: object) -> str:
    """Return the package of a module or function, nothing for other values."""
    if is_a(value, ModuleType):
        return value.__name__.partition(".")[0]
    home = getattr(value, "__module__", None) if type(value) in ATOMS else None
    return home.partition(".")[0] if isinstance(home, str) else ""


# --- variables --------------------------------------------------------------------------------------------------------

_HIDDEN = frozenset({"_io", "io", "sqlite3", "_sqlite3", "socket", "_socket", "ssl", "subprocess", "queue", "_queue"})
_HIDDEN |= {"matplotlib", "ipywidgets", "itertools", "multiprocessing"}
_ITERATORS = frozenset({"generator", "async_generator", "coroutine", "zip", "map", "filter", "enumerate", "reversed"})
_BUILTIN = frozenset(vars(builtins)) | {type_name(kept) for kept in vars(types).values() if isinstance(kept, type)}
_BUILTIN |= {"PyCapsule", "weakref", "odict_items", "odict_keys", "odict_values"}


def uncovered(code: str, view: Mapping[str, Any], before: Memento | None) -> list[str]:
    """Return phrases on the variables that an action may change in place and that could not be put back then.

    ``view`` is where the code's names are looked up, ``before`` what was kept.
    """
    found = {name: [view[name]] for name in mentioned(code).names if name in view and is_opaque(view[name])}
    hidden, large = _hidden(found), list[str]()
    if before is not None:
        hidden |= _hidden(before.uncovered)
        large = [
            name
            for name, objects in before.uncovered.items()
            if not objects or any(is_array(type(value)) for value in objects)
        ]
    why = f" ({before.refused})" if before is not None and before.refused else ""
    return [
        *([f"changes of what is too large to be kept{why}: {_listed(large)}"] if large else []),
        *([f"changes of what keeps its state to itself: {_listed(list(hidden.values()))}"] if hidden else []),
    ]


def _hidden(objects: Mapping[str, list[Any]]) -> dict[str, str]:
    kinds = {name: sorted({type_name(type(v)) for v in values if _keeps_state(v)}) for name, values in objects.items()}
    return {name: f"{name} ({', '.join(names[:3])})" for name, names in kinds.items() if names}


def _keeps_state(value: object) -> bool:
    cls = type(value)
    if is_array(cls) or cls in ATOMS or issubclass(cls, type):
        return False
    home, name = root(cls), type_name(cls)
    if home == "builtins":  # or of an extension module that does not say whose it is
        return name in _ITERATORS or name.endswith("iterator") or name not in _BUILTIN
    if home == "weakref":
        return name.startswith("Weak")
    return home in _HIDDEN or (home not in _HARMLESS and not (home in _CONSTANT and _CONSTANT[home].search(name)))


_HARMLESS = frozenset(
    {"_thread", "threading", "agentnb", "IPython", "ipykernel", "weakref", "_weakref", "logging", "contextvars"}
    | {"asyncio", "_asyncio", "concurrent", "zmq", "traitlets", "types", "typing", "selectors", "functools", "enum"}
    | {"re", "datetime", "decimal", "uuid", "pathlib", "numpy", "pandas", "smolagents", "openai", "httpx", "requests"}
    | {"zoneinfo", "_zoneinfo", "_abc", "polars", "pydantic_core", "inspect", "_struct", "_sre"}
)
"""Packages whose objects without a state of their own either cannot change, or are nobody's data."""

_CONSTANT = {
    "pyarrow": re.compile(r"(Array|Scalar|Type|Table|RecordBatch|Schema|Field)$"),
    "_collections": re.compile("_tuplegetter"),
    "_ctypes": re.compile("CField"),
    "sklearn": re.compile("(Loss|Error|Deviance)$"),
}
"""Classes of other packages whose objects cannot change."""


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
