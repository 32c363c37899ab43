"""Who is on a team now, and word of every change to those who need it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agentnb.errors import UserError
from agentnb.record.document import Approval
from agentnb.team.agent import Agent, call_member, check_name


@dataclass(frozen=True)
class RosterChange:
    """One hire, dismissal or change. ``by`` is an agent's name or ``user``."""

    kind: Literal["hired", "dismissed", "changed"]
    member: Agent | Roster
    by: str
    settings: dict[str, Any]


class Roster:
    """The specialists of a team by name, in the order they came.

    A member is an ``Agent`` or a whole team with a name of its own. Changes may come at any time, also while a run is
    under way; whoever subscribed is told at once.
    """

    def __init__(self, members: Sequence[Agent | Roster] = (), *, name: str = "", role: str = "") -> None:
        if name:
            check_name(name)
        self.name, self.role = name, role
        self.approve: Approval = "auto"
        self._members: dict[str, Agent | Roster] = {}
        self._listeners: list[Callable[[RosterChange], None]] = []
        for member in members:
            self._add(member)

    def __call__(self, brief: str = "", /, *more: Any, **objects: Any) -> Any:
        """Let a coordinator's code call the person's variable that holds this team; see ``call_member``."""
        return call_member(self.name or "team", brief, *more, **objects)

    def __iter__(self) -> Iterator[Agent | Roster]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __getitem__(self, name: str) -> Agent | Roster:
        """Return the member of that name; raises ``UserError`` with the nearest name where there is none."""
        try:
            return self._members[name]
        except KeyError:
            raise UserError(self._no_such(name)) from None

    def subscribe(self, listener: Callable[[RosterChange], None]) -> Callable[[], None]:
        """Call ``listener`` with every change from now on; return the function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def hire(
        self, member: Agent | Roster | str, role: str = "", *, by: str = "user", **settings: Any
    ) -> Agent | Roster:
        """Add a specialist: an ``Agent``, a named team, or a name and a role with settings of ``Agent``."""
        if isinstance(member, str):
            member = Agent(member, role, **settings)
        self._add(member)
        self._tell(RosterChange("hired", member, by, {}))
        return member

    def dismiss(self, name: str, *, by: str = "user") -> None:
        """Take a specialist off the team. A task it has in hand is finished."""
        member = self[name]
        del self._members[name]
        self._tell(RosterChange("dismissed", member, by, {}))

    def change(self, name: str, *, by: str = "user", **settings: Any) -> Agent | Roster:
        """Change a specialist's role, tools, model, mode or limits; its next task has them."""
        member = self[name]
        if not isinstance(member, Agent):
            raise UserError(f"{name!r} is a team; change its members: team[{name!r}].change(...)")
        if settings.get("name", name) != name:
            raise UserError(f"{name!r} keeps its name; dismiss it and hire another")
        changed = member.changed(**settings)
        self._members[name] = changed
        self._tell(RosterChange("changed", changed, by, settings))
        return changed

    def _add(self, member: Agent | Roster) -> None:
        if not isinstance(member, Agent | Roster):
            raise UserError(f"a member of a team is an Agent or a Team, not {type(member).__name__}")
        if not member.name:
            raise UserError('a team within a team needs a name and a role: Team([...], name="desk", role="...")')
        if member.name in self._members:
            raise UserError(f"there is already an agent {member.name!r} on the team; give this one another name")
        self._members[member.name] = member

    def _no_such(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._members, n=1)
        if near:
            return f"there is no agent {name!r} on the team; did you mean {near[0]!r}?"
        known = ", ".join(self._members) or "nobody yet"
        return f"there is no agent {name!r} on the team; on it: {known}"

    def _tell(self, change: RosterChange) -> None:
        for listener in list(self._listeners):
            listener(change)
