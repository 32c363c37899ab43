"""How what a branch made of a variable differs from what it was: two values that share no objects, told by content.

What they lead to is compared pair by pair: what is alike counts as the same, what can be looked into has its own lines.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from agentnb.kernel.namespace.containers import attribute_lines, dict_lines, key_text, list_lines
from agentnb.kernel.namespace.details import LINES, between
from agentnb.kernel.namespace.fingerprint import fingerprint
from agentnb.kernel.namespace.kinds import ATOMS, attributes
from agentnb.kernel.namespace.literals import looks_like_credential
from agentnb.kernel.namespace.objects import is_estimator
from agentnb.kernel.namespace.polars_lines import is_polars
from agentnb.kernel.namespace.tables import is_array, is_frame
from agentnb.kernel.undo.states import same_object

_DEPTH = 4
_MOST = 20_000
"""Entries of a container up to which they are compared one by one."""


def differences(name: str, was: Any, value: Any, deadline: float) -> list[str]:
    """Return at most a dozen lines on what became of a variable; none where its name is that of a secret."""
    if looks_like_credential(name):
        return []
    try:
        return list(itertools.islice(_walk("", was, value, deadline, _DEPTH), LINES))
    except Exception:  # an object of a library that breaks when it is looked at
        return []


class _Pair(NamedTuple):
    path: str
    was: Any
    value: Any


def _walk(path: str, was: Any, value: Any, deadline: float, depth: int) -> Iterator[str]:
    if type(was) is not type(value):
        return
    deeper: list[_Pair] = []
    sizes = _size(was), _size(value)
    if max(sizes) > _MOST:
        lines = iter([f"entries: {sizes[0]:,} → {sizes[1]:,}"] if sizes[0] != sizes[1] else [])
    elif (before := _parts(was)) is None or (after := _parts(value)) is None:
        lines = between(was, value, deadline)
    else:
        after, deeper = _matched(path, value, before, after, deadline)
        lines = _lines(value, before, after)
    yield from (f"{path}: {line}" if path else line for line in lines)
    for pair in deeper if depth else ():
        yield from _walk(*pair, deadline, depth - 1)


def _size(value: Any) -> int:
    """Return how many entries a container has; of others 0."""
    cls = type(value)
    return next((kind.__len__(value) for kind in (dict, list, tuple) if issubclass(cls, kind)), 0)


def _parts(value: Any) -> dict[Any, Any] | None:
    """Return what an object leads to, by key, place or attribute; None where it is compared as a whole."""
    cls = type(value)
    if is_frame(cls) or is_array(cls) or is_polars(cls) or issubclass(cls, (set, frozenset)):
        return None
    if issubclass(cls, dict):
        return dict(dict.items(value))
    if issubclass(cls, (list, tuple)):
        return dict(enumerate(value))
    return attributes(value)


def _matched(
    path: str, value: Any, before: dict[Any, Any], after: dict[Any, Any], deadline: float
) -> tuple[dict[Any, Any], list[_Pair]]:
    """Return ``after`` with the former parts in the place of those that are alike or told apart, and the latter."""
    matched, deeper = dict(after), []
    inside = not is_estimator(type(value))
    for key, part in after.items():
        was = before.get(key, part)
        if was is part or type(was) is not type(part):
            continue
        if type(part) in ATOMS:
            alike = same_object(was, part)
        else:
            # late, it is not looked at: to say nothing is better than to say wrong
            alike = time.perf_counter() > deadline or fingerprint(was, deadline=deadline).digest == (
                fingerprint(part, deadline=deadline).digest
            )
            if not alike and inside and (_parts(part) or is_frame(type(part)) or is_array(type(part))):
                alike = True
                deeper.append(_Pair(path + _way(value, key), was, part))
        if alike:
            matched[key] = was
    return matched, deeper


def _way(value: Any, key: Any) -> str:
    return f"[{key_text(key)}]" if isinstance(value, (dict, list, tuple)) else f".{key}"


def _lines(value: Any, before: dict[Any, Any], after: dict[Any, Any]) -> Iterator[str]:
    if isinstance(value, dict):
        return dict_lines(before, after, "entry", "entries")
    if isinstance(value, (list, tuple)):
        return list_lines(list(before.values()), list(after.values()))
    return attribute_lines(value, before, after)
