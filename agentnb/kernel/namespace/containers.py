"""How two states of a dict, list, set or instance differ, in lines: what of them is new, gone and changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from agentnb.kernel.namespace.kinds import ATOMS
from agentnb.kernel.namespace.summary import looks_like_credential, summarize
from agentnb.kernel.undo.states import MISSING, same_object

_NAMED = 4


def state_lines(value: Any, before: Any, after: Any) -> Iterator[str]:
    """Tell how two states of one object differ (see ``undo.states``)."""
    if isinstance(before, dict) and isinstance(after, dict):
        yield from dict_lines(before, after, "entry", "entries")
    elif isinstance(before, list) and isinstance(after, list):
        yield from list_lines(before, after)
    elif isinstance(before, set) and isinstance(after, set):
        yield from _count("element", "elements", len(after - before), len(before - after), 0)
    elif isinstance(before, tuple) and len(before) == 3 and isinstance(before[0], dict | None):
        yield from attribute_lines(value, {**(before[0] or {}), **before[1]}, {**(after[0] or {}), **after[1]})
        if before[2] or after[2]:
            yield from state_lines(value, _items(before[2]), _items(after[2]))


def _items(items: Any) -> Any:
    return dict(items) if items and isinstance(items, list) and isinstance(items[0], tuple) else items


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


def list_lines(before: list[Any], after: list[Any]) -> Iterator[str]:
    """Count the entries that are new, gone and changed."""
    start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a is not b), None)
    start = min(len(before), len(after)) if start is None else start
    rest = zip(reversed(before[start:]), reversed(after[start:]), strict=False)
    end = next((i for i, (a, b) in enumerate(rest) if a is not b), min(len(before), len(after)) - start)
    old, new = len(before) - start - end, len(after) - start - end
    changed = min(old, new)
    if changed > 1:
        pairs = zip(before[start : start + changed], after[start : start + changed], strict=True)
        changed = sum(1 for a, b in pairs if not same_object(a, b))
    yield from _count("entry", "entries", max(new - old, 0), max(old - new, 0), changed)


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
    if is_estimator(value):
        learned = {name for name in names if name.endswith("_") and not name.startswith("_")}
        if learned:
            was_fitted = any(name.endswith("_") and not name.startswith("_") for name in before)
            yield f"fitted {'again' if was_fitted else 'now'}: {_named(sorted(learned), len(learned))}"
        names -= learned
    one = {name: kept for name, kept in before.items() if name in names}
    other = {name: kept for name, kept in after.items() if name in names}
    yield from dict_lines(one, other, "attribute", "attributes", str)


def is_estimator(value: Any) -> bool:
    """Whether an object is one of those that are fitted."""
    return any("fit" in base.__dict__ for base in type(value).__mro__)


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _named(names: Iterable[str], count: int) -> str:
    return ", ".join(itertools.islice(names, _NAMED)) + (", …" if count > _NAMED else "")


def key_text(key: Any) -> str:
    """Return a key as it is written in a line, of anything but plain values only the type."""
    return repr(key)[:30] if type(key) in ATOMS else type(key).__name__
