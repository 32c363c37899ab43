"""One line for any object: type, shape, columns, size, and a value only where that is safe and short.

Nothing here imports a library or calls code of the user's classes: libraries are known by the names of their classes,
and ``repr`` is called on builtins and a few well-known value types only.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from typing import Any

from agentnb.kernel.namespace.kinds import lineage, root, type_name
from agentnb.kernel.namespace.literals import atom, ellipsis, looks_like_credential
from agentnb.kernel.namespace.objects import describe

_TEXT = 60  # characters of a string that are shown
_ITEMS = 6  # elements or keys of a container that are shown
_LOOKED_AT = 100  # elements that are looked at for their common type


def summarize_variable(name: str, value: object, *, limit: int = 200) -> str:
    """Return ``summarize(value)``, or ``str (hidden)`` where ``name`` looks like a credential's."""
    cls = type(value)
    if looks_like_credential(name) and _can_hold_secret(cls):
        return f"{type_name(cls)} (hidden)"
    return summarize(value, limit=limit)


def _can_hold_secret(cls: type) -> bool:
    plain = {"builtins.int", "builtins.float", "builtins.NoneType", "builtins.function", "builtins.type"}
    return root(cls) in {"builtins", "collections"} and plain.isdisjoint(lineage(cls)) and type_name(cls) != "module"


def summarize(value: object, *, limit: int = 200) -> str:
    """Return one line of at most ``limit`` characters about any object, e.g. ``ndarray (100, 3) float64``.

    Never raises. The text holds no memory address and is the same for the same object in every process.
    """
    cls = type(value)
    try:
        text = _describe(value, cls)
    except Exception:  # a broken object of some library; its type is still worth showing
        text = type_name(cls)
    return _one_line(text, limit)


def _describe(value: Any, cls: type) -> str:
    for kind in lineage(cls):
        if kind == "builtins.object":
            break
        known = _KINDS.get(kind)
        if known is not None:
            return known(value)
    return describe(value, cls)


def _one_line(text: str, limit: int) -> str:
    text = text[: limit + 1]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


# --- values -----------------------------------------------------------------------------------------------------------


def _int(value: int) -> str:
    bits = int.bit_length(value)
    return f"{type_name(type(value))} {int.__repr__(value)}" if bits <= 256 else f"int of {bits:,} bits"


def _bool(value: bool) -> str:
    return f"bool {value}"


def _float(value: float) -> str:
    return f"float {float.__repr__(value)}"


def _str(value: str) -> str:
    size, start = str.__len__(value), str.__getitem__(value, slice(_TEXT))
    return f"str {start!r}" if size <= _TEXT else f"str of {size:,}: {start!r}…"


def _bytes(value: bytes) -> str:
    view = memoryview(value)
    start, more = bytes(view[:20]), "…" if len(view) > 20 else ""
    return f"{type_name(type(value))} of {len(view):,}: {start!r}{more}"


def _repr(value: object) -> str:
    cls = type(value)
    return ellipsis(repr(value), 80) if root(cls) in _VALUE_PACKAGES else type_name(cls)  # not of a user's subclass


def _scalar(value: Any) -> str:
    return f"{type_name(type(value))} {ellipsis(str(value), 60)}"


def _enum(value: Any) -> str:
    return f"{type_name(type(value))}.{value._name_}"


# --- containers -------------------------------------------------------------------------------------------------------


def _preview(atoms: Iterable[str], size: int) -> str:
    shown = list(itertools.islice(atoms, _ITEMS))
    return ", ".join(shown) + (", …" if size > len(shown) else "")


def _sequence(value: Any, items: Iterable[object], size: int, *, ordered: bool = True) -> str:
    """Return ``list of 3 int: 1, 2, 3``; the elements are shown where the first of them are small builtin values."""
    head = list(itertools.islice(items, _LOOKED_AT))
    names = sorted({type_name(type(item)) for item in head})
    text = f"{type_name(type(value))} of {size:,}"
    if names:
        text += " " + (" | ".join(names[:3]) + (" | …" if len(names) > 3 else ""))
    literals = [atom(item) for item in (head[:_ITEMS] if ordered else head)]
    if not literals or None in literals or (not ordered and size > _LOOKED_AT):
        return text
    shown = [literal for literal in literals if literal is not None]
    return f"{text}: {_preview(shown if ordered else sorted(shown), size)}"  # a set's order differs between processes


def _list(value: list[Any]) -> str:
    return _sequence(value, list.__iter__(value), list.__len__(value))


