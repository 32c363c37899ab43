"""What an administrator allows: ``agentnb_policy.toml`` in Jupyter's system-wide folders. It only ever tightens.

approve = "ask"                        # at least this, whatever a team or a cell says
approve_timeout = 300                  # at most so many seconds
allow_read_only = false                # never let an action run unasked under `ask`
budget = "200k, 1h"                    # no run has more
modes = ["scratch", "branch"]          # the only ones
forbid_tools = ["send_*"]              # by name
ask_tools = ["write_*"]                # each call is put to the person
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import get_args

from agentnb.errors import ConfigError, UserError
from agentnb.record.document import Approval, Mode
from agentnb.team.agent import MODES, strictest
from agentnb.team.config import parse_toml, read_text
from agentnb.team.toml_table import Source, Table

FILE = "agentnb_policy.toml"
VARIABLE = "AGENTNB_POLICY"
"""Names one more file; those of the system count all the same."""


@dataclass(frozen=True)
class Policy:
    """Bounds for every run of this machine; each is empty where nothing is bounded. ``budgets`` are all to be kept."""

    approve: Approval = "auto"
    approve_timeout: float | None = None
    allow_read_only: bool = True
    budgets: tuple[str, ...] = ()
    modes: tuple[Mode, ...] = MODES
    forbid_tools: tuple[str, ...] = ()
    ask_tools: tuple[str, ...] = ()

    def joined(self, other: Policy) -> Policy:
        """Return what is allowed by both."""
        timeouts = [each for each in (self.approve_timeout, other.approve_timeout) if each is not None]
        return Policy(
            approve=strictest(self.approve, other.approve),
            approve_timeout=min(timeouts, default=None),
            allow_read_only=self.allow_read_only and other.allow_read_only,
            budgets=self.budgets + other.budgets,
            modes=tuple(mode for mode in self.modes if mode in other.modes),
            forbid_tools=self.forbid_tools + other.forbid_tools,
            ask_tools=self.ask_tools + other.ask_tools,
        )

    def check_mode(self, mode: Mode, who: str) -> None:
        """Raise ``UserError`` where code may not run in ``mode``."""
        if mode not in self.modes:
            known = ", ".join(self.modes) or "none"
            raise UserError(f"the administrator does not allow mode {mode!r} for {who}; allowed: {known}")

    def check_tool(self, name: str) -> None:
        """Raise ``UserError`` where a tool is forbidden."""
        if any(fnmatchcase(name, pattern) for pattern in self.forbid_tools):
            raise UserError(f"the administrator does not allow the tool {name!r}; leave it out")

    def asks_for(self, tool: str) -> bool:
        """Whether each call of the tool is to be put to the person."""
        return any(fnmatchcase(tool, pattern) for pattern in self.ask_tools)


def load_policy(
    folders: Sequence[Path] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    check_budget: Callable[[str], object] | None = None,
) -> Policy:
    """Return what all policies of this machine allow: those of Jupyter's folders and that of ``AGENTNB_POLICY``.

    Raises ``ConfigError`` where one cannot be read or understood: then nothing runs.
    """
    policy = Policy()
    for path in _files(folders, os.environ if environ is None else environ):
        policy = policy.joined(parse_policy(read_text(path, str(path)), str(path), check_budget=check_budget))
    return policy


def parse_policy(text: str, shown: str = FILE, *, check_budget: Callable[[str], object] | None = None) -> Policy:
    """Return what one file allows; raises ``ConfigError`` with file, line and what to write instead."""
    source = Source(text, shown)
    table = Table(source, (), parse_toml(source))
    table.only("approve", "approve_timeout", "allow_read_only", "budget", "modes", "forbid_tools", "ask_tools")
    budget = table.text("budget", example='"200k"')
    if budget is not None and check_budget is not None:
        table.checked("budget", budget, check_budget)
    named = table.strings("modes") if "modes" in table.values else MODES
    if unknown := [mode for mode in named if mode not in MODES]:
        raise table.fault(f"there is no mode {unknown[0]!r}; write some of {', '.join(MODES)}", "modes")
    return Policy(
        approve=table.choice("approve", get_args(Approval)) or "auto",
        approve_timeout=table.seconds("approve_timeout"),
        allow_read_only=table.flag("allow_read_only") is not False,
        budgets=(budget,) if budget else (),
        modes=tuple(mode for mode in MODES if mode in named),
        forbid_tools=table.strings("forbid_tools"),
        ask_tools=table.strings("ask_tools"),
    )


def _files(folders: Sequence[Path] | None, environ: Mapping[str, str]) -> list[Path]:
    if folders is None:
        from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH

        folders = [Path(folder) for folder in dict.fromkeys([*SYSTEM_CONFIG_PATH, *ENV_CONFIG_PATH])]
    found = [path for folder in folders if (path := folder / FILE).is_file()]
    named = environ.get(VARIABLE)
    if not named:
        return found
    if not Path(named).is_file():
        raise ConfigError(f"{VARIABLE} names {named}, which is no file; correct it or unset it")
    return [*found, Path(named)]
