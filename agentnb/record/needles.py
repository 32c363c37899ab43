"""Which of many short strings a text holds, without one search through the text for each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ANCHORS = "_=-:JIx"
"""Characters that the needles share and that ordinary text has few of; a needle belongs to the first one it has."""
_SHORT = 4_000  # characters of a text in which plain searches are faster
_STRIDE = 61  # of the sample by which a text is judged; a prime, for tables repeat themselves
_DENSE = 110  # characters that a plain search passes over in the time in which one anchor is looked at

_Group = tuple[str, tuple[str, ...], re.Pattern[str]]


class Needles:
    """A fixed set of strings to look for."""

    def __init__(self, needles: Iterable[str]) -> None:
        self._all = tuple(dict.fromkeys(needles))
        homes = {needle: next((anchor for anchor in _ANCHORS if anchor in needle), "") for needle in self._all}
        self._plain = [needle for needle, home in homes.items() if not home]
        self._groups: list[_Group] = []
        for anchor in _ANCHORS:
            if group := tuple(needle for needle, home in homes.items() if home == anchor):
                self._groups.append((anchor, group, _around(anchor, group)))

    def within(self, text: str) -> set[str]:
        """Return those that occur in ``text``."""
        if len(text) < _SHORT:
            return {needle for needle in self._all if needle in text}
        found = {needle for needle in self._plain if needle in text}
        sample = text[::_STRIDE]
        for anchor, group, around in self._groups:
            dense = sample.count(anchor) * _DENSE > len(group) * len(sample)
            if dense or around.search(text):
                found.update(needle for needle in group if needle in text)
        return found


def _around(anchor: str, needles: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that begins with one plain character, which is found at the speed of memory.

    Most hits end at the look at the character before it.
    """
    parts = [needle.rpartition(anchor) for needle in needles]
    sides = [f"(?<={re.escape(before + anchor)})(?={re.escape(after)})" for before, _, after in parts]
    last = {before[-1:] for before, _, _ in parts}
    near = "" if "" in last else f"(?<=[{re.escape(''.join(sorted(last)))}]{re.escape(anchor)})"
    return re.compile(f"{re.escape(anchor)}{near}(?:{'|'.join(sides)})")
