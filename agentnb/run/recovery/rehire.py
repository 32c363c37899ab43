"""The team of a crashed run, as far as it can be had in a kernel that was started again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agentnb.record.document import Member
from agentnb.record.events import AgentJoined
from agentnb.run.recovery.crash import Crash, Rerun
from agentnb.team.roster import Roster


def missing(roster: Roster, crash: Crash, rerun: Rerun) -> list[Member]:
    """Return who was on the run's own team at its end and is not on ``roster``, nor hired by code that runs again."""
    record = crash.record
    home = crash.lead.team if crash.lead is not None else ""
    own = [event for event in crash.events if isinstance(event, AgentJoined) and event.member.team == home]
    hired = {event.member.name for event in own if event.by != "user"} if rerun != "no" else set()
    present = [member for member in record.roster if member.team == home and member.left_at is None]
    return [
        member
        for member in present
        if member.kind == "specialist" and member.name not in roster and member.name not in hired
    ]


def rehire(roster: Roster, crash: Crash, rerun: Rerun, variables: Mapping[str, Any]) -> None:
    """Hire who is missing, with role and mode as recorded and those tools that are functions of the notebook now."""
    lead = crash.lead
    for member in missing(roster, crash, rerun):
        tools = [variables[name] for name in member.tools if callable(variables.get(name))]
        own = member.model if "/" in member.model and (lead is None or lead.model != member.model) else None
        roster.hire(member.name, member.role, tools=tools, model=own, mode=member.mode)


def lost_tools(roster: Roster, crash: Crash, rerun: Rerun, variables: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each tool of those to be hired that is not defined in this kernel."""
    return [sentence for member in missing(roster, crash, rerun) for sentence in _lost(member, variables)]


def _lost(member: Member, variables: Mapping[str, Any]) -> Iterator[str]:
    for name in member.tools:
        if not callable(variables.get(name)):
            yield f"{member.name} goes on without its tool {name}, which is not defined here: run its cell first"
