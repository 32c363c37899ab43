"""Live and scratch: actions as async cells on the kernel's loop, in the user's namespace or in a scope over it."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentnb.errors import Correction
from agentnb.kernel.action.capture import value_output
from agentnb.kernel.action.cell import Cell, compile_cell
from agentnb.kernel.action.children import described, end
from agentnb.kernel.action.interrupt import ActionTimeout, Stopped
from agentnb.kernel.action.names import FinalAnswer
from agentnb.kernel.action.pending import Pending, settle
from agentnb.kernel.action.report import report
from agentnb.kernel.action.stage import Stage, current_stage
from agentnb.kernel.adopt import Adopted, adopt, include
from agentnb.kernel.merge import MISSING, Bundle, merge
from agentnb.kernel.namespace.changes import Snapshot, Watch
from agentnb.kernel.namespace.scope import Scope
from agentnb.kernel.port import Cancelled, Outcome, Sink
from agentnb.kernel.shell import Namespace
from agentnb.kernel.turn import Turn
from agentnb.kernel.undo.delta import Delta
from agentnb.kernel.undo.frozen import Freezer
from agentnb.kernel.undo.irreversible import irreversible, uncovered
from agentnb.kernel.undo.meanwhile import meanwhile
from agentnb.record.document import Change, Mode

_LOOP_RUNS = ("from a running event loop", "event loop is already running")


class LivePlace:
    """Actions in the user's own namespace: what they assign is the user's."""

    mode: Mode = "live"

    def __init__(self, shell: InteractiveShell, namespace: Namespace, turn: Turn) -> None:
        self._shell, self._user, self._turn = shell, namespace, turn
        self._watch = Watch(namespace)
        self.adopted: list[Adopted] = []  # what merges wrote into the user's objects, until an action took it over
        self._told: list[Change] = []  # of those merges, and those that bound a name
        self.bound: dict[str, Any] = {}  # likewise, what merges bound names to

    def variables(self) -> Mapping[str, Any]:
        """The user's variables."""
        return self._user

    async def execute(
        self, code: str, *, label: str, names: dict[str, Any], sink: Sink, timeout: float | None = None
    ) -> Outcome:
        """Run ``code`` as an async cell; see ``Place.execute``."""
        async with self._turn:
            before = self._watch.snapshot(code, freeze=Freezer())
            _warn(sink, code, self._user, before)
            stage = Stage(self._shell, self._user, names, sink, turn=self._turn, timeout=timeout)

            def compare(outcome: Outcome) -> None:
                outcome.changes, outcome.delta = self._watch.compare(before), before.delta
                self._take_over(outcome)
                _note(outcome, self._watch)

            with _announced(before, self._user, stage):
                return await _run_and_compare(stage, code, label, compare)

    def _take_over(self, outcome: Outcome) -> None:
        """Tell in an action's outcome what was merged in its time into objects that its own code does not reach."""
        seen = {change.name: change for change in outcome.changes}
        written = {name for each in self.adopted for name in each.names}
        for change in self._told:
            if change.name not in seen and change.name in written:
                outcome.changes.append(change)
            elif change.name in seen and self.bound.get(change.name, MISSING) is self._user.get(change.name):
                seen[change.name].detail = change.detail  # it was compared by content, for nothing in it is the same
        if outcome.delta is not None:
            include(outcome.delta, self.adopted)
        self.adopted, self._told, self.bound = [], [], {}

    def receive(self, bundle: Bundle) -> list[str]:
        """Merge what a branch brings into the user's variables."""
        merged = merge(bundle, self._user)
        changes = bundle.changes(self._user)
        adopted = adopt(bundle, merged, self._user)
        written = {name for each in adopted for name in each.names}
        self.adopted += adopted
        self.bound |= merged.bind
        self._told += [change for change in changes if change.name in written or change.name in merged.bind]
        self._user.update(merged.bind)
        for name in merged.delete:
            del self._user[name]
        return merged.notes


class ScratchPlace:
    """Actions in an agent's own scope: they read all the user's variables, what they assign stays in the scope."""

    mode: Mode = "scratch"

    def __init__(self, shell: InteractiveShell, namespace: Namespace, scope: Scope, turn: Turn, *, owner: str) -> None:
        self._shell, self._user, self._turn, self._scope = shell, namespace, turn, scope
        self._user_watch = Watch(namespace, view=scope.namespace)
        self._scope_watch = Watch(scope.namespace, scope=owner)

    def variables(self) -> Mapping[str, Any]:
        """The scope as the agent's code would see it now."""
        self._scope.refresh()
        return self._scope.namespace

    async def execute(
        self, code: str, *, label: str, names: dict[str, Any], sink: Sink, timeout: float | None = None
    ) -> Outcome:
        """Run ``code`` as an async cell; see ``Place.execute``."""
        async with self._turn:
            self._scope.refresh()
            stage = Stage(self._shell, self._scope.namespace, names, sink, turn=self._turn, timeout=timeout)
            freeze = Freezer()
            # what the scope borrows is looked at among the user's variables already
            user_before = self._user_watch.snapshot(code, freeze=freeze)
            own_before = self._scope_watch.snapshot(code, ignore=self._scope.borrowed(), freeze=freeze)
            _warn(sink, code, self._scope.namespace, user_before)

            def compare(outcome: Outcome) -> None:
                outcome.changes = self._user_watch.compare(user_before) + self._scope_watch.compare(own_before)
                outcome.delta = user_before.delta
                if own_before.delta is not None:
                    own_before.delta.close()  # the scope is the agent's: nobody asks for it back
                _note(outcome, self._user_watch)

            with _announced(user_before, self._user, stage):
                return await _run_and_compare(stage, code, label, compare)

    def receive(self, bundle: Bundle) -> list[str]:
        """Merge what a branch brings into the scope; the user's variables stay as they are."""
        merged = merge(bundle, self.variables())
        self._scope.bind(merged.bind)
        self._scope.hide(merged.delete)
        return merged.notes


