"""The kernel's side of a branch: a place like live and scratch whose actions run in a fork."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any

from agentnb.errors import AgentnbError, Correction
from agentnb.kernel import guard
from agentnb.kernel.branch import post
from agentnb.kernel.branch.host import Host
from agentnb.kernel.branch.post import Letter
from agentnb.kernel.branch.serve import serve
from agentnb.kernel.branch.travel import Ground, pack, unpack
from agentnb.kernel.branch.watchdog import Watched, available_memory, watchdog
from agentnb.kernel.children import mark
from agentnb.kernel.fork import Child, Death, fork
from agentnb.kernel.merge import Bundle
from agentnb.kernel.port import Outcome, Place, Sink
from agentnb.kernel.shell import Namespace, Shell
from agentnb.kernel.turn import Turn
from agentnb.kernel.undo.irreversible import irreversible
from agentnb.record.document import Mode

_SHARE = 0.5
"""Of the memory that the machine has left, a branch may take this much unless a limit is set."""
_LAST = 200  # characters of a branch's last words


class BranchLost(AgentnbError):
    """A branch ended before its task did, and the task is not to go on elsewhere; the message says why."""


class BranchPlace:
    """Actions in a copy-on-write fork of the kernel, with all variables; the user's own stay as they are.

    Made by ``open_branch``. ``bundle`` is what the task brings back, once it gave its answer. ``elsewhere`` makes the
    place where the task goes on should the branch be lost; without it the action after that raises ``BranchLost``.
    """

    mode: Mode = "branch"

    def __init__(
        self,
        shell: Shell,
        ground: Ground,
        child: Child,
        watched: Watched,
        turn: Turn,
        handed: Mapping[str, Any],
        owner: str,
        elsewhere: Callable[[], Place] | None,
    ) -> None:
        self._shell, self._ground, self._child, self._watched, self._turn = shell, ground, child, watched, turn
        self._handed, self._owner, self._elsewhere = handed, owner, elsewhere
        self._loop = asyncio.get_running_loop()
        self._host: Host | None = None  # while an action runs
        self._refuge: Place | None = None
        self._lost: str | None = None
        self._closed = False
        self.bundle: Bundle | None = None
        self._loop.add_reader(child.connection.fileno(), self._read)

    def variables(self) -> Mapping[str, Any]:
        """The namespace at the fork, with what the task was handed."""
        if self._refuge is not None:
            return self._refuge.variables()
        return {**self._ground.base, **self._handed}

    async def execute(
        self, code: str, *, label: str, names: dict[str, Any], sink: Sink, timeout: float | None = None
    ) -> Outcome:
        """Run ``code`` in the branch; see ``Place.execute``. Raises ``BranchLost`` where there is none any more."""
        if self._lost is not None:
            return await self._in_refuge(code, label=label, names=names, sink=sink, timeout=timeout)
        host = self._host = Host(
            self._shell, self._ground, self._child.connection, self._watched, names, sink, self._turn
        )
        for text in irreversible(code, self.variables()):
            sink.note(f"cannot be undone: {text}")
        self._watched.begin(timeout)
        try:
            how = {"timeout": timeout, "read_only": guard.is_wanted(), "mark": mark()}
            self._send("act", code=code, label=label, names=host.news(), **how)
            letter = await host.done
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._watched.end()
            self._host = None
            host.close()
        return self._came_of(letter, sink)

    def receive(self, bundle: Bundle) -> list[str]:
        """Merge into this branch what another one brings; the action under way tells what there is to say about it."""
        if self._refuge is not None:
            return self._refuge.receive(bundle)
        if self._lost is None:
            self._send("bring", pack((bundle.agent, bundle.brought, bundle.stays), self._ground))
        return []

    def close(self) -> None:
        """End the branch; may be called more than once."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._child.connection.fileno())
        watchdog.forget(self._watched)
        self._child.kill()
        self._lost = self._lost or "its task has ended"

    def _send(self, kind: str, parcel: Any = None, **fields: Any) -> None:
        with contextlib.suppress(OSError):  # it just died: that is read from the connection's end
            post.send(self._child.connection, kind, parcel, **fields)

    def _read(self) -> None:
        try:
            for message in self._child.connection.poll():
                letter = post.read(message)
                if self._host is not None:
                    self._host.take(letter)
                elif letter.parcel is not None:
                    letter.parcel.close()
        except EOFError:
            self._on_death()

    def _on_death(self) -> None:
        death = self._child.wait(1)
        said = os.pread(self._child.raw, 20_000, 0).decode(errors="replace")
        self._lost = self._watched.verdict or _how(death, said)
        self.close()
        if self._host is not None:
            self._host.take(Letter("lost", {"said": said}))

    def _came_of(self, letter: Letter, sink: Sink) -> Outcome:
        if letter.kind == "lost":
            return self._outcome_of_loss(letter["said"], sink)
        outcome = Outcome(
            final=letter["final"], report=letter["report"], changes=letter["changes"], notes=letter["notes"]
        )
        if outcome.report is not None:
            outcome.error = Correction(outcome.report.message)
        if letter.parcel is not None:
            outcome.value, brought, stays = unpack(letter.parcel, self._ground)
            self.bundle = Bundle(self._owner, brought, stays, held=self._ground)
        return outcome

    # --- without a branch ---------------------------------------------------------------------------------------------

    def _outcome_of_loss(self, said: str, sink: Sink) -> Outcome:
        from agentnb.kernel.report import report

        if said:
            sink.add({"output_type": "stream", "name": "stderr", "text": said})
        if self._elsewhere is None:
            raise BranchLost(f"its branch of the kernel is lost: {self._lost}")
        self._refuge = self._elsewhere()
        error = Correction(
            f"the branch of the kernel that your code ran in is lost: {self._lost}. What you assigned is gone, the "
            f"person's variables are as they were. From now on your code runs in {self._refuge.mode}; do it another way"
        )
        return Outcome(error=error, report=report(error))

    async def _in_refuge(self, code: str, **options: Any) -> Outcome:
        if self._refuge is None:
            if self._elsewhere is None:
                raise BranchLost(f"its branch of the kernel is lost: {self._lost}")
            self._refuge = self._elsewhere()
        return await self._refuge.execute(code, **options)


def _how(death: Death | None, said: str) -> str:
    """Return how a branch died, with the last that it wrote: there a library or Python itself says why."""
    last = said.rstrip().rpartition("\n")[2].strip()[:_LAST]
    return str(death or "it closed its connection") + (f", and the last that it wrote is: {last}" if last else "")


def open_branch(
    shell: Shell,
    namespace: Namespace,
    turn: Turn,
    *,
    owner: str,
    label: str,
    handed: Mapping[str, Any],
    memory: int | None = None,
    elsewhere: Callable[[], Place] | None = None,
) -> BranchPlace:
    """Fork the kernel and return the branch as a place; called on the event loop while nobody else's code runs.

    ``label`` tells this branch from others (its random numbers follow from it), ``handed`` are variables of its own,
    ``memory`` is the limit in bytes for what it takes, by default half of what the machine has left. Raises
    ``ForkRefused`` with the reason where this process cannot be forked now.
    """
    ground = Ground(namespace)
    child = fork(lambda connection: serve(connection, shell, ground, handed, owner), label=label, patience=0.05)
    watched = watchdog.watch(child, memory or int(available_memory() * _SHARE))
    return BranchPlace(shell, ground, child, watched, turn, handed, owner, elsewhere)
