"""The line of a ``%%agents`` cell, and the variables in its task."""

from __future__ import annotations

import argparse
import difflib
import keyword
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from agentnb.errors import OptionError
from agentnb.record.document import Approval, Mode
from agentnb.run.budget import Budget
from agentnb.team.agent import MODES

LONGEST_VALUE = 2_000
"""Characters of a value that is written out in a task; a longer one is named instead."""
_BRACES = re.compile(r"(?<!\{)\{([^\W\d]\w*)\}(?!\})")
_NEAR = 0.8


@dataclass(frozen=True)
class CellOptions:
    """What a ``%%agents`` line asks for; None where it says nothing. ``replay`` is "" without a path."""

    agents: tuple[str, ...] = ()
    team: str | None = None
    model: str | None = None
    mode: Mode | None = None
    approve: Approval | None = None
    budget: Budget | None = None
    bg: bool = False
    out: str | None = None
    new: bool = False
    replay: str | None = None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(f"%%agents: {message}; `%agents help` lists the options")


def cell_parser() -> argparse.ArgumentParser:
    """Return the parser of a ``%%agents`` line."""
    parser = _Parser(prog="%%agents", add_help=False, allow_abbrev=False)
    parser.add_argument("-t", "--team")
    parser.add_argument("-m", "--model")
    parser.add_argument("--mode", choices=MODES)
    parser.add_argument("--approve", choices=("auto", "ask", "plan"))
    parser.add_argument("-b", "--budget")
    parser.add_argument("--bg", action="store_true")
    parser.add_argument("-o", "--out")
    parser.add_argument("--new", action="store_true")
    parser.add_argument("--replay", nargs="?", const="")
    return parser


def parse_line(line: str) -> CellOptions:
    """Read the rest of a ``%%agents`` line. Raises ``OptionError`` with what to type instead."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise OptionError(f"%%agents: {str(error).lower()} in {line!r}; close the quotation") from None
    agents = tuple(word[1:] for word in words if word.startswith("@"))
    parser = cell_parser()
    found, unknown = parser.parse_known_args([word for word in _joined_budget(words) if not word.startswith("@")])
    if unknown:
        raise OptionError(_unknown(unknown[0], parser))
    if found.out is not None and (not found.out.isidentifier() or keyword.iskeyword(found.out)):
        raise OptionError(f"%%agents: -o takes the name of a variable, not {found.out!r}")
    budget = None if found.budget is None else Budget.parse(found.budget)
    return CellOptions(agents=agents, **{**vars(found), "budget": budget})


def _joined_budget(words: list[str]) -> list[str]:
    """Let a budget be written without quotes: ``-b 60k, 5m, 20 steps``."""
    joined: list[str] = []
    in_budget = False
    for word in words:
        goes_on = in_budget and (joined[-1].endswith(",") or re.fullmatch(r"(steps?|agents?|tokens?),?", word))
        if goes_on and not word.startswith(("-", "@")):
            joined[-1] += f" {word}"
            continue
        in_budget = bool(joined) and joined[-1] in ("-b", "--budget")
        joined.append(word)
    return joined


def _unknown(word: str, parser: argparse.ArgumentParser) -> str:
    if not word.startswith("-"):
        return f"%%agents: {word!r} is no option; write the task from the second line on, and agents as @{word}"
    known = [option for action in parser._actions for option in action.option_strings]
    near = difflib.get_close_matches(word.split("=")[0], known, n=1)
    return f"%%agents: there is no option {word}; " + (
        f"did you mean {near[0]}?" if near else "`%agents help` lists the options"
    )


def fill_in(task: str, variables: Mapping[str, Any]) -> str:
    """Replace ``{name}`` by the variable's value, once, where ``name`` exists; leave every other brace alone.

    Text and numbers are written out; of anything else, and of long text, the name is given, since agents have the
    object itself. Raises ``OptionError`` where ``name`` is a slip for a variable that exists.
    """
    names = [name for name in variables if not name.startswith("_")]

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in variables:
            found = variables[name]
            text = str(found) if isinstance(found, str | int | float) else ""
            return text if 0 < len(text) <= LONGEST_VALUE else f"`{name}`"
        near = difflib.get_close_matches(name, names, n=1, cutoff=_NEAR)
        if near:
            raise OptionError(f"there is no variable {name!r} for {match[0]} in the task; did you mean {{{near[0]}}}?")
        return match[0]

    return _BRACES.sub(value, task)
