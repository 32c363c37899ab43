"""Journals of runs whose kernel died at a given point."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agentnb import Run
from agentnb.record import events as ev
from agentnb.record.codec import decode_event
from agentnb.record.journal import journal_folder

Event = ev.AnyEvent


def journal_of(run: Run) -> Path:
    """Where the run's journal is."""
    return journal_folder() / f"{run.id}.jsonl"


def died(run: Run, when: Callable[[Event], bool] | int) -> Path:
    """Cut the journal of an ended run as if its kernel had died right after the first event that ``when`` holds for.

    A number counts the events that are on disk.
    """
    path = journal_of(run)
    lines = path.read_bytes().splitlines(keepends=True)
    if not isinstance(when, int):
        when = next(number for number, line in enumerate(lines, 1) if when(decode_event(line)))
    assert 0 < when < len(lines)
    path.write_bytes(b"".join(lines[:when]))
    return path


def step_ended(step: str) -> Callable[[Event], bool]:
    """Hold for the end of a step."""
    return lambda event: isinstance(event, ev.StepEnded) and event.step == step


def acting_in(step: str) -> Callable[[Event], bool]:
    """Hold when the code of a step begins."""
    return lambda event: isinstance(event, ev.ActionStarted) and event.step == step


def asking_for(step: str) -> Callable[[Event], bool]:
    """Hold when the model is asked for a step."""
    return lambda event: isinstance(event, ev.StepStarted) and event.step == step


def task_is(task: str, status: str) -> Callable[[Event], bool]:
    """Hold when a task goes to a state."""
    return lambda event: isinstance(event, ev.TaskChanged) and (event.task, event.status) == (task, status)
