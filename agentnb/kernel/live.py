"""Live and scratch: actions as async cells on the kernel's loop, in the user's namespace or in a scope over it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentnb.errors import Correction
from agentnb.kernel.capture import value_output
from agentnb.kernel.cell import compile_cell
from agentnb.kernel.changes import Watch
from agentnb.kernel.interrupt import ActionTimeout, Stopped
from agentnb.kernel.names import FinalAnswer
from agentnb.kernel.pending import settle
from agentnb.kernel.port import Outcome, Sink
from agentnb.kernel.report import report
from agentnb.kernel.shell import Namespace
from agentnb.kernel.stage import Stage, current_stage
from agentnb.kernel.turn import Turn
from agentnb.record.document import Change, Mode


class LivePlace:
    """Actions in the user's own namespace: what they assign is the user's."""

    mode: Mode = "live"

    def __init__(self, shell: InteractiveShell, namespace: Namespace, turn: Turn) -> None:
        self._shell, self._user, self._turn = shell, namespace, turn
        self._watch = Watch(namespace)

    def variables(self) -> Mapping[str, Any]:
        """The user's variables."""
        return self._user

    def _stage(self, names: dict[str, Any], sink: Sink, timeout: float | None) -> Stage:
        return Stage(self._shell, self._user, names, sink, turn=self._turn, timeout=timeout)

    async def execute(
        self, code: str, *, label: str, names: dict[str, Any], sink: Sink, timeout: float | None = None
    ) -> Outcome:
        """Run ``code`` as an async cell; see ``Place.execute``."""
        async with self._turn:
            before = self._watch.snapshot(code)
            outcome = await run_cell(self._stage(names, sink, timeout), code, label)
            outcome.changes = self._watch.compare(before)
            return outcome


class ScratchPlace:
    """Actions that read all the user's variables, while what they assign stays in the agent's own scope.

    The scope is a plain dict, refreshed from the user's names before each action (5 us for 300 names); a dict subclass
    with ``__missing__`` would put every global on the interpreter's slow path (13 times slower, measured). What the
    agent assigned or deleted itself is left alone.
    """

    mode: Mode = "scratch"

    def __init__(
        self, shell: InteractiveShell, namespace: Namespace, turn: Turn, *, owner: str
    ) -> None:
        self._shell, self._user, self._turn, self._owner = shell, namespace, turn, owner
        self._scope: Namespace = {"__name__": "__main__"}
        self._borrowed: Namespace = {}
        self._own_deleted: set[str] = set()
        self._user_watch = Watch(namespace)
        self._scope_watch = Watch(self._scope, scope=owner)

    def variables(self) -> Mapping[str, Any]:
        """The scope as the agent's code would see it now."""
        self._refresh()
        return self._scope

    def bind(self, values: Mapping[str, Any]) -> None:
        """Put ``values`` (the arguments of a call) into the scope as the agent's own."""
        self._refresh()
        for name, value in values.items():
            self._borrowed.pop(name, None)
            self._own_deleted.discard(name)
            self._scope[name] = value

    def _refresh(self) -> None:
        """Bring the user's names up to date, but not where the agent has a name of its own."""
        scope, borrowed = self._scope, self._borrowed
        for name in [name for name, value in borrowed.items() if scope.get(name, _GONE) is not value]:
            if name not in scope:
                self._own_deleted.add(name)
            del borrowed[name]  # rebound or deleted by the agent: its own from now on
        fresh = {
            name: value
            for name, value in self._user.items()
            if name not in _KEPT and name not in self._own_deleted and (name in borrowed or name not in scope)
        }
        for name in borrowed.keys() - fresh.keys():
            del scope[name]
        scope.update(fresh)
        self._borrowed = fresh

    async def execute(
        self, code: str, *, label: str, names: dict[str, Any], sink: Sink, timeout: float | None = None
    ) -> Outcome:
        """Run ``code`` as an async cell; see ``Place.execute``."""
        async with self._turn:
            self._refresh()
            user_before, scope_before = self._user_watch.snapshot(code), self._scope_watch.snapshot(code)
            outcome = await run_cell(self._stage(names, sink, timeout), code, label)
            changes = self._user_watch.compare(user_before)
            own = self._scope_watch.compare(scope_before)
            outcome.changes = changes + [change for change in own if self._is_own(change)]
            return outcome

    def _stage(self, names: dict[str, Any], sink: Sink, timeout: float | None) -> Stage:
        return Stage(self._shell, self._scope, names, sink, turn=self._turn, timeout=timeout)

    def _is_own(self, change: Change) -> bool:
        """In-place changes of the user's objects are reported as the user's already."""
        value = self._scope.get(change.name, _GONE)
        return change.kind != "mutated" or self._borrowed.get(change.name, _GONE) is not value


_GONE: Any = object()
_KEPT = frozenset({"__name__", "__builtins__"})


async def run_cell(stage: Stage, code: str, label: str) -> Outcome:
    """Compile and run one action on its stage; outputs go to the stage's sink as they come.

    Whatever the code raises is in the outcome; only the cancellation of the awaiting task gets out.
    """
    token = current_stage.set(stage)
    try:
        outcome: Outcome = await stage.drive(_act(stage, code, label))
        return outcome
    finally:
        current_stage.reset(token)


async def _act(stage: Stage, code: str, label: str) -> Outcome:
    outcome = Outcome()
    try:
        cell = compile_cell(stage.shell, code, label)
        value = await cell.run(stage.namespace)
        if isinstance(value, asyncio.Future) or asyncio.iscoroutine(value) and value not in stage.pending:
            value = await value
            outcome.notes.append("the closing expression was not awaited; it was awaited at the end of the step")
        outcome.value, notes = await settle(stage, stage.namespace, value)
        outcome.notes += notes
        if outcome.value is not None:
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


def _finish(stage: Stage, outcome: Outcome) -> None:
    try:
        stage.show_figures()
    except Exception as error:  # a figure that cannot be drawn is the code's error, not the host's
        if outcome.error is None:
            outcome.error, outcome.report = error, report(error)
    stage.out.finish()
    stage.err.finish()
