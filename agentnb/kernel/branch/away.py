"""Places whose actions run in another process that has the variables: what the kernel does for them, wherever it is."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentnb.errors import AgentnbError, Correction
from agentnb.kernel.action import guard
from agentnb.kernel.action.children import mark
from agentnb.kernel.adopt import alone
from agentnb.kernel.branch import post
from agentnb.kernel.branch.host import Clock, Host
from agentnb.kernel.branch.post import Letter
from agentnb.kernel.branch.travel import Ground, pack, unpack
from agentnb.kernel.merge import Brought, Bundle
from agentnb.kernel.port import Outcome, Place, Sink
from agentnb.kernel.shell import Namespace, Shell
from agentnb.kernel.turn import Turn
from agentnb.kernel.undo.irreversible import irreversible
from agentnb.record.document import Mode

_LAST = 200  # characters of a process' last words


class BranchLost(AgentnbError):
    """The process ended before its task did, and the task is not to go on elsewhere; the message says why."""


@dataclass(frozen=True)
class Posting:
    """What sends a task away: whose it is, what it is handed, whose turn it waits for.

    ``elsewhere`` makes the place where the task goes on should the process be lost; without it the action after that
    raises ``BranchLost``.
    """

    shell: Shell
    namespace: Namespace
    turn: Turn
    owner: str
    handed: Mapping[str, Any]
    elsewhere: Callable[[], Place] | None = None


class AwayPlace(ABC):
    """Actions in another process; the user's own variables stay as they are.

    ``bundle`` is what the task brings back, once it gave its answer.
    """

    mode: Mode
    what: str
    """What it is called in messages, with no article."""
    source = "branch"
    """The same, said of what it brings back."""
    _lends = False
    """Whether the process keeps the large buffers of its answer until ``_whole`` has read them."""

    def __init__(self, posting: Posting, ground: Ground, clock: Clock) -> None:
        self._shell, self._turn, self._owner = posting.shell, posting.turn, posting.owner
        self._handed, self._elsewhere = posting.handed, posting.elsewhere
        self._ground, self._clock = ground, clock
        self._loop = asyncio.get_running_loop()
        self._host: Host | None = None  # while an action runs
        self._refuge: Place | None = None
        self._lost: str | None = None
        self.bundle: Bundle | None = None

    @property
    @abstractmethod
    def _link(self) -> post.Link:
        """The way to the process."""

    @abstractmethod
    def close(self) -> None:
        """End the process."""

    def _before(self, code: str, names: Mapping[str, Any]) -> None:  # noqa: B027  # a branch has it all
        """Send what the code needs, before it is sent itself."""

    async def _whole(self, last: Letter) -> Letter:
        """Return the last letter of an action with what it was lent, or the letter that says that the process ended.

        Raises ``MemoryError`` where there is no room for it here.
        """
        return last

    def _after(self, outcome: Outcome) -> None:  # noqa: B027  # a branch knows it all
        """Add to the outcome what the other side cannot know."""

    def _brought(self, brought: list[Brought]) -> list[Brought]:
        """Return what the process brings back as the kernel has it."""
        return brought

    def _base(self) -> Mapping[str, Any]:
        """The user's variables as the code finds them."""
        return self._ground.base

    def variables(self) -> Mapping[str, Any]:
        """The namespace as the task found it, with what it was handed."""
        if self._refuge is not None:
            return self._refuge.variables()
        return {**self._base(), **self._handed}

    async def execute(
        self, code: str, *, label: str, names: dict[str, Any], sink: Sink, timeout: float | None = None
    ) -> Outcome:
        """Run ``code`` in the process; see ``Place.execute``. Raises ``BranchLost`` where there is none any more."""
        if self._lost is not None:
            return await self._in_refuge(code, label=label, names=names, sink=sink, timeout=timeout)
        host = self._host = Host(self._shell, self._ground, self._link, self._clock, names, sink, self._turn)
        for text in irreversible(code, self.variables()):
            sink.note(f"cannot be undone: {text}")
        self._clock.begin(timeout)
        try:
            self._before(code, names)
            how = {"timeout": timeout, "read_only": guard.is_wanted(), "mark": mark(), "lend": self._lends}
            self._send("act", code=code, label=label, names=host.news(), **how)
            letter = await host.done
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._clock.end()
            self._host = None
            host.close()
        try:
            return self._came_of(await self._whole(letter), sink)
        except MemoryError as error:
            return _refused(
                Outcome(),
                f"your answer and the variables that come back with it are more than the kernel has memory for "
                f"({error}); delete what nobody needs, or give final_answer less",
            )

    def receive(self, bundle: Bundle) -> list[str]:
        """Merge into the process what another one brings; the action under way tells what there is to say about it."""
        if self._refuge is not None:
            return self._refuge.receive(bundle)
        if self._lost is None:
            self._send("bring", pack((bundle.agent, bundle.brought, bundle.stays), self._ground))
        return []

    def _send(self, kind: str, parcel: Any = None, **fields: Any) -> None:
        with contextlib.suppress(OSError):  # it just died: that is read from the connection's end
            post.send(self._link, kind, parcel, **fields)

    def _take(self, letter: Letter) -> None:
        if self._host is not None:
            self._host.take(letter)
        elif letter.parcel is not None:
            letter.parcel.close()

    def _is_lost(self, reason: str, said: str) -> Letter:
        """The process has ended; ``said`` is what it wrote last past Python. Returns the letter that says so."""
        self._lost = reason
        self.close()
        letter = Letter("lost", {"said": said})
        if self._host is not None:
            self._host.take(letter)
        return letter

    def _came_of(self, letter: Letter, sink: Sink) -> Outcome:
        if letter.kind == "lost":
            return self._outcome_of_loss(letter["said"], sink)
        outcome = Outcome(
            final=letter["final"], report=letter["report"], changes=letter["changes"], notes=letter["notes"]
        )
        if outcome.report is not None:
            outcome.error = Correction(outcome.report.message)
        if letter.parcel is not None:
            try:
                outcome.value, brought, stays = unpack(letter.parcel, self._ground)
            except MemoryError:
                raise
            except Exception as error:  # of a module that is found there only, for instance
                return _refused(
                    outcome,
                    f"what you answer with or made cannot be loaded in the person's kernel ({type(error).__name__}: "
                    f"{error}): delete the variables that need it, give final_answer data instead",
                )
            brought = self._brought(brought)
            only = alone(brought, outcome)
            self.bundle = Bundle(
                self._owner, brought, stays, self._ground, source=self.source, answer=outcome.value, alone=only
            )
        self._after(outcome)
        return outcome

    # --- without the process ------------------------------------------------------------------------------------------

    def _outcome_of_loss(self, said: str, sink: Sink) -> Outcome:
        from agentnb.kernel.action.report import report

        if said:
            sink.add({"output_type": "stream", "name": "stderr", "text": said})
        if self._elsewhere is None:
            raise BranchLost(f"its {self.what} is lost: {self._lost}")
        self._refuge = self._elsewhere()
        error = Correction(
            f"the {self.what} that your code ran in is lost: {self._lost}. What you assigned is gone, the "
            f"person's variables are as they were. From now on your code runs in {self._refuge.mode}; do it another way"
        )
        return Outcome(error=error, report=report(error))

    async def _in_refuge(self, code: str, **options: Any) -> Outcome:
        if self._refuge is None:
            if self._elsewhere is None:
                raise BranchLost(f"its {self.what} is lost: {self._lost}")
            self._refuge = self._elsewhere()
        return await self._refuge.execute(code, **options)


def _refused(outcome: Outcome, advice: str) -> Outcome:
    """Let the agent's task go on, for its answer cannot be taken."""
    from agentnb.kernel.action.report import report

    error = Correction(advice)
    outcome.final, outcome.error, outcome.report = False, error, report(error)
    return outcome


def how_it_ended(how: str, said: str) -> str:
    """Return how a process died, with the last that it wrote: there a library or Python itself says why."""
    last = said.rstrip().rpartition("\n")[2].strip()[:_LAST]
    return how + (f", and the last that it wrote is: {last}" if last else "")
