"""How two states of a dict, list, set or instance differ, in lines: what of them is new, gone and changed."""

from __future__ import annotations

import array
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any

from agentnb.kernel.namespace.kinds import ATOMS
from agentnb.kernel.namespace.literals import looks_like_credential
from agentnb.kernel.namespace.objects import is_estimator
from agentnb.kernel.namespace.summary import summarize
from agentnb.kernel.undo.functions import Kept
from agentnb.kernel.undo.instances import Attributes
from agentnb.kernel.undo.states import MISSING, same_object

_NAMED = 4
_BYTES = 1 << 20


def state_lines(value: Any, before: Any, after: Any) -> Iterator[str]:
    """Tell how two states of one object differ (see ``undo.states``)."""
    if issubclass(type(value), type):
        yield from attribute_lines(value, before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from dict_lines(before, after, "entry", "entries")
    elif isinstance(before, list) and isinstance(after, list):
        yield from list_lines(before, after)
    elif isinstance(before, set) and isinstance(after, set):
        yield from _count("element", "elements", len(after - before), len(before - after), 0)
    elif isinstance(before, bytes) and isinstance(after, bytes):
        yield from _byte_lines(value, before, after)
    elif isinstance(before, Attributes):
        yield from attribute_lines(value, {**(before.own or {}), **before.slots}, {**(after.own or {}), **after.slots})
        if before.items or after.items:
            yield from state_lines(value, _items(value, before.items), _items(value, after.items))
    elif isinstance(before, Kept):
        yield from attribute_lines(value, before.own, after.own)
        one, other = _closure(value, before), _closure(value, after)
        yield from dict_lines(one, other, "closed-over name", "closed-over names", str)


def _byte_lines(value: Any, before: bytes, after: bytes) -> Iterator[str]:
    if type(value) is array.array:
        one, other = array.array(value.typecode, before), array.array(value.typecode, after)
        yield from list_lines(one.tolist(), other.tolist(), "element", "elements")
    elif type(value) is bytearray and len(after) <= _BYTES:
        yield from list_lines(list(before), list(after), "byte", "bytes")


def _closure(function: FunctionType, state: Kept) -> dict[str, Any]:
    contents = (content for _, content in state.cells)
    return dict(zip(function.__code__.co_freevars, contents, strict=False))


def _items(value: Any, items: Any) -> Any:
    return dict(items) if issubclass(type(value), dict) else items


def dict_lines(
    before: Mapping[Any, Any], after: Mapping[Any, Any], one: str, many: str, show: Callable[[Any], str] | None = None
) -> Iterator[str]:
    """Tell which entries are new, gone and changed; ``show`` writes a key."""
    show = show or key_text
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


def list_lines(before: list[Any], after: list[Any], one: str = "entry", many: str = "entries") -> Iterator[str]:
    """Count the entries that are new, gone and changed."""
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


def attribute_lines(value: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Tell which attributes of an instance changed; of an estimator, what it learned."""
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
    yield from dict_lines(one, other, "attribute", "attributes", str)


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _named(names: Iterable[str], count: int) -> str:
    return ", ".join(itertools.islice(names, _NAMED)) + (", …" if count > _NAMED else "")


def key_text(key: Any) -> str:
    """Return a key as it is written in a line, of anything but plain values only the type."""
    return repr(key)[:30] if type(key) in ATOMS else type(key).__name__
