"""What all the workers of one run share."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from agentnb.errors import UserError
from agentnb.kernel.merge import Bundle
from agentnb.kernel.shell import Namespace, Shell
from agentnb.kernel.turn import Gate
from agentnb.models import Chat, ModelChat, RecordedModels, has_prices, price_of, resolve
from agentnb.record.document import Request, RunRecord, RunStatus
from agentnb.run.approvals.approval import Approver
from agentnb.run.approvals.requests import Answer, CheckEdit, Requests
from agentnb.run.approvals.rules import Rules
from agentnb.run.budget import LimitReached, Meter
from agentnb.run.conflicts import Conflicts
from agentnb.run.control import Control
from agentnb.run.ledger import Ledger, Repetition
from agentnb.run.recorder import Recorder
from agentnb.run.undo import Undo
from agentnb.tracing import ToolSpan

if TYPE_CHECKING:
    from agentnb.kernel.dask.cluster import Cluster
    from agentnb.run.recovery.resume import Resumption


class Models(Protocol):
    """Where the conversations of a run come from: models, or a recording."""

    def open(self, spec: Any, agent: str, brief: str, lane: str | None) -> tuple[Chat, str | None]:
        """Open a conversation for a task; ``lane`` is that of the task which asked for it. Returns it and its lane."""

    def label(self, spec: Any) -> str:
        """Return the name under which a model is shown. Raises ``ModelSetupError`` where it cannot be had."""

    def is_priced(self, spec: Any) -> bool:
        """Whether it is known what calls cost."""

    @property
    def drifts(self) -> list[str]:
        """Where the tasks differ from those of a recording; empty for models."""


class LiveModels:
    """Conversations with real models, each resolved once."""

    drifts: list[str] = []

    def __init__(self, api_base: str | None = None) -> None:
        self._api_base = api_base
        self._resolved: dict[Any, Any] = {}

    def _model(self, spec: Any) -> Any:
        key = spec if isinstance(spec, str) else id(spec)
        if key not in self._resolved:
            self._resolved[key] = resolve(spec, api_base=self._api_base)
        return self._resolved[key]

    def open(self, spec: Any, agent: str, brief: str, lane: str | None) -> tuple[Chat, str | None]:
        """Open a conversation with the model behind ``spec``."""
        return ModelChat(self._model(spec)), None

    def label(self, spec: Any) -> str:
        """Return ``provider/id``, or the id of a model object."""
        self._model(spec)
        return spec if isinstance(spec, str) else str(getattr(spec, "model_id", None) or type(spec).__name__)

    def is_priced(self, spec: Any) -> bool:
        """Whether the price of the model behind ``spec`` is known."""
        return price_of(self._model(spec)) is not None


class ReplayModels:
    """The recorded conversations of an earlier run."""

    def __init__(self, recorded: RecordedModels) -> None:
        self._recorded = recorded

    def open(self, spec: Any, agent: str, brief: str, lane: str | None) -> tuple[Chat, str | None]:
        """Open the recorded lane of this task."""
        chat = self._recorded.chat(agent, brief, lane)
        return chat, chat.task

    @property
    def drifts(self) -> list[str]:
        """Where the tasks differ from the recorded ones."""
        return self._recorded.drifts

    def label(self, spec: Any) -> str:
        """Return what stands in the place of a model's name."""
        return "recorded"

    def is_priced(self, spec: Any) -> bool:
        """A recorded reply costs nothing."""
        return True


def _not_begun(*_: Any) -> Any:
    raise RuntimeError("the run has not begun")


@dataclass
class RunContext:
    """The shared state of one run. Used on the event loop only."""

    id: str
    shell: Shell
    namespace: Namespace
    gate: Gate
    models: Models
    recorder: Recorder
    meter: Meter
    requests: Requests
    rules: Rules
    task: str
    end: Callable[[RunStatus, str], None] = _not_begun
    approver: Approver = field(default_factory=Approver)
    control: Control = field(default_factory=Control)
    repetition: Repetition = field(default_factory=Repetition)
    results: dict[str, Any] = field(default_factory=dict)
    bundles: dict[str, Bundle] = field(default_factory=dict)  # by task: what branches bring to whoever takes the result
    verdicts: dict[str, Callable[[Any], Awaitable[bool]]] = field(default_factory=dict)  # by task: is its answer kept?
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)  # of tasks that would be in branches and cannot
    lanes: dict[str, str | None] = field(default_factory=dict)
    conflicts: Conflicts = field(default_factory=Conflicts)
    processes: list[Any] = field(default_factory=list)  # that actions left running
    recording: RunRecord | None = None
    dask: str | None = None  # the address of a scheduler, where one is configured
    cluster: Cluster | None = None  # once a task was given to Dask
    resumption: Resumption | None = None
    tool_span: ToolSpan | None = None  # where the run is traced
    deadline: float | None = None  # by time.perf_counter, where the budget limits time
    clean: contextvars.Context = field(default_factory=contextvars.copy_context)
    ledger: Ledger = field(init=False)
    undo: Undo = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.recorder)
        self.undo = Undo(self.id, self.namespace, self.recorder)

    @property
    def record(self) -> RunRecord:
        """All that happened so far."""
        return self.recorder.record

    async def ask(self, request: Request, check: CheckEdit | None = None) -> Answer:
        """Ask the person and return how that ended; the task of ``request`` counts as blocked meanwhile.

        The request's id and times are filled in here; ``check`` is for edits of its code. Where nobody answers in
        time, or nobody is there, the answer is ``expired``. Waiting holds neither the kernel's turn nor the
        loop; a stop ends it with ``CancelledError``.
        """
        self.ledger.wait(request.task)
        try:
            # not in the context of the agent's code: who listens may answer at once, which that code may not
            answer: Answer = await self.spawn(self.requests.ask(request, check))
            return answer
        finally:
            self.ledger.go_on(request.task)

    def check_model(self, spec: Any) -> None:
        """Raise ``UserError`` where the model cannot be had, or where the run's budget cannot be held with it."""
        name, money = self.models.label(spec), self.meter.budget.money
        if money is not None and not self.models.is_priced(spec):
            more = "" if has_prices() else "; many prices are known after `%pip install litellm`"
            raise UserError(
                f"the price of {name} is not known here, so ${money:.2f} cannot be held; limit tokens or time instead, "
                f"for instance -b 60k{more}"
            )

    def within_budget(self, timeout: float | None) -> float | None:
        """Return the seconds that an action may run: code on the main thread keeps the loop from ending the run."""
        if self.deadline is None:
            return timeout
        left = max(self.deadline - time.perf_counter(), 1e-3)
        return left if timeout is None else min(left, timeout)

    def check_time(self) -> None:
        """Raise ``LimitReached`` where the time of the budget is used up."""
        if self.deadline is not None and time.perf_counter() >= self.deadline:
            raise LimitReached(f"the budget of {self.meter.budget.seconds:g} s is used up")

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start ``work`` as a task that belongs to the run, not to the action whose code asked for it."""
        return asyncio.get_running_loop().create_task(work, context=self.clean.copy())
