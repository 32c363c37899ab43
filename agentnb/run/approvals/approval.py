"""Whether an action may run: let through, put to the person, or refused, with what the model is told of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agentnb.errors import Correction
from agentnb.kernel.action.names import host_names
from agentnb.kernel.analysis.effects import Effects, effects, hands_over
from agentnb.record.document import Request
from agentnb.run import prompts
from agentnb.run.approvals.requests import Answer
from agentnb.run.approvals.tool_call import ToolCall
from agentnb.run.toolbox import bind_tools
from agentnb.tools import Tool

if TYPE_CHECKING:
    from agentnb.run.context import RunContext
    from agentnb.run.worker import Assignment


@dataclass(frozen=True)
class Permit:
    """What may run: the code, perhaps the person's, perhaps only as long as it has no effects."""

    code: str
    read_only: bool = False
    note: str = ""
    told: str = ""  # what the model is told with the observation


@dataclass(frozen=True)
class Refusal:
    """Nothing runs; ``note`` is for the record, ``told`` for the model."""

    note: str
    told: str


class Approver:
    """The approvals of one run, with what the person allowed for the rest of it."""

    def __init__(self) -> None:
        self._allowed: dict[str, list[Effects]] = defaultdict(list)
        self._tools: set[tuple[str, str]] = set()

    async def permit(self, run: RunContext, job: Assignment, step: str, code: str) -> Permit | Refusal:
        """Return whether ``code`` may run as an action of ``job``. Raises only ``CancelledError``."""
        if not job.ask:
            return Permit(code, read_only=job.read_only)
        view = job.place.variables()
        if hands_over(code, view):  # an answer of names and constants has no effect to be allowed
            return Permit(code, read_only=job.read_only)
        found = effects(code, view, team=host_names(job.names) - job.tools, tools=job.tools)
        if run.rules.allow_read_only and found.only_reads(own_scope=job.place.mode != "live"):
            return Permit(code, read_only=True, note="let run unasked: it is known to only look at data")
        if any(found.within(allowed) for allowed in self._allowed[job.agent]):
            return Permit(code, read_only=job.read_only, note="the like was allowed for this run")
        answer = await run.ask(_request(run, job, step, code, found))
        if not answer.allowed:
            return refusal(answer)
        if answer.for_run:
            self._allowed[job.agent].append(found)
        if answer.code is None:
            return Permit(code, read_only=job.read_only)
        told = prompts.EDITED.format(code=answer.code)
        return Permit(answer.code, job.read_only, "the person changed the code before it ran", told)

    async def permit_tool(self, run: RunContext, request: Request, call: ToolCall) -> ToolCall:
        """Return the call that may go on, perhaps the person's; raises ``Correction`` where they allow none."""
        key = (request.agent, call.name)
        if key in self._tools:
            return call
        shown = [call.text]

        def check(redacted: str, written: str) -> None:
            call.edited(written, redacted)
            shown[:] = [redacted]

        answer = await run.ask(request, check)
        if not answer.allowed:
            raise Correction(refusal(answer).told)
        if answer.for_run:
            self._tools.add(key)
        if answer.code is None:
            return call
        edited = call.edited(answer.code, shown[0])  # of the first answer: several views may have sent one
        print(prompts.EDITED_CALL.format(call=edited.text))
        return edited


def _request(run: RunContext, job: Assignment, step: str, code: str, found: Effects) -> Request:
    brief = next((task.brief for task in run.record.tasks if task.id == job.task), "")
    return Request(
        id="",
        kind="action",
        agent=job.agent,
        task=job.task,
        step=step,
        text=f"{job.agent} wants to run this for: {' '.join(brief.split())[:200]}",
        code=code,
        touches=found.lines(),
    )


def refusal(answer: Answer, *, is_plan: bool = False) -> Refusal:
    """Return what to say of a request that was not allowed."""
    if answer.status == "denied":
        reason = " ".join(answer.text.split())
        return Refusal(f"not allowed{f': {reason}' if reason else ''}", prompts.denied(answer.text, is_plan=is_plan))
    return Refusal("not allowed: nobody answered", prompts.NOBODY_ALLOWED)


@dataclass
class ToolGate:
    """Puts calls of tools that ask to the person, and traces all, for one task of one agent; ``step`` is at work."""

    run: RunContext
    agent: str
    task: str
    step: Callable[[], str | None] = lambda: None

    def checked(self, tool: Tool) -> Tool:
        """Return the tool as this agent may call it; raises ``UserError`` where the administrator forbids it."""
        policy = self.run.rules.policy
        policy.check_tool(tool.name)
        tool = self._traced(tool)
        if tool.approve != "ask" and not policy.asks_for(tool.name):
            return tool
        doc = f"{tool.doc}\n{prompts.ASKED_TOOL}"
        return replace(tool, call=self._asking(tool), is_async=True, doc=doc, approve="ask")

    def _traced(self, tool: Tool) -> Tool:
        span = self.run.tool_span
        if span is None:
            return tool

        def call(*args: Any, **kwargs: Any) -> Any:
            with span(tool.name, self.agent, self.step() or ""):
                return tool.call(*args, **kwargs)

        async def acall(*args: Any, **kwargs: Any) -> Any:
            with span(tool.name, self.agent, self.step() or ""):
                return await tool.call(*args, **kwargs)

        return replace(tool, call=acall if tool.is_async else call)

    def _asking(self, tool: Tool) -> Callable[..., Awaitable[Any]]:
        bound = bind_tools([tool])[tool.name]

        async def call(*args: Any, **kwargs: Any) -> Any:
            asked = ToolCall(tool.name, args, kwargs)
            request = Request(
                id="",
                kind="action",
                agent=self.agent,
                task=self.task,
                step=self.step(),
                text=f"{self.agent} wants to call the tool {tool.name}",
                code=asked.text,
                touches=[f"calls tools: {tool.name}"],
            )
            allowed = await self.run.approver.permit_tool(self.run, request, asked)
            result = bound(*allowed.args, **allowed.kwargs)
            return await result if tool.is_async else result

        return call
