"""``agentnb.toml``: teams and defaults of a project, looked for from the working directory upward.

model = "openai/gpt-5-mini"
budget = "60k"
approve = "plan"                       # at least this for every team; see approve= of Team
approve_timeout = 300                  # seconds after which nobody's answer is a no
allow_read_only = true                 # under `ask`, what is known to only look at data runs unasked
undo_memory = "2 GB"                   # the most that checkpoints may hold

[dask]
address = "tcp://127.0.0.1:8786"       # for mode = "dask", where the notebook has no client of its own

[teams.desk]
approve = "ask"
memory = "4 GB"                        # the most that a branch or a process on Dask may take, else half of what is left
if_lost = "fail"                       # where a task goes on whose branch is lost: "scratch", "live", or not at all

[[teams.desk.agents]]
name = "ingest"
role = "loads and cleans market data"
tools = ["mydesk.data:load_prices", { command = "uvx", args = ["mcp-server-fetch"] }]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from agentnb.errors import ConfigError
from agentnb.record.document import Approval, Mode
from agentnb.team.agent import MEMBER_APPROVALS, IfLost, check_name
from agentnb.team.toml_table import Source, Table

FILE = "agentnb.toml"

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(|b|kb|mb|gb)\s*", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class McpConfig:
    """An MCP server: a program or an address. ``env`` names variables of the environment that the program gets."""

    command: str | None = None
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    url: str | None = None
    name: str | None = None
    timeout: float = 30.0
    approve: Approval = "auto"


@dataclass(frozen=True)
class AgentConfig:
    """A specialist. ``timeout`` is in seconds, ``memory`` in GB; None is left to the team."""

    name: str
    role: str
    tools: tuple[str | McpConfig, ...] = ()
    model: str | None = None
    mode: Mode | None = None
    timeout: float | None = None
    approve: Approval | None = None
    read_only: bool | None = None
    memory: float | None = None
    if_lost: IfLost | None = None


@dataclass(frozen=True)
class TeamConfig:
    """A team; ``tools`` are the coordinator's. None is left to the file's defaults, then to agentnb's."""

    name: str
    model: str | None = None
    mode: Mode | None = None
    budget: str | None = None
    approve: Approval | None = None
    memory: float | None = None
    if_lost: IfLost | None = None
    agents: tuple[AgentConfig, ...] = ()
    tools: tuple[str | McpConfig, ...] = ()


@dataclass(frozen=True)
class Config:
    """The whole file. ``path`` is None where there is no file, and everything else is then empty.

    ``approve_timeout`` is in seconds. ``allow_read_only`` lets actions that are known to only look at data run unasked.
    """

    path: Path | None = None
    model: str | None = None
    api_base: str | None = None
    budget: str | None = None
    approve: Approval | None = None
    approve_timeout: float | None = None
    allow_read_only: bool | None = None
    undo_memory: int | None = None  # bytes
    dask: str | None = None  # the address of a scheduler
    teams: Mapping[str, TeamConfig] = field(default_factory=dict)


_KEYS = ("model", "api_base", "budget", "approve", "approve_timeout", "allow_read_only", "undo_memory", "dask", "teams")
BudgetCheck = Callable[[str], object]


def load_config(start: Path | None = None, *, check_budget: BudgetCheck | None = None) -> Config:
    """Read the nearest ``agentnb.toml`` of ``start`` (the working directory) and the folders above it, up to home.

    ``check_budget`` is called with each budget and raises ``UserError`` where it does not fit. Returns an empty
    ``Config`` where there is no file. Raises ``ConfigError`` with file, line and what to write instead.
    """
    folder = (start or Path.cwd()).resolve()
    path = _find(folder)
    if path is None:
        return Config()
    shown = FILE if path.parent == folder else str(path)
    return parse_config(read_text(path, shown), path=path, shown=shown, check_budget=check_budget)