def _tuple(value: tuple[Any, ...]) -> str:
    return _sequence(value, tuple.__iter__(value), tuple.__len__(value))


def _set(value: set[Any]) -> str:
    return _sequence(value, set.__iter__(value), set.__len__(value), ordered=False)


def _frozenset(value: frozenset[Any]) -> str:
    return _sequence(value, frozenset.__iter__(value), frozenset.__len__(value), ordered=False)


def _deque(value: Any) -> str:
    items = list(itertools.islice(iter(value), _LOOKED_AT)) if type(value).__module__ == "collections" else []
    return _sequence(value, items, len(value) if items else 0)


def _dict(value: dict[Any, Any]) -> str:
    """Return ``dict of 2: 'a': 1, 'b': 2`` where it is small and plain, else the keys."""
    size = dict.__len__(value)
    head = list(itertools.islice(dict.items(value), _ITEMS))
    keys = [atom(key) or type_name(type(key)) for key, _ in head]
    text = f"{type_name(type(value))} of {size:,}" + (": " if head else "")
    values = ["(hidden)" if type(k) is str and looks_like_credential(k) else atom(v) for k, v in head]
    pairs = [f"{key}: {literal}" for key, literal in zip(keys, values, strict=True) if literal is not None]
    if size <= _ITEMS and len(pairs) == size and sum(map(len, pairs)) <= 100:
        return text + ", ".join(pairs)
    return text + _preview(keys, size)


# --- tables and arrays ------------------------------------------------------------------------------------------------


def shorten_dtype(dtype: object) -> str:
    """Return a dtype's name without its unit: ``datetime64[ns]`` is ``datetime64``."""
    return re.sub(r"^(datetime64|timedelta64)\[\w+\]$", r"\1", ellipsis(str(dtype), 30))


def label(value: object) -> str:
    """Return a column's label as text."""
    if type(value) is str:
        return ellipsis(value, 40)
    if type(value) is tuple:
        return "(" + ", ".join(label(part) for part in value) + ")"
    return atom(value) or (ellipsis(str(value), 40) if root(type(value)) in _VALUE_PACKAGES else type_name(type(value)))


def columns_of(frame: Any, most: int) -> str:
    """Return ``a int64, b float64, …`` for a pandas or polars DataFrame, at most ``most`` columns."""
    pairs = itertools.islice(zip(frame.columns, frame.dtypes, strict=True), most)
    text = ", ".join(f"{label(name)} {shorten_dtype(dtype)}" for name, dtype in pairs)
    return text + (f", … {len(frame.columns) - most:,} more" if len(frame.columns) > most else "")


def _frame(value: Any) -> str:
    rows, width = value.shape
    text = f"{type_name(type(value))} {rows:,} × {width:,}"
    return f"{text}: {columns_of(value, 12)}" if width else text


def _series(value: Any) -> str:
    name = "" if value.name in (None, "") else f" {label(value.name)!r}"
    return f"{type_name(type(value))} {len(value):,} {shorten_dtype(value.dtype)}{name}"


def _index(value: Any) -> str:
    return f"{type_name(type(value))} {len(value):,} {shorten_dtype(getattr(value, 'dtype', ''))}".rstrip()


def _array(value: Any) -> str:
    text = f"{type_name(type(value))} {tuple(value.shape)} {ellipsis(str(value.dtype), 40)}"
    if root(type(value)) == "numpy" and value.dtype.kind in "biuf" and 0 < value.size <= _ITEMS:
        text += f": {_preview([repr(item) for item in value.ravel().tolist()], value.size)}"
    if root(type(value)) == "numpy" and value.dtype.kind == "O" and value.size:
        names = sorted({type_name(type(item)) for item in itertools.islice(value.flat, _LOOKED_AT)})
        text += f" of {' | '.join(names[:3])}" + (" | …" if len(names) > 3 else "")
    return text


def _data_array(value: Any) -> str:
    sizes = ", ".join(f"{label(name)} {size:,}" for name, size in zip(value.dims, value.shape, strict=True))
    return f"{type_name(type(value))} ({sizes}) {value.dtype}"


def _dataset(value: Any) -> str:
    sizes = ", ".join(f"{label(name)} {size:,}" for name, size in dict(value.sizes).items())
    return f"{type_name(type(value))} ({sizes}): {_preview(map(label, value.data_vars), len(value.data_vars))}"


# --- code and other objects -------------------------------------------------------------------------------------------


