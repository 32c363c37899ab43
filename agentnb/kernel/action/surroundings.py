"""What of the process an agent's code changes beside variables: some is put back after it, the rest is reported."""

from __future__ import annotations

import builtins
import operator
import os
import sys
from collections.abc import Iterable, Mapping
from types import CodeType
from typing import Any

from agentnb.record.environ import held

_SEEDING = frozenset({"seed", "manual_seed", "set_seed", "set_random_seed", "seed_everything"})
_SHADOWED = frozenset({"print", "open", "input", "exit", "quit", "display", "get_ipython", "__import__"})
"""Names that cells of the person's rely on; others (``list``, ``id``) are common names of variables."""
_LISTED = 8


class Surroundings:
    """The process around one action: ``enter`` and ``leave`` at the ends of each stretch of its code."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._notes: dict[str, None] = {}

    def enter(self) -> None:
        """A stretch of the code begins."""
        self._builtins = vars(builtins).copy()
        self._shadows = {name: self._namespace[name] for name in self._namespace.keys() & _SHADOWED}
        self._environ = dict(held(os.environ))
        self._folder = _folder()
        self._settings = _settings()

    def leave(self) -> None:
        """It ends: put back what cells rely on, remember what else is different."""
        self._put_back()
        if (now := held(os.environ)) != self._environ and (changed := _differences(self._environ, now)) != ["PWD"]:
            self._note(f"environment variables were changed: {_listed(changed)}")
        if (folder := _folder()) != self._folder:
            self._note(f"the working directory is now {folder}")
        if changed := _changed_settings(self._settings):
            self._note(f"matplotlib's settings were changed for later figures too: {_listed(changed)}")

    def notes(self, code: Iterable[CodeType | None] = ()) -> list[str]:
        """Return what is to be told of the action whose ``code`` ran."""
        if any(part is not None and _seeds(part) for part in code):
            self._note("a seed was set: random numbers drawn later in this process, by anybody, follow from it")
        return list(self._notes)

    def _note(self, text: str) -> None:
        self._notes[text] = None

    def _put_back(self) -> None:
        now = vars(builtins)
        if now != self._builtins:
            lost = [name for name, value in self._builtins.items() if now.get(name, self) is not value]
            for name in lost:
                now[name] = self._builtins[name]
            if lost:
                self._note(f"builtins were replaced and are put back: {_listed(lost)}")
        space = self._namespace
        fresh = [name for name in space.keys() & _SHADOWED if space[name] is not self._shadows.get(name, self)]
        for name in fresh:
            if name in self._shadows:
                space[name] = self._shadows[name]
            else:
                del space[name]
        if fresh:
            self._note(f"names that cells rely on were bound anew and are put back: {_listed(sorted(fresh))}")


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "gone"


def _settings() -> tuple[list[str], list[Any]] | None:
    """Return the names and values of matplotlib's settings, where it is loaded."""
    settings = getattr(sys.modules.get("matplotlib"), "rcParams", None)
    # past its class, whose own way of going through them takes twenty times as long
    return (list(dict.keys(settings)), list(dict.values(settings))) if isinstance(settings, dict) else None


def _changed_settings(before: tuple[list[str], list[Any]] | None) -> list[str]:
    after = _settings() if before is not None else None
    if before is None or after is None or all(map(operator.is_, before[1], after[1])):
        return []
    return _differences(dict(zip(*before, strict=True)), dict(zip(*after, strict=True)))


def _differences(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> list[str]:
    if before.keys() == after.keys() and all(after[name] is value for name, value in before.items()):
        return []
    names = [name for name in {**before, **after} if not _same(before.get(name), after.get(name))]
    return [os.fsdecode(name) for name in names]


def _same(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except Exception:  # arrays, or classes that do not like it
        return False


def _seeds(code: CodeType) -> bool:
    return not _SEEDING.isdisjoint(code.co_names) or any(
        _seeds(inner) for inner in code.co_consts if isinstance(inner, CodeType)
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
