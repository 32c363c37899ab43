"""The names that an agent's code sees beside the variables: builtins, tools, specialists, ``final_answer``.

They live in the ``__builtins__`` of the code's globals, so they are there for this code only and the user's namespace
never holds them.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Mapping
from typing import Any, NoReturn

from agentnb.errors import Correction
from agentnb.kernel.action.capture import print_to_owner
from agentnb.kernel.action.stage import current_stage


class FinalAnswer(BaseException):
    """Raised by ``final_answer(x)`` to end the action; not an ``Exception``, so that the code does not swallow it."""

    def __init__(self, value: Any) -> None:
        super().__init__("final_answer")
        self.value = value


def cell_names(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ``__builtins__`` mapping with ``extra`` in it; later additions are seen by running code at once."""
    return {**vars(builtins), **_OVERRIDES, **extra}


def host_names(names: Mapping[str, Any]) -> frozenset[str]:
    """Return those of ``cell_names`` that were added: tools, specialists, and what steers the team."""
    return frozenset(names.keys() - vars(builtins).keys() - _OVERRIDES.keys() - {"ask_user", "results"})


def given(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a cell's names that were given to ``cell_names``: tools, specialists, what they hand over."""
    usual = {**vars(builtins), **_OVERRIDES}
    return {name: value for name, value in names.items() if value is not usual.get(name, names)}


def final_answer(value: Any = None) -> NoReturn:
    """End the task with ``value`` itself as its result."""
    stage = current_stage.get()
    answer = FinalAnswer(value)
    if stage is not None:
        stage.answer = answer  # kept here too, should the code swallow the exception
    raise answer


def _no_input(*_: Any, **__: Any) -> NoReturn:
    raise Correction("nobody sits at a prompt here: ask the person with `await ask_user('...')`")


def _no_debugger(*_: Any, **__: Any) -> NoReturn:
    raise Correction("there is no debugger here: print what you want to look at")


_OVERRIDES: dict[str, Any] = {
    "input": _no_input,
    "breakpoint": _no_debugger,
    "final_answer": final_answer,
    "asyncio": asyncio,
    "print": print_to_owner,
}
