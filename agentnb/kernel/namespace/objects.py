"""One line for an object that is no value, container or table: what it was made with, or what it shows.

The user's own objects and plain records show their attributes, an object of a library what it was given at its making
where that is not the default: the rest of its attributes says nothing to somebody who knows the class. Texts are not
shown, they may be secrets, but for the settings of models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any

from agentnb.kernel.namespace.kinds import attributes, lineage, root, type_name
from agentnb.kernel.namespace.literals import atom, ellipsis, looks_like_credential

_SHOWN = 6
_RECORDS = frozenset({"types.SimpleNamespace", "argparse.Namespace", "pydantic.BaseModel"})
_SIZED: dict[type, Callable[[Any], int]] = {
    list: list.__len__,
    tuple: tuple.__len__,
    dict: dict.__len__,
    set: set.__len__,
    frozenset: frozenset.__len__,
}
_MISSING: Any = object()


def describe(value: Any, cls: type) -> str:
    """Return ``Config(rate=0.1, depth=3, tags=list of 2)`` or the like for any object; may raise for a broken one."""
    known = next((_KNOWN[kind] for kind in lineage(cls) if kind in _KNOWN), None)
    if known is not None:
        return known(value)
    state = attributes(value)
    if is_estimator(cls):
        return _estimator(cls, state)
    if root(cls) == "__main__" or not _RECORDS.isdisjoint(lineage(cls)) or "__dataclass_fields__" in cls.__dict__:
        shown = [(name, kept) for name, kept in state.items() if isinstance(name, str) and not name.startswith("_")]
        return type_name(cls) + _in_brackets([f"{name}={_short(name, kept)}" for name, kept in shown])
    return type_name(cls) + _in_brackets(list(_given(cls, state, texts=False)))


def is_estimator(cls: type) -> bool:
    """Whether objects of a class are fitted: it, or a base of it, has a method ``fit``."""
    return any(isinstance(base.__dict__.get("fit"), FunctionType) for base in cls.__mro__)


def _estimator(cls: type, state: Mapping[str, Any]) -> str:
    steps = state.get("steps")
    parts = [each[-1] for each in steps if type(each) is tuple and each] if type(steps) is list else []
    names = [name for part in [state, *map(attributes, parts)] for name in part]
    learned = any(name.endswith("_") and not name.startswith("_") for name in names)
    given = [type_name(type(part)) for part in parts] or list(_given(cls, state, texts=True))
    text = type_name(cls) + _in_brackets(given)
    width = state.get("n_features_in_")
    of = f" on {width:,} features" if type(width) is int else ""
    return f"fitted {text}{of}" if learned else f"{text} (not fitted)"


def _given(cls: type, state: Mapping[str, Any], *, texts: bool) -> Iterator[str]:
    """Yield ``name=value`` of what an object was made with, where its attribute of that name is not the default."""
    for name, default in _parameters(cls):
        kept = state.get(name, _MISSING)
        literal = atom(kept) if type(kept) is not str or texts else None
        if literal is not None and kept is not None and literal != atom(default):
            yield f"{name}={'(hidden)' if looks_like_credential(name) else literal}"


def _parameters(cls: type) -> list[tuple[str, Any]]:
    make = next((base.__dict__["__init__"] for base in cls.__mro__ if "__init__" in base.__dict__), None)
    if not isinstance(make, FunctionType):
        return []
    code, defaults, keywords = make.__code__, make.__defaults__ or (), make.__kwdefaults__ or {}
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    first = code.co_argcount - len(defaults) - 1
    known = dict(zip(names[first : first + len(defaults)], defaults, strict=False)) | keywords
    return [(name, known.get(name, _MISSING)) for name in names]


def _in_brackets(parts: list[str]) -> str:
    return f"({', '.join(parts[:_SHOWN])}{', …' if len(parts) > _SHOWN else ''})" if parts else ""


def _short(name: str, value: Any) -> str:
    cls = type(value)
    if looks_like_credential(name):
        return "(hidden)"
    literal = atom(value) if cls is not str else None
    if literal is not None:
        return literal
    return f"{type_name(cls)} of {_SIZED[cls](value):,}" if cls in _SIZED else type_name(cls)


# --- libraries whose objects are met often ----------------------------------------------------------------------------


def _axes(axes: Any) -> str:
    title = axes.get_title()
    drawn = {"line": axes.lines, "patch": axes.patches, "collection": axes.collections, "image": axes.images}
    parts = _counts(drawn | {"text": axes.texts})
    return "Axes" + (f" {ellipsis(title, 40)!r}" if title else "") + (f": {', '.join(parts)}" if parts else " (empty)")


def _counts(groups: Mapping[str, Iterable[Any]]) -> list[str]:
    sizes = {word: len(list(group)) for word, group in groups.items()}
    plurals = {"patch": "patches"}
    return [f"{size} {word if size == 1 else plurals.get(word, word + 's')}" for word, size in sizes.items() if size]


def _figure(figure: Any) -> str:
    width, height = figure.get_size_inches()
    return f"Figure {width:g} × {height:g} in, {len(figure.axes)} axes"


def _line(line: Any) -> str:
    label = str(line.get_label())
    return f"Line2D of {len(line.get_xdata(orig=True)):,}" + (f" {ellipsis(label, 40)!r}" if label[:1] != "_" else "")


def _groups(groups: Any) -> str:
    keys = groups.keys if isinstance(groups.keys, list) else [groups.keys]
    by = ", ".join(atom(key) or type_name(type(key)) for key in keys)
    return f"{type_name(type(groups))} by {by} of {' × '.join(f'{size:,}' for size in groups.obj.shape)}"


def _image(image: Any) -> str:
    return f"{type_name(type(image))} {image.mode} {image.width:,} × {image.height:,}"


_KNOWN: dict[str, Callable[[Any], str]] = {
    "matplotlib._AxesBase": _axes,
    "matplotlib.Figure": _figure,
    "matplotlib.Line2D": _line,
    "pandas.BaseGroupBy": _groups,
    "PIL.Image": _image,
}
