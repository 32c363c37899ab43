"""States of polars' tables: a clone shares all columns, and a write to a shared column makes a new one.

So a state costs next to nothing, and columns that lie where they lay are as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentnb.kernel.namespace.kinds import lineage, root
from agentnb.kernel.undo.states import Kind, nothing

_INNER = {"polars.DataFrame": "_df", "polars.Series": "_s"}


def polars_kind(cls: type) -> Kind | None:
    """Return how a DataFrame or Series of polars is kept, None for all other classes."""
    if root(cls) != "polars":
        return None
    inner = next((_INNER[name] for name in lineage(cls) if name in _INNER), None)
    return None if inner is None else _kind(inner, _same_frames if inner == "_df" else _same_series)


def _kind(inner: str, same: Callable[[Any, Any], bool]) -> Kind:
    def copy(value: Any) -> Any:
        return value.clone()

    def restore(value: Any, state: Any) -> None:
        setattr(value, inner, getattr(state.clone(), inner))

    return Kind(copy, nothing, same, restore, alike_states=same)


def _same_frames(one: Any, other: Any) -> bool:
    if one.shape != other.shape or one.schema != other.schema:
        return False
    return all(map(_same_series, one.get_columns(), other.get_columns()))


def _same_series(one: Any, other: Any) -> bool:
    if one.name != other.name or one.dtype != other.dtype or len(one) != len(other):
        return False
    places = _places(one)
    return (places is not None and places == _places(other)) or bool(one.equals(other, null_equal=True))


def _places(series: Any) -> Any:
    """Return where a column lies in memory, None where that cannot be told."""
    try:
        array = series.to_arrow(compat_level=_newest())
        return array.offset, len(array), [each and (each.address, each.size) for each in array.buffers()]
    except Exception:  # no pyarrow, or a type that it does not know
        return None


def _newest() -> Any:
    import polars

    return polars.CompatLevel.newest()
