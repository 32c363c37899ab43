"""What Tab offers in ``%%agents`` cells and after ``%agents``: options and their values, agents, teams, variables."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agentnb.commands import COMMANDS
from agentnb.errors import AgentnbError
from agentnb.models.providers import PROVIDERS
from agentnb.recovery import OPTIONS, crashed
from agentnb.run.notebook import Notebook
from agentnb.run.options import cell_parser
from agentnb.run.team import Team
from agentnb.team.config import load_config

_CELL = re.compile(r"\s*%%agents(?=\s|$)")
_LINE = re.compile(r"\s*%agents[ \t]+(?P<typed>.*)$", re.DOTALL)
_VARIABLE = re.compile(r"(?<!\{)\{(?P<typed>[^\W\d]\w*|)$")
_TEAM = re.compile(r"\s(?:-t|--team)[ =]\s*(\S+)")
_TO_AGENT = {"dismiss", "change"}


@dataclass(frozen=True)
class Offer:
    """What may stand in the place of ``typed``, the text before the cursor; ``kind`` says what the words are."""

    typed: str
    words: list[str]
    kind: str


def complete(text: str, position: int, notebook: Notebook, variables: Mapping[str, Any]) -> Offer | None:
    """Return what may come at ``position`` of the cell ``text``; None where that is not for agentnb to say."""
    before = text[:position]
    cell = _CELL.match(text)
    if cell is not None and position >= cell.end():
        first_line, newline, task = before[cell.end() :].partition("\n")
        if newline:
            return _in_task(task, text[position:], variables)
        return _in_options(first_line, notebook, variables)
    command = _LINE.match(before.rpartition("\n")[2])
    return _in_command(command["typed"], notebook, variables) if command else None


def _in_task(before: str, after: str, variables: Mapping[str, Any]) -> Offer | None:
    brace = _VARIABLE.search(before)
    if brace is None:
        return None
    closing = "" if after.startswith("}") else "}"
    offer = _offer(brace["typed"], _names(variables, _is_data), "variable")
    return Offer(offer.typed, [word + closing for word in offer.words], offer.kind)


def _in_options(before: str, notebook: Notebook, variables: Mapping[str, Any]) -> Offer | None:
    *words, typed = re.split(r"\s+", before)
    if typed.startswith("@"):
        team = _TEAM.search(before)
        agents = _agents(team[1] if team else None, notebook, variables)
        return _offer(typed, [f"@{name}" for name in agents], "agent")
    option, equals, value = typed.rpartition("=")
    if not equals:
        option, value = (words[-1] if words else ""), typed
    action = _actions().get(option)
    if action is not None and action.nargs != 0 and not value.startswith("-"):
        return _values(action, value, notebook, variables)
    if typed.startswith("-"):
        return _offer(typed, (name for name in _actions() if name.startswith("--") or typed == "-"), "option")
    return None


def _values(action: argparse.Action, typed: str, notebook: Notebook, variables: Mapping[str, Any]) -> Offer | None:
    if action.choices is not None:
        return _offer(typed, action.choices, "value")
    if action.dest == "team":
        return _offer(typed, _teams(notebook, variables), "team")
    if action.dest == "model":
        models = _names(variables, lambda value: hasattr(value, "generate"))
        return _offer(typed, [*models, *(f"{name}/" for name in PROVIDERS)], "model")
    return None


def _in_command(typed: str, notebook: Notebook, variables: Mapping[str, Any]) -> Offer | None:
    command, space, rest = typed.partition(" ")
    if not space:
        return _offer(command, COMMANDS, "command")
    last = re.split(r"\s+", rest)[-1]
    if command == "say" and last.startswith("@"):
        return _offer(last, [f"@{name}" for name in _agents(None, notebook, variables)], "agent")
    if command in _TO_AGENT and last == rest:
        return _offer(last, _agents(None, notebook, variables), "agent")
    if command == "resume":
        return _offer(last, [*OPTIONS, *(run.start.run_id for run in crashed(notebook))], "run")
    if command == "team" and last == rest:
        return _offer(last, _teams(notebook, variables), "team")
    return None


def _offer(typed: str, words: Iterable[str], kind: str) -> Offer:
    return Offer(typed, sorted({word for word in words if word.startswith(typed)}), kind)


def _actions() -> dict[str, argparse.Action]:
    return {option: action for action in cell_parser()._actions for option in action.option_strings}


def _agents(team: str | None, notebook: Notebook, variables: Mapping[str, Any]) -> list[str]:
    try:
        found = notebook.find_team(team, variables) if team or notebook.team else None
    except AgentnbError:
        return []
    return [] if found is None else [member.name for member in found]


def _teams(notebook: Notebook, variables: Mapping[str, Any]) -> list[str]:
    current = [notebook.team.title] if notebook.team is not None and notebook.team.title else []
    try:
        configured = list(load_config().teams)
    except AgentnbError:
        configured = []  # the cell says what is wrong with the file, when it is run
    return [*_names(variables, lambda value: isinstance(value, Team)), *configured, *current]


def _names(variables: Mapping[str, Any], fits: Callable[[Any], bool]) -> list[str]:
    return [name for name, value in variables.items() if not name.startswith("_") and fits(value)]


def _is_data(value: Any) -> bool:
    return not (inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value))
