"""The difference of a polars table in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentnb.kernel.namespace.cells import values_line
from agentnb.kernel.namespace.kinds import lineage

_COLUMNS = 6
_MOST = 250_000
"""Cells of a column that are compared."""


def is_polars(cls: type) -> bool:
    """Whether a class is polars' DataFrame or Series."""
    return any(kind in ("polars.DataFrame", "polars.Series") for kind in lineage(cls))


def polars_lines(was: Any, value: Any, deadline: float) -> Iterator[str]:
    """Tell which columns are new, gone, of another dtype, and how many cells of the others changed."""
    olds, news = _columns(was), _columns(value)
    for word, names in (("added", news.keys() - olds.keys()), ("dropped", olds.keys() - news.keys())):
        if names:
            shown = [name for name in (*news, *olds) if name in names]
            more = f", … {len(shown) - _COLUMNS:,} more" if len(shown) > _COLUMNS else ""
            yield f"column{'' if len(shown) == 1 else 's'} {word}: {', '.join(shown[:_COLUMNS])}{more}"
    both = [(name, olds[name], news[name]) for name in news if name in olds]
    for name, old, new in [each for each in both if each[1].dtype != each[2].dtype][:_COLUMNS]:
        yield f"{name}: {old.dtype} → {new.dtype}"
    if len(was) != len(value):
        yield f"rows: {len(was):,} → {len(value):,}"
        return
    lines = [line for each in both if (line := _column_line(*each, deadline))]
    yield from lines[:_COLUMNS]
    if len(lines) > _COLUMNS:
        yield "… more columns"


def _columns(value: Any) -> dict[str, Any]:
    return {each.name: each for each in value.get_columns()} if hasattr(value, "get_columns") else {"values": value}


def _column_line(name: str, old: Any, new: Any, deadline: float) -> str:
    if old.dtype != new.dtype or len(new) > _MOST:
        return ""
    line = values_line(_values(old), _values(new), deadline)
    return f"{name}: {line}" if line else ""


def _values(series: Any) -> Any:
    """Return a column as an array; polars' own comparison would start its threads, and those forbid a fork."""
    import numpy as np

    if series.dtype.is_numeric() and not series.null_count():
        return series.to_numpy()
    found = np.empty(len(series), object)
    found[:] = series.to_list()
    return found
