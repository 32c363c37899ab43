"""The difference of one variable in a few lines: which columns, cells, elements, entries and attributes changed.

All lines of an action together are bounded in time: what is large is counted as far as that goes, and said to be.
"""

from __future__ import annotations

import array
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import FunctionType
from typing import Any

from agentnb.kernel.namespace.cells import Past, array_line, compare_arrays
from agentnb.kernel.namespace.kinds import ATOMS, attributes
from agentnb.kernel.namespace.literals import looks_like_credential
from agentnb.kernel.namespace.objects import is_estimator
from agentnb.kernel.namespace.polars_lines import is_polars, polars_lines
from agentnb.kernel.namespace.summary import summarize
from agentnb.kernel.namespace.table_lines import former_blocks, table_lines
from agentnb.kernel.namespace.tables import is_array, is_frame
from agentnb.kernel.undo.functions import Kept
from agentnb.kernel.undo.instances import Attributes
from agentnb.kernel.undo.memento import Changed, Difference
from agentnb.kernel.undo.memory import Writes
from agentnb.record.document import ChangeKind

SECONDS = 0.03
"""What the details of one action may take."""
_PLACES = 5
_NODES = 2_000
_FEW = 10
_NAMED = 4
_LINES = 12
_BYTES = 1 << 20


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
                yield from _attribute_lines(value, changed.before, changed.after)
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
        yield from (f"attrs: {line}" for line in _dict_lines(attrs.before, attrs.after, "entry", "entries"))


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
        yield from _state_lines(value, was, value)
    elif is_estimator(type(value)):
        yield from _attribute_lines(value, attributes(was), attributes(value))


# --- containers and instances -----------------------------------------------------------------------------------------


def _state_lines(value: Any, before: Any, after: Any) -> Iterator[str]:
    if issubclass(type(value), type):
        yield from _attribute_lines(value, before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _dict_lines(before, after, "entry", "entries")
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_lines(before, after)
    elif isinstance(before, set) and isinstance(after, set):
        yield from _count("element", "elements", len(after - before), len(before - after), 0)
    elif isinstance(before, bytes) and isinstance(after, bytes):
        yield from _byte_lines(value, before, after)
    elif isinstance(before, Attributes):
        yield from _attribute_lines(value, {**(before.own or {}), **before.slots}, {**(after.own or {}), **after.slots})
        if before.items or after.items:
            yield from _state_lines(value, _items(value, before.items), _items(value, after.items))
    elif isinstance(before, Kept):
        yield from _attribute_lines(value, before.own, after.own)
        yield from _dict_lines(
            _closure(value, before), _closure(value, after), "closed-over name", "closed-over names", str
        )


def _byte_lines(value: Any, before: bytes, after: bytes) -> Iterator[str]:
    if type(value) is array.array:
        one, other = array.array(value.typecode, before), array.array(value.typecode, after)
        yield from _list_lines(one.tolist(), other.tolist(), "element", "elements")
    elif type(value) is bytearray and len(after) <= _BYTES:
        yield from _list_lines(list(before), list(after), "byte", "bytes")


def _closure(function: FunctionType, state: Kept) -> dict[str, Any]:
    contents = (content for _, content in state.cells)
    return dict(zip(function.__code__.co_freevars, contents, strict=False))


def _items(value: Any, items: Any) -> Any:
    return dict(items) if issubclass(type(value), dict) else items


def _dict_lines(
    before: Mapping[Any, Any], after: Mapping[Any, Any], one: str, many: str, show: Callable[[Any], str] | None = None
) -> Iterator[str]:
    show = show or _key
    added = [key for key in after if key not in before]
    gone = [key for key in before if key not in after]
    both = [key for key in after if key in before and not same_object(before[key], after[key])]
    for word, keys in (("added", added), ("removed", gone)):
        if keys:
            yield f"{_number(len(keys), one, many)} {word}: {_named(map(show, keys), len(keys))}"
    if not added and not gone and list(before) != list(after):
        yield f"{many} in another order"
    if both:
        shown = [f"{show(key)} {_arrow(key, before[key], after[key])}".strip() for key in both[:_NAMED]]
        yield f"{_number(len(both), one, many)} changed: {_named(shown, len(both))}"


def _arrow(key: Any, before: Any, after: Any) -> str:
    """Return ``1 → 2`` for plain values, nothing for what is long or secret."""
    if isinstance(key, str) and looks_like_credential(key):
        return ""
    if type(before) in (dict, list, set, tuple) and type(after) is type(before):
        return ""
    old, new = summarize(before, limit=50), summarize(after, limit=50)
    if type(before) in (int, float, bool) and type(after) in (int, float, bool):
        return f"{before!r} → {after!r}"
    return f"{old} → {new}" if old != new else ""


def _list_lines(before: list[Any], after: list[Any], one: str = "entry", many: str = "entries") -> Iterator[str]:
    start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if not same_object(a, b)), None)
    start = min(len(before), len(after)) if start is None else start
    rest = zip(reversed(before[start:]), reversed(after[start:]), strict=False)
    end = next((i for i, (a, b) in enumerate(rest) if not same_object(a, b)), min(len(before), len(after)) - start)
    old, new = len(before) - start - end, len(after) - start - end
    changed = min(old, new)
    if changed > 1:
        pairs = zip(before[start : start + changed], after[start : start + changed], strict=True)
        changed = sum(1 for a, b in pairs if not same_object(a, b))
    yield from _count(one, many, max(new - old, 0), max(old - new, 0), changed)


def _count(one: str, many: str, added: int, removed: int, changed: int) -> Iterator[str]:
    parts = [(added, "added"), (removed, "removed"), (changed, "changed")]
    said = [f"{_number(count, one, many)} {word}" for count, word in parts if count]
    if said:
        yield ", ".join(said)


def _attribute_lines(value: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    names = {
        name for name in {**before, **after} if not same_object(before.get(name, MISSING), after.get(name, MISSING))
    }
    if is_estimator(type(value)):
        learned = {name for name in names if name.endswith("_") and not name.startswith("_")}
        if learned:
            was_fitted = any(name.endswith("_") and not name.startswith("_") for name in before)
            yield f"fitted {'again' if was_fitted else 'now'}: {_named(sorted(learned), len(learned))}"
        names -= learned
    one = {name: kept for name, kept in before.items() if name in names}
    other = {name: kept for name, kept in after.items() if name in names}
    yield from _dict_lines(one, other, "attribute", "attributes", str)


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _named(names: Iterable[str], count: int) -> str:
    return ", ".join(itertools.islice(names, _NAMED)) + (", …" if count > _NAMED else "")