def signature(function: Any) -> str:
    """Return ``(x, y=1, *args)`` of a Python function, from its code object alone."""
    code, defaults, kw = function.__code__, function.__defaults__ or (), function.__kwdefaults__ or {}
    names = code.co_varnames
    positional, keyword = code.co_argcount, code.co_kwonlyargcount
    first = positional - len(defaults)
    parts = [n if i < first else f"{n}={_default(defaults[i - first])}" for i, n in enumerate(names[:positional])]
    if code.co_posonlyargcount:
        parts.insert(code.co_posonlyargcount, "/")
    after = positional + keyword
    if code.co_flags & 0x04:
        parts.append(f"*{names[after]}")
        after += 1
    elif keyword:
        parts.append("*")
    parts += [f"{n}={_default(kw[n])}" if n in kw else n for n in names[positional : positional + keyword]]
    if code.co_flags & 0x08:
        parts.append(f"**{names[after]}")
    return f"({', '.join(parts)})"


def _default(value: object) -> str:
    return atom(value) or "…"


def _function(value: Any) -> str:
    kind = "async function" if value.__code__.co_flags & 0x280 else "function"
    return f"{kind} {value.__name__}{signature(value)}"


def _method(value: Any) -> str:
    owner = value.__self__ if isinstance(value.__self__, type) else type(value.__self__)
    return f"method {type_name(owner)}.{value.__func__.__name__}"


def _class(value: type) -> str:
    bases = [type_name(base) for base in value.__bases__ if base is not object]
    return f"class {type_name(value)}" + (f"({', '.join(bases)})" if bases else "")


def _module(value: Any) -> str:
    return f"module {vars(value).get('__name__', '?')}"


def _coroutine(value: Any) -> str:
    return f"coroutine {value.__name__} (not awaited)"


def _exception(value: BaseException) -> str:
    first = value.args[0] if value.args else None
    return type_name(type(value)) + (f": {ellipsis(first, 100)}" if type(first) is str else "")


_VALUE_PACKAGES = frozenset({"datetime", "decimal", "fractions", "uuid", "pathlib", "numpy", "pandas", "re"})

_KINDS: dict[str, Callable[[Any], str]] = {
    "builtins.NoneType": lambda _: "None",
    "builtins.bool": _bool,
    "builtins.int": _int,
    "builtins.float": _float,
    "builtins.complex": lambda value: f"complex {complex.__repr__(value)}",
    "builtins.str": _str,
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytes,
    "builtins.range": repr,
    "builtins.slice": lambda _: "slice",
    "builtins.list": _list,
    "builtins.tuple": _tuple,
    "builtins.set": _set,
    "builtins.frozenset": _frozenset,
    "builtins.dict": _dict,
    "collections.deque": _deque,
    "enum.Enum": _enum,
    **dict.fromkeys(["datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta"], _repr),
    **dict.fromkeys(["decimal.Decimal", "fractions.Fraction", "uuid.UUID", "pathlib.PurePath", "re.Pattern"], _repr),
    **dict.fromkeys(["pandas.Timestamp", "pandas.Timedelta", "pandas.Period", "pandas.Interval"], _repr),
    **dict.fromkeys(["pandas.NaTType", "pandas.NAType", "pathlib.Path"], _repr),
    **dict.fromkeys(["numpy.number", "numpy.bool", "numpy.datetime64", "numpy.timedelta64"], _scalar),
    **dict.fromkeys(["pandas.DataFrame", "polars.DataFrame"], _frame),
    **dict.fromkeys(["pandas.Series", "polars.Series"], _series),
    "pandas.Index": _index,
    **dict.fromkeys(["numpy.ndarray", "torch.Tensor", "jaxlib.ArrayImpl", "cupy.ndarray", "dask.Array"], _array),
    **dict.fromkeys(["scipy.spmatrix", "scipy.sparray", "scipy._spbase"], _array),
    **dict.fromkeys(["pandas.ExtensionArray"], _index),
    "xarray.DataArray": _data_array,
    "xarray.Dataset": _dataset,
    "pyarrow.Table": lambda value: (
        f"Table {value.num_rows:,} × {value.num_columns:,}: "
        + _preview((f"{field.name} {field.type}" for field in value.schema), value.num_columns)
    ),
    "builtins.function": _function,
    "builtins.method": _method,
    "builtins.builtin_function_or_method": lambda value: f"builtin function {value.__name__}",
    "builtins.type": _class,
    "builtins.module": _module,
    "builtins.coroutine": _coroutine,
    "builtins.BaseException": _exception,
}
