"""The spans of one run, made from its events.

One trace a run: ``invoke_workflow`` holds an ``invoke_agent`` a task, which holds a ``chat`` a model call and an
``execute_tool`` an action, which holds one a call of a tool. A task that an action asked for lies within that action.
Spans of replies that were played from a recording are left out, for no model was called.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from agentnb._version import __version__
from agentnb.record import events as ev
from agentnb.record.document import RunRecord, Step, Task
from agentnb.tracing import attributes as names
from agentnb.tracing.attributes import Attributes

TOOL = "python"
"""The tool that every action is a call of: the agents' code in the kernel."""
_ENDED_BADLY = frozenset({"failed", "limit", "crashed"})


def run_spans() -> RunSpans | None:
    """Return a listener for a run; None where no tracer provider is set up, or tracing is switched off."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        return None
    tracer = provider.get_tracer("agentnb", __version__)
    return None if isinstance(tracer, trace.NoOpTracer) else RunSpans(tracer, content=names.wants_content())


class RunSpans:
    """Makes the spans of one run as its events come; ``content`` puts what was said and done into them."""

    def __init__(self, tracer: Tracer, *, content: bool) -> None:
        self._tracer, self._content = tracer, content
        self._run: Span | None = None
        self._tasks: dict[str, Span] = {}
        self._actions: dict[str, Span] = {}
        self._asked: dict[str, tuple[int, float]] = {}
        self._first: dict[str, float] = {}

    def on_event(self, event: ev.AnyEvent, record: RunRecord) -> None:
        """Take in one event of the run; what comes before its first or after its last is let go."""
        handle = _HANDLERS.get(type(event))
        if handle is not None and (self._run is not None or isinstance(event, ev.RunStarted)):
            handle(self, event, record)

    # --- the run ------------------------------------------------------------------------------------------------------

    def _run_started(self, event: ev.RunStarted, record: RunRecord) -> None:
        known: Attributes = {"gen_ai.operation.name": "invoke_workflow", "agentnb.run.id": event.run_id}
        if event.team:
            known["gen_ai.workflow.name"] = event.team
        if event.resumes:
            known["agentnb.run.resumes"] = event.resumes
        if event.replayed:
            known["agentnb.run.replayed"] = True
        if self._content:
            known["gen_ai.input.messages"] = names.input_message(event.task)
        self._run = self._tracer.start_span(f"invoke_workflow {event.team}".rstrip(), attributes=known)

    def _run_ended(self, event: ev.RunEnded, record: RunRecord) -> None:
        assert self._run is not None
        for step in record.steps:
            self._close_step(step, record)
        for task in record.tasks:
            self._close_task(task)
        self._run.set_attributes(names.of_team(record))
        if record.status in _ENDED_BADLY:
            _fail(self._run, record.error.name if record.error is not None else record.status)
        if self._content and event.result is not None:
            self._run.set_attribute("gen_ai.output.messages", names.output_message(names.plain(event.result)))
        self._run.end()
        self._run = None

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _task_changed(self, event: ev.TaskChanged, record: RunRecord) -> None:
        task = next((task for task in record.tasks if task.id == event.task), None)
        if task is None:
            return
        if event.status == "in_progress":
            self._begin_task(task, record)
        elif event.status in ("completed", "failed", "cancelled"):
            self._close_task(task)

    def _begin_task(self, task: Task, record: RunRecord) -> None:
        if task.id in self._tasks:
            return
        member = names.member_of(record, task.agent)
        known: Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": task.agent,
            "agentnb.task.id": task.id,
            **names.of_model(member),
        }
        if member is not None and member.role:
            known["gen_ai.agent.description"] = member.role
        if self._content:
            known["gen_ai.input.messages"] = names.input_message(task.brief)
        parent = self._actions.get(task.parent_step or "") or self._tasks.get(task.parent or "") or self._run
        self._tasks[task.id] = self._start(f"invoke_agent {task.agent}", parent, known)

    def _close_task(self, task: Task) -> None:
        span = self._tasks.pop(task.id, None)
        if span is None:
            return
        span.set_attributes({"agentnb.task.status": task.status, **names.of_usage(task.usage)})
        if task.status == "failed":
            _fail(span, task.error.name if task.error is not None else "_OTHER")
        if self._content and task.result is not None:
            span.set_attribute("gen_ai.output.messages", names.output_message(names.plain(task.result)))
        span.end()

    def _joined(self, event: ev.AgentJoined, record: RunRecord) -> None:
        """A coordinator's model and role are known only once its task is under way."""
        for task in record.tasks:
            if task.agent == event.member.name and task.id in self._tasks:
                self._tasks[task.id].set_attributes(names.of_model(event.member))
                if event.member.role:
                    self._tasks[task.id].set_attribute("gen_ai.agent.description", event.member.role)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _step_started(self, event: ev.StepStarted, record: RunRecord) -> None:
        self._asked[event.step] = time.time_ns(), event.at

    def _reply_delta(self, event: ev.ReplyDelta, record: RunRecord) -> None:
        self._first.setdefault(event.step, event.at)

    def _reply_ended(self, event: ev.ReplyEnded, record: RunRecord) -> None:
        step = next((step for step in reversed(record.steps) if step.id == event.step), None)
        if step is None or not event.usage.calls:
            self._asked.pop(event.step, None)
            return
        more = names.of_usage(event.usage)
        if self._content:
            said = event.thought if event.code is None else f"{event.thought}\n<code>\n{event.code}\n</code>"
            more["gen_ai.output.messages"] = names.output_message(said)
        self._chat(step, record, more)

    def _chat(self, step: Step, record: RunRecord, more: Attributes, error: str | None = None) -> None:
        """Make the span of a model call that is over."""
        began, at = self._asked.pop(step.id)
        member = names.member_of(record, step.agent)
        known: Attributes = {
            "gen_ai.operation.name": "chat",
            **names.of_model(member),
            "gen_ai.agent.name": step.agent,
            "agentnb.step.id": step.id,
            **more,
        }
        if (first := self._first.pop(step.id, None)) is not None:
            known["gen_ai.request.stream"] = True
            known["gen_ai.response.time_to_first_chunk"] = first - at
        title = f"chat {known.get('gen_ai.request.model', '')}".rstrip()
        span = self._start(title, self._tasks.get(step.task) or self._run, known, kind=SpanKind.CLIENT, began=began)
        if error is not None:
            _fail(span, error)
        span.end()

    def _action_started(self, event: ev.ActionStarted, record: RunRecord) -> None:
        step = next((step for step in reversed(record.steps) if step.id == event.step), None)
        if step is None:
            return
        known: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": TOOL,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": step.id,
            "gen_ai.agent.name": step.agent,
            "agentnb.step.id": step.id,
        }
        if self._content and step.code is not None:
            known["gen_ai.tool.call.arguments"] = step.code
        self._actions[step.id] = self._start(f"execute_tool {TOOL}", self._tasks.get(step.task) or self._run, known)

    @contextmanager
    def tool_call(self, tool: str, agent: str, step: str) -> Iterator[None]:
        """Trace the call of a tool in the block; what the tool traces itself lies within."""
        known: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.type": "function",
            "gen_ai.agent.name": agent,
            "agentnb.step.id": step,
        }
        span = self._start(f"execute_tool {tool}", self._actions.get(step) or self._run, known)
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield
        except BaseException as error:
            _fail(span, type(error).__name__)
            raise
        finally:
            span.end()

    def _step_ended(self, event: ev.StepEnded, record: RunRecord) -> None:
        step = next((step for step in reversed(record.steps) if step.id == event.step), None)
        if step is not None:
            self._close_step(step, record)

    def _close_step(self, step: Step, record: RunRecord) -> None:
        error = step.error.name if step.error is not None else None
        if step.id in self._asked:
            self._chat(step, record, {"agentnb.step.status": step.status}, error)
        span = self._actions.pop(step.id, None)
        if span is None:
            return
        span.set_attributes({"agentnb.step.status": step.status, "agentnb.step.changes": len(step.changes)})
        if self._content:
            span.set_attribute("gen_ai.tool.call.result", names.printed(step.outputs))
        if error is not None:
            _fail(span, error)
        span.end()

    # --- what all share -----------------------------------------------------------------------------------------------

    def _start(
        self,
        title: str,
        parent: Span | None,
        known: Attributes,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        began: int | None = None,
    ) -> Span:
        context = None if parent is None else trace.set_span_in_context(parent)
        return self._tracer.start_span(title, context=context, kind=kind, attributes=known, start_time=began)


def _fail(span: Span, error: str) -> None:
    """Mark a span as failed; the message may hold the person's data, so the kind of error is all that is said."""
    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))


_HANDLERS: dict[type[ev.Event], Callable[[RunSpans, Any, RunRecord], None]] = {
    ev.RunStarted: RunSpans._run_started,
    ev.RunEnded: RunSpans._run_ended,
    ev.AgentJoined: RunSpans._joined,
    ev.TaskChanged: RunSpans._task_changed,
    ev.StepStarted: RunSpans._step_started,
    ev.ReplyDelta: RunSpans._reply_delta,
    ev.ReplyEnded: RunSpans._reply_ended,
    ev.ActionStarted: RunSpans._action_started,
    ev.StepEnded: RunSpans._step_ended,
}
