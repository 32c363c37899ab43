"""The difference of one variable in a few lines: which columns, cells, elements, entries and attributes changed.

All lines of an action together are bounded in time: what is large is counted as far as that goes, and said to be.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from agentnb.kernel.namespace.cells import Past, array_line, compare_arrays
from agentnb.kernel.namespace.containers import attribute_lines, dict_lines, key_text, state_lines
from agentnb.kernel.namespace.kinds import ATOMS, attributes
from agentnb.kernel.namespace.literals import looks_like_credential
from agentnb.kernel.namespace.objects import is_estimator
from agentnb.kernel.namespace.polars_lines import is_polars, polars_lines
from agentnb.kernel.namespace.table_lines import former_blocks, table_lines
from agentnb.kernel.namespace.tables import is_array, is_frame
from agentnb.kernel.undo.comparison import Changed
from agentnb.kernel.undo.memento import Difference
from agentnb.kernel.undo.memory import Writes
from agentnb.kernel.undo.states import MISSING, same_object
from agentnb.record.document import ChangeKind

SECONDS = 0.03
"""What the details of one action may take."""
_PLACES = 5
_NODES = 2_000
_FEW = 10
LINES = 12
"""The most about one variable."""


class Details:
    """Tells the details of one action's changes."""

    def __init__(self, difference: Difference | None) -> None:
        self._deadline = time.perf_counter() + SECONDS
        self._writes = difference.writes if difference is not None else Writes()
        objects = difference.objects if difference is not None else []
        self._changed = {id(each.value): each for each in objects}
        self._goals = self._changed.keys() | {id(array) for array, _ in self._writes.arrays}

    def of(self, kind: ChangeKind, name: str, was: Any, value: Any) -> list[str]:
        """Return at most a dozen lines about a variable; none for what is new, gone, or looks like a secret."""
        if kind in ("added", "deleted") or looks_like_credential(name):
            return []
        try:
            found = self._inside(value) if kind == "mutated" else between(was, value, self._deadline)
            return list(itertools.islice(found, LINES))
        except Exception:  # an object of a library that breaks when it is looked at
            return []

    def _inside(self, value: Any) -> Iterator[str]:
        """Tell what was changed in place, and where below the variable that is."""
        for path, found in self._places(value):
            changed = self._changed.get(id(found))
            lines = self._lines(found, changed)
            yield from (f"{path}: {line}" if path else line for line in lines)

    def _places(self, root: Any) -> Iterator[tuple[str, Any]]:
        """Yield what changed below ``root`` with the way to it, the nearest first."""
        seen: set[int] = set()
        level, found, nodes = [("", root)], 0, 0
        while level:
            following: list[tuple[str, Any]] = []
            for path, value in level:
                nodes += 1
                if id(value) in seen or nodes > _NODES or found >= _PLACES:
                    continue
                seen.add(id(value))
                if id(value) in self._goals or is_frame(type(value)):
                    found += 1
                    yield path, value
                if nodes > _FEW and time.perf_counter() > self._deadline:
                    return
                if not is_frame(type(value)) and (not is_array(type(value)) or value.dtype.hasobject):
                    following += self._below(path, value)
            level = following

    def _below(self, path: str, value: Any) -> list[tuple[str, Any]]:
        """Return what an object leads to: what changed itself, or else the first that may lead there."""
        for parts, form in _parts(value):
            direct = ((key, part) for key, part in parts() if id(part) in self._goals)
            found = list(itertools.islice(direct, _PLACES))
            if not found:
                found = [(key, part) for key, part in itertools.islice(parts(), _NODES) if type(part) not in ATOMS]
            if found:
                return [(path + form.format(key_text(key) if form[0] == "[" else key), part) for key, part in found]
        return []

    def _lines(self, value: Any, changed: Changed | None) -> Iterator[str]:
        past = Past(self._writes, self._changed, self._deadline)
        if is_frame(type(value)):
            before, after = former_blocks(value, changed)
            yield from table_lines(before, after, past)
            yield from _own_lines(value, changed, self._changed.get(id(value.attrs)))
        elif is_array(type(value)):
            yield from array_line(value, past)
            if changed is not None and type(changed.before) is dict:
                yield from attribute_lines(value, changed.before, changed.after)
        elif changed is not None and is_polars(type(value)):
            yield from polars_lines(changed.before, changed.after, self._deadline)
        elif changed is not None:
            yield from state_lines(value, changed.before, changed.after)


def _own_lines(frame: Any, changed: Changed | None, attrs: Changed | None) -> Iterator[str]:
    """Tell of a table's name and attributes."""
    was = changed.before[0].get("_name", MISSING) if changed is not None else MISSING
    if was is not MISSING and not same_object(was, frame.name):
        yield f"name: {was!r:.40} → {frame.name!r:.40}"
    if attrs is not None:
        yield from (f"attrs: {line}" for line in dict_lines(attrs.before, attrs.after, "entry", "entries"))


def _parts(value: Any) -> Iterator[tuple[Callable[[], Iterable[tuple[Any, Any]]], str]]:
    """Yield what gives the parts of an object with their keys, and how the way to a part is written."""
    cls = type(value)
    if issubclass(cls, dict):
        yield partial(dict.items, value), "[{}]"
    elif issubclass(cls, (list, tuple)):
        yield partial(enumerate, value), "[{}]"
    elif is_array(cls) and value.dtype.hasobject:
        yield partial(enumerate, value.flat), "[{}]"
    yield attributes(value).items, ".{}"


def between(was: Any, value: Any, deadline: float) -> Iterator[str]:
    """Tell how two values of one name differ, where they are of one kind, as far as that goes by ``deadline``."""
    if type(was) is not type(value):
        return
    if is_frame(type(value)):
        before, after = former_blocks(was, None)[1], former_blocks(value, None)[1]
        yield from table_lines(before, after, Past(Writes(), {}, deadline))
    elif is_array(type(value)):
        yield from compare_arrays(was, value, deadline)
    elif is_polars(type(value)):
        yield from polars_lines(was, value, deadline)
    elif type(value) in (dict, list, set):
        yield from state_lines(value, was, value)
    elif is_estimator(type(value)):
        yield from attribute_lines(value, attributes(was), attributes(value))