async def _run_and_compare(stage: Stage, code: str, label: str, compare: Callable[[Outcome], None]) -> Outcome:
    """Run the action and tell what it changed, also where it is cancelled on the way."""
    try:
        outcome = await run_cell(stage, code, label)
    except asyncio.CancelledError as error:
        outcome = Outcome()
        compare(outcome)
        raise Cancelled(str(error), outcome) from None
    except BaseException:
        compare(Outcome())
        raise
    compare(outcome)
    return outcome


@contextmanager
def _announced(before: Snapshot, user: Namespace, stage: Stage) -> Iterator[None]:
    """Let others tell the action what they change while it waits; what was theirs is out of its delta at the end."""
    others = meanwhile(user)

    def look(cell: str) -> Callable[[], Delta | None]:
        watch = Watch(user)
        seen = watch.snapshot(cell, freeze=Freezer())

        def compare() -> Delta | None:
            watch.compare(seen)
            return seen.delta

        return compare

    others.begin(before, stage.turn.run, stage.shell, look)
    try:
        yield
    finally:
        others.end(before, before.delta)


def _warn(sink: Sink, code: str, view: Mapping[str, Any], before: Snapshot) -> None:
    """Say what of an action cannot be undone, before it runs."""
    for text in [*irreversible(code, view), *uncovered(code, view, before.memento)]:
        sink.note(f"cannot be undone: {text}")


def _note(outcome: Outcome, watch: Watch) -> None:
    if watch.note is not None:
        outcome.notes.append(watch.note)


async def run_cell(stage: Stage, code: str, label: str) -> Outcome:
    """Compile and run one action on its stage; outputs go to the stage's sink as they come.

    Whatever the code raises is in the outcome; only the cancellation of the awaiting task gets out.
    """
    token = current_stage.set(stage)
    outcome: Outcome = Outcome()
    try:
        outcome = await stage.drive(_act(stage, code, label))
        _report_surroundings(stage, outcome)
        return outcome
    except asyncio.CancelledError:
        end(stage.children.running())
        raise
    except Stopped as stopped:  # before the code had begun, or where it never let go
        end(stage.children.running())
        raise asyncio.CancelledError(str(stopped)) from None
    except ActionTimeout as late:  # the code never let go
        _fail(outcome, late)
        stage.finish()
        return outcome
    finally:
        current_stage.reset(token)


def _report_surroundings(stage: Stage, outcome: Outcome) -> None:
    outcome.notes += stage.surroundings.notes(stage.code)
    outcome.processes = stage.children.running()
    if outcome.processes:
        outcome.notes.append(
            f"left running: {described(outcome.processes)}; what still runs when the person stops the run is ended"
        )


async def _run(stage: Stage, cell: Cell) -> Any:
    """Run the cell's code; a call handed to ``final_answer`` without ``await`` is awaited: its result is the answer."""
    own = os.getpid()
    try:
        try:
            return await cell.run(stage.namespace)
        finally:
            if os.getpid() != own:  # a fork that the code made: one process alone goes on from here
                os._exit(0)
    except FinalAnswer:
        answer = stage.answer
        if isinstance(answer.value, Pending):
            stage.answer = None  # where the call fails, there is no answer
            answer.value = await answer.value
            stage.answer = answer
        return None


async def _act(stage: Stage, code: str, label: str) -> Outcome:
    outcome = Outcome()
    try:
        cell = compile_cell(stage.shell, code, label)
        stage.code = cell.body, cell.last
        value = await _run(stage, cell)
        if inspect.iscoroutine(value):
            value = await value
            outcome.notes.append("the closing expression was not awaited; it was awaited at the end of the step")
        if stage.answer is None:
            outcome.value, notes = await settle(stage, value)
            outcome.notes += notes
        if outcome.value is not None:
            stage.flush()
            stage.sink.add(value_output(stage.shell, outcome.value))
    except FinalAnswer:
        pass  # the stage has it
    except asyncio.CancelledError as error:
        if _is_being_cancelled():
            raise
        _fail(outcome, error)  # a task of the agent's own was cancelled by the agent's code
    except BaseException as error:
        _fail(outcome, error)
    finally:
        _finish(stage, outcome)
    if stage.answer is not None:
        outcome.final, outcome.value = True, stage.answer.value
    outcome.tasks = {task for task in stage.tasks if not task.done()}
    return outcome


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _fail(outcome: Outcome, error: BaseException) -> None:
    if isinstance(error, Stopped):
        raise asyncio.CancelledError(str(error)) from None
    if isinstance(error, ActionTimeout):
        advice = Correction(f"{error}: do less at once, sample the data, or use a faster method")
        error = advice.with_traceback(error.__traceback__)
    outcome.error, outcome.report = error, report(error)
    if isinstance(error, RuntimeError) and any(sign in outcome.report.message for sign in _LOOP_RUNS):
        outcome.notes.append("the event loop runs already here: write `await ...` at top level instead")


def _finish(stage: Stage, outcome: Outcome) -> None:
    try:
        stage.show_figures()
    except (Exception, ActionTimeout) as error:  # a figure that cannot be drawn is the code's error, not the host's
        if outcome.error is None:
            _fail(outcome, error)
    stage.finish()
