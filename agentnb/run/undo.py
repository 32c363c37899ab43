"""Taking back what a run's steps did to the user's variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from agentnb.errors import UserError
from agentnb.kernel.adopt import Adopted, include
from agentnb.kernel.shell import Namespace
from agentnb.kernel.undo.delta import Delta, changed_names, tick
from agentnb.kernel.undo.fresh import left_by
from agentnb.kernel.undo.meanwhile import meanwhile
from agentnb.kernel.undo.rollback import reverse, roll_back
from agentnb.kernel.undo.states import MISSING
from agentnb.kernel.undo.store import Checkpoint, kernel_checkpoints, show_size
from agentnb.record.document import RunRecord, Step
from agentnb.record.events import Said, Undone
from agentnb.run.recorder import Recorder

_NAMES = 20  # that are shown of many


@dataclass(frozen=True)
class UndoReport:
    """What came of an undo, printed as sentences.

    ``steps`` are the ids of the steps taken back, ``restored`` the variables put back, ``collisions`` those left alone
    since they were changed after the steps, ``lost`` those of which something could not be put back, ``rebound`` those
    that have been bound to another object, or deleted, since the steps changed theirs.
    """

    steps: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    collisions: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    forced: bool = False
    rebound: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        named = {True: "overwritten though changed", False: "left alone, since changed"}[self.forced]
        hint = "" if self.forced or not self.collisions else "; `force=True` overwrites them"
        parts = [
            f"put back: {_listed(self.restored)}" if self.restored else "nothing was put back",
            f"{named} after the step: {_listed(self.collisions)}{hint}" if self.collisions else "",
            f"bound to something else since, so left as they are: {_listed(self.rebound)}" if self.rebound else "",
            f"changed in a way that cannot be undone: {_listed(self.lost)}" if self.lost else "",
        ]
        return "\n".join(filter(None, parts))

    __repr__ = __str__


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more:,} more" if more > 0 else "")


class Undo:
    """The checkpoints of one run. Used where its variables may be changed: in a cell, or in a turn of the kernel's."""

    def __init__(self, run: str, namespace: Namespace, recorder: Recorder) -> None:
        self._run, self._namespace, self._recorder = run, namespace, recorder
        self._store = kernel_checkpoints()
        self._began: dict[str, int] = {}
        self._dropped: list[str] = []
        self._at_work: set[str] = set()

    # --- while the run goes on ----------------------------------------------------------------------------------------

    def begin(self, step: str) -> None:
        """A step's code is about to run."""
        self._began[step] = tick()
        self._at_work.add(step)

    def end(self, step: str, delta: Delta | None) -> None:
        """A step's code has ended; ``delta`` is the way back."""
        self._at_work.discard(step)
        if delta is not None and self._store.budget:
            self._store.keep(self._run, step, delta, self._on_drop)

    @contextmanager
    def recorded(self, step: str | None = None) -> Iterator[list[Adopted]]:
        """Record which of the user's names a block binds outside of any action.

        ``step`` takes them back, by default the run's last one. The block puts into the list what it wrote into the
        user's objects.
        """
        began, before = tick(), dict(self._namespace)
        adopted: list[Adopted] = []
        try:
            yield adopted
        finally:
            now = dict(self._namespace)
            bound = [name for name, value in now.items() if before.get(name, MISSING) is not value]
            delta = Delta(began, tick(), changed_names(before, now, bound))
            include(delta, adopted)
            delta.fresh = left_by(delta, set(map(id, before.values())))
            meanwhile(self._namespace).changed(delta)
            steps = self._recorder.record.steps
            owner = step or (steps[-1].id if steps else None)
            if owner is not None:
                self._began.setdefault(owner, began)
                self.end(owner, delta)

    def bind(self, name: str, value: Any) -> None:
        """Bind a name of the user's at the run's end."""
        with self.recorded():
            self._namespace[name] = value

    def _on_drop(self, dropped: list[Checkpoint]) -> None:
        self._dropped += [checkpoint.step for checkpoint in dropped]
        kept = self._store.of(self._run)
        reach = f"undo reaches back to step {kept[0].step}" if kept else "nothing of this run can be undone"
        text = f"checkpoints let go to stay within {show_size(self._store.budget)} (steps {', '.join(self._dropped)})"
        self._recorder.emit(Said(sender="agentnb", to="user", text=f"{text}: {reach}"))

    # --- what there is ------------------------------------------------------------------------------------------------

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """The steps that can be taken back, the oldest first."""
        return self._store.of(self._run)

    def back(self, step: int | str | None = None, *, force: bool = False, by: str = "user") -> UndoReport:
        """Go back to before ``step``, or to before the run: that step and all that began after it are taken back.

        Raises ``UserError`` where there is nothing to take back, a checkpoint was let go, or a step is at work.
        """
        if self._at_work:
            busy = ", ".join(sorted(self._at_work))
            raise UserError(f"step {busy} is at work; stop the run first with `%agents stop`, then undo")
        chosen = self._chosen(step)
        others = meanwhile(self._namespace)
        try:
            turned = [reverse(each.delta) for each in chosen] if others else []
            came = roll_back([each.delta for each in chosen], self._namespace, force=force)
        except OSError:
            raise UserError(
                "the memory of this checkpoint is gone, so it cannot be undone; undo a later step"
            ) from None
        for delta in turned:
            others.changed(delta)
        blocked = set() if force else set(came.collisions)
        done = [each for each in chosen if blocked.isdisjoint({*each.delta.names, *each.delta.mutated})]
        report = UndoReport(
            [each.step for each in done], came.restored, came.collisions, came.lost, force, came.rebound
        )
        if done:
            self._store.take(done)
            self._recorder.emit_late(Undone(steps=report.steps, by=by))
        return report

    def _chosen(self, step: int | str | None) -> list[Checkpoint]:
        kept = self.checkpoints
        began = -1 if step is None else self._beginning(find_step(self._recorder.record, step))
        dropped = [name for name in self._dropped if self._began[name] >= began]
        if dropped:
            reach = (
                f"run.undo(step={kept[0].step!r})" if kept else "`undo_memory` in agentnb.toml sets how much is kept"
            )
            raise UserError(
                f"the checkpoint of step {dropped[-1]} was let go to stay within {show_size(self._store.budget)}; "
                f"what can be undone: {reach}"
            )
        chosen = [each for each in kept if each.delta.began >= began]
        if not chosen and not self._store.budget:
            raise UserError('undo is switched off; write undo_memory = "2 GB" in agentnb.toml for the runs to come')
        if not chosen:
            raise UserError(self._nothing_left(step))
        return chosen

    def _nothing_left(self, step: int | str | None) -> str:
        steps = self._recorder.record.steps
        meant = steps if step is None else steps[steps.index(find_step(self._recorder.record, step)) :]
        what = "the run" if step is None else f"step {step} and what followed it"
        if any(each.undone for each in meant):
            return f"{what} was undone already, and an undo is not taken back; run the code again: `run.steps` has it"
        return f"{what} changed none of your variables; `run.changes` lists what was"

    def _beginning(self, step: Step) -> int:
        steps = self._recorder.record.steps
        later = steps[steps.index(step) :]
        return next((self._began[each.id] for each in later if each.id in self._began), tick())


