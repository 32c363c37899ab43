"""A run whose kernel died, as its journal tells: what was finished, what was interrupted, what would run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentnb.errors import RecordError, UserError
from agentnb.record.document import Member, Mode, RunRecord, Step, Task
from agentnb.record.events import AnyEvent, RunEnded
from agentnb.record.fold import fold
from agentnb.record.journal import in_hand, read_journal
from agentnb.run.budget import Budget
from agentnb.views.words import count, one_line, plural

Rerun = Literal["no", "finished", "all"]
"""Which recorded code runs again before a run goes on: none, that of finished steps, also that of interrupted ones."""

_OPEN_STEPS = frozenset({"thinking", "waiting", "acting"})
_OPEN_TASKS = frozenset({"pending", "in_progress", "blocked"})


@dataclass(frozen=True)
class Crash:
    """A crashed run. ``record`` is as it stood at the last event: what was open then is open in it."""

    path: Path
    events: Sequence[AnyEvent]
    record: RunRecord

    @classmethod
    def load(cls, path: Path) -> Crash:
        """Read a journal; raises ``RecordError`` where its run did not crash, or nothing of it can be gone on with."""
        if in_hand(path):
            raise RecordError(f"the run of {path.name} is at work in a kernel that is alive; stop it there first")
        events = read_journal(path)
        end = next(event for event in events if isinstance(event, RunEnded))
        if end.status != "crashed":
            raise RecordError(f"the run of {path.name} ended as {end.status}; only a crashed one can be gone on with")
        crash = cls(path, events, fold(event for event in events if not isinstance(event, RunEnded)))
        if crash.record.replayed:
            raise RecordError(f"the run of {path.name} was a replay; play its recording again with %%agents --replay")
        if not crash.roots:
            raise RecordError(f"the run of {path.name} has nothing left to do; `agentnb show {path}` shows what it did")
        return crash

    @property
    def id(self) -> str:
        """The run's id."""
        return self.record.run_id

    @property
    def budget(self) -> Budget:
        """The limits it had, also for the work that goes on from it."""
        limits = self.record.limits
        return Budget(limits.tokens, limits.money, limits.seconds, limits.steps, limits.agents)

    @property
    def roots(self) -> list[Task]:
        """The person's request itself: one task, or one an agent where several were asked directly; the open ones."""
        open_ = [task for task in self.record.tasks if task.parent is None and is_open(task)]
        return [task for task in open_ if task.brief == self.record.task] if self.tried else open_

    @property
    def tried(self) -> bool:
        """Whether it was one of ``best_of``: an agent had the person's request in hand several times."""
        asked = [task.agent for task in self.record.tasks if task.parent is None and task.brief == self.record.task]
        return len(asked) > len(set(asked))

    def check_plain(self) -> None:
        """Raise ``UserError`` where it was one of ``best_of``, whose judge went with the kernel."""
        if self.tried:
            how = how_to_try_on(self)
            raise UserError(f"run {self.id} tried one task several times, and what judged went with the kernel; {how}")

    def steps_of(self, task: str) -> list[Step]:
        """All steps of a task."""
        return [step for step in self.record.steps if step.task == task]

    @property
    def interrupted(self) -> list[Step]:
        """The steps that had begun and not ended."""
        return [step for step in self.record.steps if not is_finished(step)]

    @property
    def led(self) -> bool:
        """Whether a coordinator has the person's request in hand."""
        leads = {member.name for member in self.record.roster if member.kind == "coordinator"}
        leads |= {"coordinator", self.record.team}  # it joins a moment after its task began
        return all(task.agent in leads for task in self.roots)

    @property
    def lead(self) -> Member | None:
        """The coordinator of the run's own team."""
        return next((member for member in self.record.roster if member.kind == "coordinator"), None)

    @property
    def mode(self) -> Mode | None:
        """Where actions ran because the person said so for this run; None where the team's own modes held."""
        modes = {member.mode for member in self.record.roster}
        if self.lead is None or (self.lead.mode == "live" and (len(modes) > 1 or len(self.record.roster) == 1)):
            return None
        return self.lead.mode

    @property
    def model(self) -> str | None:
        """The name of the model, where all had the same one and it can be had by its name."""
        models = {member.model for member in self.record.roster}
        return next(iter(models)) if len(models) == 1 and "/" in next(iter(models)) else None

    def played(self, rerun: Rerun) -> list[Step]:
        """Return the steps whose code runs again, in the order in which it ran."""
        if rerun == "no":
            return []
        tasks, answered = self._played_tasks(rerun), self._answered()
        steps = [
            step
            for step in self.record.steps
            if step.task in tasks
            and (
                is_finished(step) or (step.timing.replied_at is not None and (rerun == "all" or step.task in answered))
            )
        ]
        return sorted(steps, key=lambda step: (step.timing.code_started_at or step.timing.asked_at, step.number))

    def _answered(self) -> set[str]:
        """The tries that had given their answers and waited for the others: their last steps are as if finished."""
        if not self.tried:
            return set()
        asking = {task.parent for task in self.record.tasks if is_open(task)}
        asking |= {step.task for step in self.record.steps if step.status == "waiting"}
        return {task.id for task in self.roots if task.status == "blocked"} - asking

    def _played_tasks(self, rerun: Rerun) -> set[str]:
        """The open requests, and below them what a step that is played had asked for."""
        tasks = {task.id for task in self.roots}
        steps = {step.id: step for step in self.record.steps}
        for task in self.record.tasks:  # a task comes after the one that asked for it
            asking = steps.get(task.parent_step or "")
            if task.parent in tasks and asking is not None and (rerun == "all" or is_finished(asking)):
                tasks.add(task.id)
        return tasks


def how_to_try_on(crash: Crash) -> str:
    """Return what to do to go on from a run of ``best_of``."""
    return f"run its best_of cell again with resume={crash.id!r}, and its tries go on from where they stood"


def is_finished(step: Step) -> bool:
    """Whether the step came to its end."""
    return step.status not in _OPEN_STEPS


def is_open(task: Task) -> bool:
    """Whether the task had not come to its end."""
    return task.status in _OPEN_TASKS


def summary(crash: Crash) -> str:
    """Return in a few lines where the run stood."""
    record = crash.record
    finished = [step for step in record.steps if is_finished(step)]
    below = [task for task in record.tasks if task.parent is not None]
    done = [task for task in below if task.status == "completed"]
    of_budget = f" of a budget of {record.budget}" if record.budget else ""
    lines = [
        f"run {crash.id} crashed: {one_line(record.task, 80)}",
        f"{plural(len(finished), 'step')} finished, {count(record.usage.tokens)} tokens used{of_budget}",
    ]
    if below:
        lines.append(f"{len(done)} of {plural(len(below), 'task')} of specialists completed")
    lines += [f"interrupted: {_where(step)}" for step in crash.interrupted]
    if record.resumes:
        lines.append(f"it went on from run {record.resumes}; `%agents resume {record.resumes}` starts there again")
    return "\n".join(lines)


def listing(steps: Sequence[Step]) -> str:
    """Return the code of steps, for the person to read before it runs."""
    parts = []
    for step in steps:
        if step.code is not None and step.status != "rejected":
            mark = "" if is_finished(step) else ", interrupted"
            parts.append(f"# --- {step.agent}, step {step.number}{mark}\n{step.code}")
    return "\n\n".join(parts)


def _where(step: Step) -> str:
    doing = {"thinking": "the model was being asked", "waiting": "its code waited for you"}
    return f"{step.agent}, step {step.number} ({doing.get(step.status, 'its code was running')})"
