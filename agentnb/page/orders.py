"""The commands of a page as types: what is not one of them is refused with a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from agentnb.errors import UserError
from agentnb.record.document import Mode, PlanItem


class Order(msgspec.Struct, kw_only=True, frozen=True, tag_field="name"):
    """Base of all commands; ``id`` is that of the reply."""

    id: str = ""


class Resync(Order, frozen=True, tag="resync"):
    """Send a snapshot."""


class Stop(Order, frozen=True, tag="stop"):
    """End the run."""


class Pause(Order, frozen=True, tag="pause"):
    """Hold the run."""


class Resume(Order, frozen=True, tag="resume"):
    """Let the run go on."""


class Say(Order, frozen=True, tag="say"):
    """Tell an agent something; ``to`` empty is the coordinator."""

    text: str
    to: str = ""


class Settings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Of an agent: only what is set is given or changed."""

    role: str | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    mode: Mode | UnsetType | None = UNSET
    tools: list[str] | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    max_steps: int | UnsetType = UNSET
    timeout: float | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Return the settings that are set."""
        named = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in named.items() if value is not UNSET}


class Hire(Order, frozen=True, tag="hire"):
    """Add a specialist."""

    agent: str
    role: str = ""
    settings: Settings = Settings()


class Change(Order, frozen=True, tag="change"):
    """Change a specialist."""

    agent: str
    settings: Settings


class Dismiss(Order, frozen=True, tag="dismiss"):
    """Let a specialist go."""

    agent: str


class SetBudget(Order, frozen=True, tag="budget"):
    """Set the run's limits; an empty ``spec`` lifts them."""

    spec: str = ""


class Answer(Order, frozen=True, tag="answer"):
    """Answer a request."""

    request: str
    status: Literal["answered", "allowed", "denied"]
    text: str = ""
    code: str | None = None
    plan: list[PlanItem] | None = None
    for_run: bool = False


class Cells(Order, frozen=True, tag="cells"):
    """Give the plain cells of one step, or of the whole run."""

    step: str = ""


class Replay(Order, frozen=True, tag="replay"):
    """Give the source of a cell that replays the run."""


class Bundle(Order, frozen=True, tag="bundle"):
    """Give the display bundle of the run as it is now, with its metadata."""


class Undo(Order, frozen=True, tag="undo"):
    """Take back what a step did to the user's variables; empty is the whole run."""

    step: str = ""


AnyOrder = (
    Resync | Stop | Pause | Resume | Say | Hire | Change | Dismiss | SetBudget | Answer | Cells | Replay | Bundle | Undo
)


def read_order(message: Mapping[str, Any]) -> AnyOrder:
    """Read a command as the page sent it. Raises ``UserError`` where it is none."""
    fields = {key: value for key, value in message.items() if key != "kind" and value is not None}
    try:
        order: AnyOrder = msgspec.convert(fields, AnyOrder)
    except msgspec.ValidationError as error:
        raise UserError(f"the page asked for what this kernel does not know ({error}); reload the page") from None
    return order
