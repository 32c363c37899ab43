"""What all the workers of one run share."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentnb.kernel.shell import Namespace, Shell
from agentnb.kernel.turn import Gate
from agentnb.models import Chat, ModelChat, RecordedModels, resolve
from agentnb.record.document import RunRecord, RunStatus
from agentnb.run.budget import Meter
from agentnb.run.control import Control
from agentnb.run.ledger import Ledger, Repetition
from agentnb.run.recorder import Recorder


class Models(Protocol):
    """Where the conversations of a run come from: models, or a recording."""

    def open(self, spec: Any, agent: str, brief: str, lane: str | None) -> tuple[Chat, str | None]:
        """Open a conversation for a task; ``lane`` is that of the task which asked for it. Returns it and its lane."""

    def label(self, spec: Any) -> str:
        """Return the name under which a model is shown. Raises ``ModelSetupError`` where it cannot be had."""

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
    task: str
    end: Callable[[RunStatus, str], None] = _not_begun
    ask_person: Callable[[str, str], Awaitable[str]] = _not_begun
    control: Control = field(default_factory=Control)
    repetition: Repetition = field(default_factory=Repetition)
    results: dict[str, Any] = field(default_factory=dict)
    lanes: dict[str, str | None] = field(default_factory=dict)
    recording: RunRecord | None = None
    clean: contextvars.Context = field(default_factory=contextvars.copy_context)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.recorder)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start ``work`` as a task that belongs to the run, not to the action whose code asked for it."""
        return asyncio.get_running_loop().create_task(work, context=self.clean.copy())
