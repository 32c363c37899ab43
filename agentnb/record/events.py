"""What can happen in a run: a tagged union of small classes. The record is the fold of these, see ``fold``.

``seq`` counts from 0 without a gap; ``at`` is seconds since the run's start.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from agentnb.record.document import (
    Approval,
    Change,
    Error,
    Limits,
    Member,
    Mode,
    PlanItem,
    Request,
    RequestStatus,
    RunStatus,
    StepStatus,
    TaskStatus,
    Usage,
)


class Event(msgspec.Struct, kw_only=True, tag_field="type", omit_defaults=True):
    """Base of all events."""

    seq: int = 0
    at: float = 0.0


class RunStarted(Event, tag="run_started"):
    """The first event of every run.

    ``resumes`` is the id of the crashed run that this one goes on from. ``notebook`` is the file name of the notebook
    whose kernel this is, where that is known; for finding the journals of a notebook, it is not in the record.
    """

    run_id: str
    task: str
    created: str
    generator: str
    team: str = ""
    budget: str = ""
    limits: Limits = msgspec.field(default_factory=Limits)
    approve: Approval = "auto"
    result_name: str = "agents_run"
    replayed: bool = False
    resumes: str = ""
    notebook: str = ""


class BudgetChanged(Event, tag="budget_changed"):
    """The person raised, lowered or lifted the run's limits."""

    budget: str
    limits: Limits
    by: str = ""


class AgentJoined(Event, tag="agent_joined"):
    """An agent is on the team: from the start, or hired in mid-run."""

    member: Member
    by: str = ""


class AgentChanged(Event, tag="agent_changed"):
    """Only the fields that are not None changed."""

    name: str
    team: str = ""
    role: str | None = None
    model: str | None = None
    mode: Mode | None = None
    tools: list[str] | None = None
    by: str = ""


class AgentLeft(Event, tag="agent_left"):
    """An agent was dismissed."""

    name: str
    team: str = ""
    by: str = ""


class TaskAdded(Event, tag="task_added"):
    """A task entered the ledger."""

    task: str
    agent: str
    brief: str
    parent: str | None = None
    parent_step: str | None = None
    depends_on: list[str] = []


class TaskChanged(Event, tag="task_changed"):
    """A task went to another state."""

    task: str
    status: TaskStatus
    result: dict[str, Any] | None = None
    error: Error | None = None


class StepStarted(Event, tag="step_started"):
    """The model is being asked."""

    step: str
    task: str
    agent: str
    number: int


class ReplyDelta(Event, tag="reply_delta"):
    """A piece of the reply as it streams; for the eye only, ``ReplyEnded`` has the whole."""

    step: str
    text: str


class ReplyEnded(Event, tag="reply_ended"):
    """The model has answered; ``code`` is None where the reply held none that could be run."""

    step: str
    thought: str
    code: str | None = None
    usage: Usage = msgspec.field(default_factory=Usage)


class ActionStarted(Event, tag="action_started"):
    """The step's code starts to run."""

    step: str


class OutputAdded(Event, tag="output_added"):
    """The code printed or displayed something: one output in nbformat's form.

    ``index`` None appends; a number puts it in that place (``update_display``). A stream output that follows one of
    the same name is joined to it.
    """

    step: str
    output: dict[str, Any]
    index: int | None = None


class OutputsCleared(Event, tag="outputs_cleared"):
    """``clear_output`` in an action."""

    step: str


class StepEnded(Event, tag="step_ended"):
    """The step is over. ``acted`` is False where no code ran."""

    step: str
    status: StepStatus
    acted: bool = False
    changes: list[Change] = []
    error: Error | None = None
    final: bool = False


class Noted(Event, tag="noted"):
    """A remark of the host's on a step: a retry with its wait, a repair, a drift in a replay."""

    step: str
    text: str


class Said(Event, tag="said"):
    """Something was said: by the person, an agent or the host (``sender``)."""

    sender: str
    to: str
    text: str


class Asked(Event, tag="asked"):
    """Something waits for the person; a request of an id that is known takes the place of the former one."""

    request: Request


class Answered(Event, tag="answered"):
    """An open request came to its end. ``code`` and ``plan`` are what was allowed where the person edited it."""

    request: str
    status: RequestStatus
    text: str = ""
    code: str | None = None
    plan: list[PlanItem] | None = None
    for_run: bool = False
    by: str = ""


class Undone(Event, tag="undone"):
    """What these steps did to the user's variables was taken back; may come after the run's end."""

    steps: list[str]
    by: str = ""


class RunStatusChanged(Event, tag="run_status_changed"):
    """Paused or running again; the end is ``RunEnded``."""

    status: Literal["running", "paused"]
    by: str = ""


class RunEnded(Event, tag="run_ended"):
    """The last event of every run."""

    status: RunStatus
    reason: str | None = None
    result: dict[str, Any] | None = None
    error: Error | None = None


AnyEvent = (
    RunStarted
    | BudgetChanged
    | AgentJoined
    | AgentChanged
    | AgentLeft
    | TaskAdded
    | TaskChanged
    | StepStarted
    | ReplyDelta
    | ReplyEnded
    | ActionStarted
    | OutputAdded
    | OutputsCleared
    | StepEnded
    | Noted
    | Said
    | Asked
    | Answered
    | Undone
    | RunStatusChanged
    | RunEnded
)
