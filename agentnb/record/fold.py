"""The record as the fold of its events.

``Folder`` keeps a record up to date at a constant cost an event. Events that do not fit (an unknown id, anything after
the end) change nothing: a record is never worse for an event too many.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

from agentnb.record import events as ev
from agentnb.record.document import FINAL, Member, Message, Request, RunRecord, Step, Task

_OPEN_TASKS = frozenset({"pending", "in_progress", "blocked"})
_OPEN_STEPS = frozenset({"thinking", "waiting", "acting"})


class Folder:
    """A record and the indexes by which an event finds its place in it.

    ``record`` is changed in place; a new one is made where none is given. Nothing in it is shared with the events in a
    way that a later event could change.
    """

    def __init__(self, record: RunRecord | None = None) -> None:
        self.record = record if record is not None else RunRecord()
        self.steps: dict[str, Step] = {step.id: step for step in self.record.steps}
        self.tasks: dict[str, Task] = {task.id: task for task in self.record.tasks}
        self.requests: dict[str, Request] = {request.id: request for request in self.record.requests}
        self._members: dict[tuple[str, str], Member] = {(m.team, m.name): m for m in self.record.roster}

    def apply(self, event: ev.AnyEvent) -> None:
        """Bring the record up to date with one event. Raises nothing."""
        record = self.record
        record.seq = max(record.seq, event.seq + 1)
        if record.status in FINAL:
            if isinstance(event, ev.Undone):
                self._undone(event)
            return
        record.timing.elapsed = max(record.timing.elapsed, event.at)
        _APPLY[type(event)](self, event)

    # --- the run ------------------------------------------------------------------------------------------------------

    def _run_started(self, event: ev.RunStarted) -> None:
        record = self.record
        record.run_id, record.task, record.generator = event.run_id, event.task, event.generator
        record.team, record.result_name = event.team, event.result_name
        record.budget, record.limits, record.approve = event.budget, copy.copy(event.limits), event.approve
        record.replayed, record.timing.created = event.replayed, event.created
        record.resumes = event.resumes

    def _budget_changed(self, event: ev.BudgetChanged) -> None:
        self.record.budget, self.record.limits = event.budget, copy.copy(event.limits)

    def _run_status_changed(self, event: ev.RunStatusChanged) -> None:
        self.record.status = event.status

    def _run_ended(self, event: ev.RunEnded) -> None:
        record = self.record
        record.status = event.status
        record.reason, record.result, record.error = event.reason, event.result, event.error
        if event.status not in FINAL:  # a host that broke its word; a run without an end must not look like a live one
            record.status = "crashed"
        for task in record.tasks:
            if task.status in _OPEN_TASKS:
                # The request itself shares the fate of its run; what was still open below it was merely stopped.
                task.status = (
                    "failed" if task.parent is None and record.status in ("failed", "crashed") else "cancelled"
                )
                task.ended_at = event.at
        for step in record.steps:
            if step.status in _OPEN_STEPS:
                step.status = "cancelled"
                if step.timing.code_started_at is not None:
                    step.timing.code_ended_at = event.at

        for request in record.requests:
            if request.status == "open":
                request.status, request.answered_at = "withdrawn", event.at

    def _undone(self, event: ev.Undone) -> None:
        for step in event.steps:
            if step in self.steps:
                self.steps[step].undone = True

    def _said(self, event: ev.Said) -> None:
        self.record.messages.append(Message(at=event.at, sender=event.sender, to=event.to, text=event.text))

    # --- what waits for the person ------------------------------------------------------------------------------------

    def _asked(self, event: ev.Asked) -> None:
        request = copy.copy(event.request)
        request.touches, request.plan = list(request.touches), list(request.plan)
        request.changes, request.asked_at = list(request.changes), event.at
        known = self.requests.get(request.id)
        if known is None:
            self.record.requests.append(request)
        else:
            self.record.requests[next(i for i, each in enumerate(self.record.requests) if each is known)] = request
        self.requests[request.id] = request
        step = self.steps.get(request.step or "")
        if request.kind == "action" and step is not None and step.status == "thinking":
            step.status = "waiting"

    def _answered(self, event: ev.Answered) -> None:
        request = self.requests.get(event.request)
        if request is None or request.status != "open":
            return
        request.status, request.answer, request.answered_at = event.status, event.text, event.at
        request.for_run, request.by = event.for_run, event.by
        request.edited = event.code is not None or event.plan is not None
        if event.plan is not None:
            request.plan = list(event.plan)
        step = self.steps.get(request.step or "")
        if request.kind == "action" and step is not None and step.status == "waiting":
            step.status = "thinking"
            step.code = step.code if event.code is None else event.code

    # --- the roster ---------------------------------------------------------------------------------------------------

    def _agent_joined(self, event: ev.AgentJoined) -> None:
        member = copy.copy(event.member)
        member.tools, member.joined_at = list(member.tools), event.at
        key = (member.team, member.name)
        present = self._members.get(key)
        if present is not None and present.left_at is None:
            member.joined_at = present.joined_at
            self.record.roster[self._place(present)] = member
        else:
            self.record.roster.append(member)
        self._members[key] = member

    def _place(self, member: Member) -> int:
        return next(i for i, known in enumerate(self.record.roster) if known is member)

    def _agent_changed(self, event: ev.AgentChanged) -> None:
        member = self._members.get((event.team, event.name))
        if member is None:
            return
        member.role = member.role if event.role is None else event.role
        member.model = member.model if event.model is None else event.model
        member.mode = member.mode if event.mode is None else event.mode
        member.tools = member.tools if event.tools is None else list(event.tools)

    def _agent_left(self, event: ev.AgentLeft) -> None:
        member = self._members.get((event.team, event.name))
        if member is not None and member.left_at is None:
            member.left_at = event.at

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _task_added(self, event: ev.TaskAdded) -> None:
        if event.task in self.tasks:
            return
        task = Task(
            id=event.task,
            agent=event.agent,
            brief=event.brief,
            parent=event.parent,
            parent_step=event.parent_step,
            depends_on=list(event.depends_on),
        )
        self.tasks[task.id] = task
        self.record.tasks.append(task)

    def _task_changed(self, event: ev.TaskChanged) -> None:
        task = self.tasks.get(event.task)
        if task is None:
            return
        task.status = event.status
        if event.status == "in_progress" and task.started_at is None:
            task.started_at = event.at
        task.ended_at = None if event.status in _OPEN_TASKS else event.at
        task.result = task.result if event.result is None else event.result
        task.error = task.error if event.error is None else event.error

    # --- steps --------------------------------------------------------------------------------------------------------

    def _step_started(self, event: ev.StepStarted) -> None:
        known = self.steps.get(event.step)
        if known is None:
            step = Step(id=event.step, task=event.task, agent=event.agent, number=event.number)
            step.timing.asked_at = event.at
            self.steps[step.id] = step
            self.record.steps.append(step)
        elif known.status == "thinking":  # asked again: what had streamed so far is void
            known.thought = ""

    def _reply_delta(self, event: ev.ReplyDelta) -> None:
        step = self.steps.get(event.step)
        if step is not None and step.status == "thinking" and step.timing.replied_at is None:
            step.thought += event.text

    def _reply_ended(self, event: ev.ReplyEnded) -> None:
        step = self.steps.get(event.step)
        if step is None:
            return
        step.thought, step.code = event.thought, event.code
        step.timing.replied_at = event.at
        step.usage.add(event.usage)
        self.record.usage.add(event.usage)
        if step.task in self.tasks:
            self.tasks[step.task].usage.add(event.usage)

    def _action_started(self, event: ev.ActionStarted) -> None:
        step = self.steps.get(event.step)
        if step is not None and step.status in _OPEN_STEPS:
            step.status = "acting"
            step.timing.code_started_at = event.at

    def _output_added(self, event: ev.OutputAdded) -> None:
        step = self.steps.get(event.step)
        if step is None:
            return
        if event.index is not None and 0 <= event.index < len(step.outputs):
            step.outputs[event.index] = event.output
        elif step.outputs and _joins(step.outputs[-1], event.output):
            last = step.outputs[-1]
            step.outputs[-1] = {**last, "text": _text(last) + _text(event.output)}
        else:
            step.outputs.append(event.output)

    def _outputs_cleared(self, event: ev.OutputsCleared) -> None:
        if event.step in self.steps:
            self.steps[event.step].outputs = []

    def _noted(self, event: ev.Noted) -> None:
        if event.step in self.steps:
            self.steps[event.step].notes.append(event.text)

    def _step_ended(self, event: ev.StepEnded) -> None:
        step = self.steps.get(event.step)
        if step is None:
            return
        step.status = event.status
        step.changes, step.error, step.final = list(event.changes), event.error, event.final
        if event.acted or step.timing.code_started_at is not None:
            step.timing.code_ended_at = event.at


_APPLY: dict[type[ev.Event], Callable[[Folder, Any], None]] = {
    ev.RunStarted: Folder._run_started,
    ev.BudgetChanged: Folder._budget_changed,
    ev.Asked: Folder._asked,
    ev.Answered: Folder._answered,
    ev.Undone: Folder._undone,
    ev.RunStatusChanged: Folder._run_status_changed,
    ev.RunEnded: Folder._run_ended,
    ev.Said: Folder._said,
    ev.AgentJoined: Folder._agent_joined,
    ev.AgentChanged: Folder._agent_changed,
    ev.AgentLeft: Folder._agent_left,
    ev.TaskAdded: Folder._task_added,
    ev.TaskChanged: Folder._task_changed,
    ev.StepStarted: Folder._step_started,
    ev.ReplyDelta: Folder._reply_delta,
    ev.ReplyEnded: Folder._reply_ended,
    ev.ActionStarted: Folder._action_started,
    ev.OutputAdded: Folder._output_added,
    ev.OutputsCleared: Folder._outputs_cleared,
    ev.StepEnded: Folder._step_ended,
    ev.Noted: Folder._noted,
}


def apply(record: RunRecord, event: ev.AnyEvent) -> None:
    """Bring ``record`` up to date with one event, in place. Raises nothing.

    It looks the ids up anew each time; for more than a few events keep a ``Folder``.
    """
    Folder(record).apply(event)


def fold(events: Iterable[ev.AnyEvent]) -> RunRecord:
    """Return the record that a run's events amount to."""
    folder = Folder()
    for event in events:
        folder.apply(event)
    return folder.record


def _joins(last: dict[str, Any], output: dict[str, Any]) -> bool:
    return last.get("output_type") == output.get("output_type") == "stream" and last.get(
        "name", "stdout"
    ) == output.get("name", "stdout")


def _text(output: dict[str, Any]) -> str:
    """Return the text of a stream output; nbformat allows a list of lines as well."""
    text = output.get("text", "")
    if isinstance(text, str):
        return text
    return "".join(map(str, text)) if isinstance(text, list | tuple) else str(text)
