"""The port between the page and a run: what commands do, and what a page is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from agentnb.record.document import PlanItem, RunStatus

Message = dict[str, Any]
"""What goes to the page: JSON with a ``kind``."""
Send = Callable[[Message], None]


class Staff(Protocol):
    """Who works in a run. Called on the run's loop; raises ``UserError`` where a change does not fit."""

    def hire(self, name: str, role: str, settings: Mapping[str, Any], *, by: str) -> None:
        """Add a specialist."""

    def change(self, name: str, settings: Mapping[str, Any], *, by: str) -> None:
        """Change a specialist."""

    def dismiss(self, name: str, *, by: str) -> None:
        """Let a specialist go."""


class Steered(Protocol):
    """A run in the person's hands. All but ``stop`` and ``undo`` are called on its loop; they raise ``UserError``."""

    @property
    def id(self) -> str:
        """The run's id."""

    @property
    def status(self) -> RunStatus:
        """How it stands."""

    @property
    def staff(self) -> Staff:
        """Who works in it."""

    def stop(self) -> None:
        """End it; from any thread, also while the loop is busy in an agent's code."""

    def pause(self) -> None:
        """Hold it."""

    def resume(self) -> None:
        """Go on."""

    def say(self, text: str, to: str | None = None) -> None:
        """Tell an agent something."""

    def undo(self, step: Any = None) -> Any:
        """Take back what a step, or all of it, did to the user's variables; return what came of it, to be printed.

        Called on a thread of its own, where it may wait.
        """


class Accountable(Protocol):
    """What a run that asks for approvals can do besides."""

    def answer(
        self,
        request_id: str,
        status: str,
        text: str = "",
        code: str | None = None,
        plan: list[PlanItem] | None = None,
        for_run: bool = False,
        by: str = "user",
    ) -> Any:
        """Answer a request; the first answer counts."""

    def set_budget(self, spec: str, by: str = "user") -> Any:
        """Set the limits; an empty ``spec`` lifts them."""

    def attend(self) -> Callable[[], None]:
        """Tell that somebody can answer; return the function that ends this. From any thread."""
