"""What a notebook's kernel holds: the current team, its model, its runs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from agentnb.errors import UserError
from agentnb.record.document import FINAL
from agentnb.run import started
from agentnb.run.options import CellOptions, fill_in
from agentnb.run.replay.recordings import find_recording, replay_wanted
from agentnb.run.run import Run
from agentnb.run.team import Team
from agentnb.team.agent import Agent
from agentnb.team.config import load_config
from agentnb.team.roster import Roster

KEPT_RUNS = 50


class Notebook:
    """The state behind ``%%agents`` and ``%agents`` in one kernel.

    Its runs are those of its cells and those begun in Python: after the run of number ``after`` (by default the newest
    there is), and all that are under way.
    """

    def __init__(self, after: int | None = None) -> None:
        self.team: Team | None = None
        self._after = started.newest() if after is None else after
        self._runs: list[Run] = [run for run in started.since(0) if run.status not in FINAL]

    @property
    def runs(self) -> list[Run]:
        """The runs in the order they began; of the ended ones the newest."""
        for run in started.since(self._after):
            if run not in self._runs:
                self._runs.append(run)
        self._runs = self._runs[-KEPT_RUNS:]
        return self._runs

    def start(self, task: str, options: CellOptions, variables: dict[str, Any]) -> Run:
        """Begin the run that a ``%%agents`` cell asks for."""
        team = self.find_team(options.team, variables)
        text = fill_in(task, variables).strip()
        recording = None
        if options.replay is not None or replay_wanted():
            path = options.replay or replay_wanted()
            recording = find_recording(text, path, [run.record for run in self.runs])
        model = options.model
        if model is not None and model.isidentifier() and model in variables:
            model = variables[model]
        run = team.start(
            text,
            agents=options.agents,
            model=model,
            mode=options.mode,
            budget=options.budget,
            approve=options.approve,
            fresh=options.new,
            replay=recording,
            foreground=not options.bg,
            result_name=options.out or "agents_run",
        )
        self.team = team
        return run

    def current(self) -> Team:
        """Return the current team; a new one without specialists where there is none."""
        if self.team is None:
            self.team = Team()
        return self.team

    def at_work(self) -> Roster:
        """Return the team of the newest run that goes on, else the current team."""
        going = [run for run in self.runs if run.status not in FINAL]
        return going[-1].team if going else self.current()

    def find_team(self, name: str | None, variables: Mapping[str, Any]) -> Team:
        """Return the team of that name: a variable of the notebook, else one of ``agentnb.toml``."""
        if name is None:
            return self.current()
        found = variables.get(name)
        if isinstance(found, Team):
            return found
        if self.team is not None and name in (self.team.name, self.team.title):
            return self.team
        configured = load_config().teams
        if name in configured:
            return team_from_config(configured[name])
        known = [key for key, value in variables.items() if isinstance(value, Team) and not key.startswith("_")]
        near = difflib.get_close_matches(name, [*known, *configured], n=1)
        if found is not None:
            raise UserError(f"{name!r} is a {type(found).__name__}, not a team; write {name} = Team([...])")
        hint = f"did you mean {near[0]!r}?" if near else f"write {name} = Team([...]), or add it to agentnb.toml"
        raise UserError(f"there is no team {name!r}; {hint}")

    def newest(self) -> Run:
        """Return the run to act on: the newest that goes on, else the newest of all."""
        if not self.runs:
            raise UserError("there is no run yet; start one with a %%agents cell")
        going = [run for run in self.runs if run.status in ("running", "paused")]
        return (going or self.runs)[-1]

    def newest_changed(self) -> Run:
        """Return the run to undo: the newest that has something to take back, else the newest of all.

        Raises ``UserError`` where this kernel has had none.
        """
        if not self.runs:
            raise UserError("no run of this kernel can be undone: a restart ends that; start one with a %%agents cell")
        able = [run for run in self.runs if run.checkpoints]
        return able[-1] if able else self.newest()


def team_from_config(settings: Any) -> Team:
    """Return the team that a table of ``agentnb.toml`` describes."""
    members = [
        Agent(
            agent.name,
            agent.role,
            tools=agent.tools,
            model=agent.model,
            mode=agent.mode,
            **_given(agent, "timeout", "approve", "read_only", "memory", "if_lost"),
        )
        for agent in settings.agents
    ]
    team = Team(
        members,
        model=settings.model,
        mode=settings.mode,
        tools=settings.tools,
        budget=settings.budget,
        **_given(settings, "approve", "memory", "if_lost"),
    )
    team.title = settings.name
    return team


def _given(settings: Any, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(settings, name, None)) is not None}