def find_step(record: RunRecord, step: int | str) -> Step:
    """Return the step of an id (``"t1.2"``) or a number: the coordinator's, else that of the one agent who has it.

    Raises ``UserError`` where there is none, or more than one.
    """
    text = str(step).strip()
    found = [each for each in record.steps if each.id == text]
    if not found and text.isdecimal():
        numbered = [each for each in record.steps if each.number == int(text)]
        roots = {task.id for task in record.tasks if task.parent is None}
        found = [each for each in numbered if each.task in roots] or numbered
    if not found:
        last = record.steps[-1].id if record.steps else "t1.1"
        raise UserError(f"there is no step {text!r} in this run; its last step is {last!r}")
    if len(found) > 1:
        raise UserError(f"more than one agent has a step {text}: name one of {', '.join(each.id for each in found)}")
    return found[0]


def told_to_agents(record: RunRecord, report: UndoReport) -> dict[str, str]:
    """Return for each agent whose steps were taken back what it is to know."""
    names = f" Put back: {_listed(report.restored)}." if report.restored else ""
    kept = sorted({*report.rebound, *(() if report.forced else report.collisions)})
    left = f" Left as they are: {_listed(kept)}." if kept else ""
    numbers: dict[str, list[str]] = {}
    for step in record.steps:
        if step.id in report.steps:
            numbers.setdefault(step.agent, []).append(str(step.number))
    return {
        agent: f"The person has undone what your code did to their variables in step {', '.join(of)}.{names}{left}"
        for agent, of in numbers.items()
    }