def read_text(path: Path, shown: str) -> str:
    """Return the text of a file of settings; raises ``ConfigError`` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{shown} is not UTF-8 text; save it in that encoding") from None
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read ({error.strerror}); check its permissions") from None


def parse_config(
    text: str, *, path: Path | None = None, shown: str = FILE, check_budget: BudgetCheck | None = None
) -> Config:
    """Return what ``text`` says; ``shown`` names the file in messages. Raises ``ConfigError`` as ``load_config``."""
    source = Source(text, shown)
    table = Table(source, (), parse_toml(source))
    table.only(*_KEYS)
    return Config(
        path=path,
        model=table.text("model"),
        api_base=table.text("api_base"),
        budget=_budget(table, check_budget),
        approve=table.choice("approve", get_args(Approval)),
        approve_timeout=table.seconds("approve_timeout"),
        allow_read_only=table.flag("allow_read_only"),
        undo_memory=_size(table, "undo_memory"),
        dask=_dask(table),
        teams={name: _team(name, team, check_budget) for name, team in table.named_tables("teams").items()},
    )


def _find(folder: Path) -> Path | None:
    home = Path.home().resolve()
    for each in (folder, *folder.parents):
        with suppress(PermissionError):  # a folder above that is closed to the person
            if (each / FILE).is_file():
                return each / FILE
        if each == home:
            break
    return None


def parse_toml(source: Source) -> dict[str, Any]:
    """Return the file's values; raises ``ConfigError`` with the line where it is not TOML."""
    text = source.text
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{source.shown}: nested too deeply; write fewer brackets") from None
    except ValueError as error:
        message = str(error)
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
        line = int(place[1]) if place and place[1] else len(text.splitlines()) or 1
        reason = message[: place.start()] if place else message
        raise ConfigError(f"{source.shown}, line {line}: this is not TOML ({reason}); mend the line") from None


def _dask(table: Table) -> str | None:
    section = table.section("dask", example='address = "tcp://..."')
    if section is None:
        return None
    section.only("address")
    return section.text("address", example='"tcp://127.0.0.1:8786"')


def _team(name: str, table: Table, check_budget: BudgetCheck | None) -> TeamConfig:
    table.identifier(name, "team")
    table.only("model", "mode", "budget", "approve", "memory", "if_lost", "agents", "tools")
    agents: dict[str, AgentConfig] = {}
    for each in table.tables("agents"):
        agent = _agent(each)
        if agent.name in agents:
            raise each.fault(f"two agents are called `{agent.name}`; give one of them another name", "name")
        agents[agent.name] = agent
    return TeamConfig(
        name=name,
        model=table.text("model"),
        mode=table.choice("mode", get_args(Mode)),
        budget=_budget(table, check_budget),
        approve=table.choice("approve", get_args(Approval)),
        memory=_memory(table),
        if_lost=table.choice("if_lost", get_args(IfLost)),
        agents=tuple(agents.values()),
        tools=_tools(table),
    )


def _agent(table: Table) -> AgentConfig:
    table.only("name", "role", "tools", "model", "mode", "timeout", "approve", "read_only", "memory", "if_lost")
    name = table.required("name")
    table.checked("name", name, check_name)
    return AgentConfig(
        name=name,
        role=table.required("role"),
        tools=_tools(table),
        model=table.text("model"),
        mode=table.choice("mode", get_args(Mode)),
        timeout=table.seconds("timeout"),
        approve=table.choice("approve", MEMBER_APPROVALS),
        read_only=table.flag("read_only"),
        memory=_memory(table),
        if_lost=table.choice("if_lost", get_args(IfLost)),
    )


def _tools(table: Table) -> tuple[str | McpConfig, ...]:
    tools: list[str | McpConfig] = []
    for index, item in enumerate(table.items("tools")):
        if isinstance(item, Table):
            tools.append(_mcp(item))
        elif isinstance(item, str) and _REFERENCE.fullmatch(item):
            tools.append(item)
        else:
            advice = 'write it as "package.module:function" or { command = "..." }'
            raise table.fault(f"{item!r} is no tool; {advice}", "tools", index)
    return tuple(tools)


def _mcp(table: Table) -> McpConfig:
    table.only("command", "args", "env", "url", "name", "timeout", "approve")
    command, url = table.text("command"), table.text("url")
    if (command is None) == (url is None):
        raise table.fault('an MCP server has a command or a url; write { command = "uvx", args = ["..."] }')
    return McpConfig(
        command=command,
        args=table.strings("args"),
        env=table.strings("env"),
        url=url,
        name=table.text("name"),
        timeout=table.seconds("timeout") or McpConfig.timeout,
        approve=table.choice("approve", MEMBER_APPROVALS) or McpConfig.approve,
    )


def _budget(table: Table, check: BudgetCheck | None) -> str | None:
    budget = table.text("budget", example='"60k"')
    if budget is not None and check is not None:
        table.checked("budget", budget, check)
    return budget


def _memory(table: Table) -> float | None:
    """Return a limit in GB; none at all would be no branch."""
    size = _size(table, "memory")
    if size == 0:
        raise table.fault('`memory` is a size above 0 such as "2 GB"; leave it out for the default', "memory")
    return None if size is None else size / _UNITS["gb"]


def _size(table: Table, key: str) -> int | None:
    text = table.text(key, example='"2 GB"')
    if text is None:
        return None
    found = _SIZE.fullmatch(text)
    if found is None:
        raise table.fault(f'`{key}` is a size such as "2 GB" or "500 MB", or "0" for none, not {text!r}', key)
    return int(float(found[1]) * _UNITS[found[2].lower()])
