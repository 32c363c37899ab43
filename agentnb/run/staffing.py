"""Hiring within a run: settings by name, tools by name, and word of it in the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agentnb.errors import UserError
from agentnb.kernel.results import show_result
from agentnb.record.document import Member, Mode
from agentnb.record.events import AgentChanged, AgentJoined, AgentLeft
from agentnb.run.context import RunContext
from agentnb.team.agent import RESERVED, Agent
from agentnb.team.roster import Roster, RosterChange
from agentnb.tools import Tool, expand_tools

_CHANGEABLE = frozenset({"role", "tools", "model", "mode", "instructions", "max_steps", "timeout", "memory", "if_lost"})


class Staffing:
    """The roster of one team in one run, with what is needed to check and record its changes."""

    def __init__(
        self,
        run: RunContext,
        roster: Roster,
        *,
        mode_of: Callable[[Agent | Roster], Mode],
        model_of: Callable[[Agent | Roster], Any],
        own_tools: Sequence[Tool] = (),
    ) -> None:
        self._run, self._roster = run, roster
        self._mode_of, self._model_of = mode_of, model_of
        self._own_tools = {tool.name: tool for tool in own_tools}

    def open(self) -> Callable[[], None]:
        """Record who is on the team and follow its changes; return the function that ends this."""
        for member in self._roster:
            self._run.recorder.emit(AgentJoined(member=self._entry(member), by="user"))
        return self._roster.subscribe(self._on_change)

    def hire(self, name: str, role: str, settings: Mapping[str, Any], *, by: str) -> None:
        """Hire by name; raises ``UserError`` for a setting or tool that does not exist or a name that is taken."""
        self._check_free(name)
        agent = Agent(name, role, **self._checked(settings))
        self._run.check_model(self._model_of(agent))
        self._roster.hire(agent, by=by)

    def change(self, name: str, settings: Mapping[str, Any], *, by: str) -> None:
        """Change settings by name; raises ``UserError`` as ``hire`` does."""
        checked = self._checked(settings)
        if checked.get("model") is not None:
            self._run.check_model(checked["model"])
        self._roster.change(name, by=by, **checked)

    def dismiss(self, name: str, *, by: str) -> None:
        """Let a specialist go; raises ``UserError`` where there is none of that name."""
        self._roster.dismiss(name, by=by)

    def _checked(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings that an agent has, with tools given by name found."""
        if unknown := sorted(settings.keys() - _CHANGEABLE):
            raise UserError(f"an agent has no setting {unknown[0]!r}; it has {', '.join(sorted(_CHANGEABLE))}")
        if "tools" not in settings:
            return dict(settings)
        return {**settings, "tools": self._tools(settings["tools"])}

    def bundle(self, value: Any) -> dict[str, Any]:
        """Return how a result is shown."""
        return show_result(self._run.shell, value).data

    def _check_free(self, name: str) -> None:
        if name in self._run.namespace:
            raise UserError(f"{name!r} is a variable of the person's; give the specialist another name")
        if name in self._own_tools:
            raise UserError(f"{name!r} is a tool; give the specialist another name")

    def _tools(self, tools: Sequence[Any]) -> tuple[Any, ...]:
        """Tools by name are the coordinator's own or functions of the notebook."""
        if isinstance(tools, str):
            tools = [tools]
        return tuple(self._tool(tool) if isinstance(tool, str) else tool for tool in tools)

    def _tool(self, name: str) -> Any:
        found = self._own_tools.get(name, self._run.namespace.get(name))
        if not callable(found):
            known = ", ".join(self._own_tools) or "none"
            raise UserError(f"there is no tool {name!r}; name a function of the notebook or one of: {known}")
        return found

    def _on_change(self, change: RosterChange) -> None:
        member, emit, team = change.member, self._run.recorder.emit, self._roster.name
        if change.kind == "hired":
            emit(AgentJoined(member=self._entry(member), by=change.by))
        elif change.kind == "dismissed":
            emit(AgentLeft(name=member.name, team=team, by=change.by))
        else:
            entry = self._entry(member)
            shown = {key: getattr(entry, key) for key in ("role", "model", "mode", "tools") if key in change.settings}
            emit(AgentChanged(name=member.name, team=team, by=change.by, **shown))

    def _entry(self, member: Agent | Roster) -> Member:
        tools = [tool.name for tool in expand_tools(local_tools(member.tools))] if isinstance(member, Agent) else []
        return Member(
            name=member.name,
            role=member.role,
            model=self._run.models.label(self._model_of(member)),
            mode=self._mode_of(member),
            tools=tools,
            team=self._roster.name,
        )


def local_tools(tools: Sequence[Any]) -> list[Any]:
    """Return those tools whose names are known without asking a server."""
    return [tool for tool in tools if callable(tool)]


def check_names(roster: Roster, namespace: dict[str, Any], tools: Sequence[Tool]) -> None:
    """Raise ``UserError`` where a name of the team is hidden by a variable of the person's or by another name."""
    for member in roster:
        held = namespace.get(member.name)
        if held is not None and not isinstance(held, Agent | Roster):
            raise UserError(
                f"{member.name!r} is an agent and also a variable of yours ({type(held).__name__}); rename one of them"
            )
        if member.name in {tool.name for tool in tools}:
            raise UserError(f"{member.name!r} is an agent and also a tool; rename one of them")
    for tool in tools:
        held = namespace.get(tool.name)
        if tool.name in RESERVED:
            raise UserError(f"{tool.name!r} has a meaning of its own in agents' code; give the tool another name")
        if held is not None and held is not tool.origin and held is not tool:
            raise UserError(
                f"{tool.name!r} is a tool and also a variable of yours ({type(held).__name__}); rename one of them"
            )
