"""The record of one run: the types behind ``application/vnd.agentnb.run+json``, version 1.

Times are seconds since the run's start (monotonic); only ``Timing.created`` is a wall-clock time. Outputs are in
nbformat 4's own form, so a notebook can show them as if a cell had made them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

VERSION = 1
MIME_TYPE = "application/vnd.agentnb.run+json"

RunStatus = Literal["running", "paused", "done", "failed", "limit", "cancelled", "crashed"]
TaskStatus = Literal["pending", "in_progress", "blocked", "completed", "failed", "cancelled"]
StepStatus = Literal["thinking", "waiting", "acting", "done", "failed", "rejected", "cancelled"]
Mode = Literal["live", "scratch", "branch", "dask"]
Approval = Literal["auto", "ask", "plan"]
RequestKind = Literal["question", "action", "plan", "merge"]
RequestStatus = Literal["open", "answered", "allowed", "denied", "expired", "withdrawn"]
ChangeKind = Literal["added", "rebound", "mutated", "deleted"]

FINAL: frozenset[str] = frozenset({"done", "failed", "limit", "cancelled", "crashed"})
"""The five run states that end a run."""


class Usage(msgspec.Struct, kw_only=True):
    """Tokens as the provider counted them (estimated at 4 characters a token where it did not), calls, and money."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    calls: int = 0
    estimated: bool = False
    cost: float | None = None  # US dollars, only where the price is known

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def add(self, other: Usage) -> None:
        """Add ``other`` to this in place."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cached_tokens += other.cached_tokens
        self.calls += other.calls
        self.estimated = self.estimated or other.estimated
        if other.cost is not None:
            self.cost = (self.cost or 0.0) + other.cost


class Error(msgspec.Struct, kw_only=True):
    """An error as it is shown: the exception's class, its message, the traceback's lines (may hold ANSI colours)."""

    name: str
    message: str
    traceback: list[str] = []


class Change(msgspec.Struct, kw_only=True):
    """What an action did to one variable. ``before`` and ``after`` are one-line summaries, None where there is none.

    ``scope`` tells whose variable it is: ``user`` is the notebook's namespace, anything else the agent's own.
    ``detail`` says more, a line each: which columns of a table changed, how many of its cells.
    """

    name: str
    kind: ChangeKind
    before: str | None = None
    after: str | None = None
    scope: str = "user"
    detail: list[str] = []


class Member(msgspec.Struct, kw_only=True):
    """One line of the roster."""

    name: str
    role: str = ""
    kind: Literal["coordinator", "specialist"] = "specialist"
    model: str = ""
    mode: Mode = "scratch"
    tools: list[str] = []
    team: str = ""  # the coordinator this member works for; "" for the run's own team
    joined_at: float = 0.0
    left_at: float | None = None


class Task(msgspec.Struct, kw_only=True):
    """A unit of work given to one agent. ``parent_step`` is the step whose code asked for it; None for the first."""

    id: str
    agent: str
    brief: str
    status: TaskStatus = "pending"
    parent: str | None = None
    parent_step: str | None = None
    depends_on: list[str] = []
    started_at: float | None = None
    ended_at: float | None = None
    result: dict[str, Any] | None = None  # a MIME bundle
    error: Error | None = None
    usage: Usage = msgspec.field(default_factory=Usage)


class StepTiming(msgspec.Struct, kw_only=True):
    """When the model was asked and answered, when the code started and ended."""

    asked_at: float = 0.0
    replied_at: float | None = None
    code_started_at: float | None = None
    code_ended_at: float | None = None


class Step(msgspec.Struct, kw_only=True):
    """One model reply and what came of it. The reply itself is ``thought`` and, where there was some, ``code``."""

    id: str
    task: str
    agent: str
    number: int
    thought: str = ""
    code: str | None = None
    status: StepStatus = "thinking"
    outputs: list[dict[str, Any]] = []
    changes: list[Change] = []
    notes: list[str] = []  # what the host had to say: retries, repairs, a forgotten await
    usage: Usage = msgspec.field(default_factory=Usage)
    timing: StepTiming = msgspec.field(default_factory=StepTiming)
    error: Error | None = None
    final: bool = False
    undone: bool = False  # whether what it did to the user's variables was taken back


class Message(msgspec.Struct, kw_only=True):
    """Something said during the run: by the person to an agent, by an agent to the person, or by the host."""

    at: float
    sender: str
    to: str
    text: str


class PlanItem(msgspec.Struct, kw_only=True):
    """One line of a coordinator's plan: who is to do what, and what it may cost (None where that is not known)."""

    agent: str
    brief: str
    tokens: int | None = None
    cost: float | None = None  # US dollars


class Request(msgspec.Struct, kw_only=True):
    """Something that waits for the person: a question, an action or a plan to be allowed, a branch to be merged.

    ``text`` is the question, or a sentence that says what is asked for. ``code`` is an action's code as the agent wrote
    it and ``touches`` the names it is known to change; ``plan`` is the coordinator's, ``changes`` those of a branch.
    Nobody's answer until ``expires_at`` (seconds since the run's start) counts as a denial. ``answer`` is what the
    person wrote: an answer, or the reason of a denial. ``edited`` tells that the code or plan was allowed with changes,
    ``for_run`` that the like is allowed for the rest of the run.
    """

    id: str
    kind: RequestKind
    agent: str
    task: str | None = None
    step: str | None = None
    text: str = ""
    code: str | None = None
    touches: list[str] = []
    plan: list[PlanItem] = []
    changes: list[Change] = []
    asked_at: float = 0.0
    expires_at: float | None = None
    status: RequestStatus = "open"
    answer: str = ""
    edited: bool = False
    for_run: bool = False
    by: str = ""
    answered_at: float | None = None


class Limits(msgspec.Struct, kw_only=True):
    """The run's budget as numbers; None is no limit. ``seconds`` is wall-clock time, ``money`` US dollars."""

    tokens: int | None = None
    money: float | None = None
    seconds: float | None = None
    steps: int | None = None
    agents: int | None = None


class Timing(msgspec.Struct, kw_only=True):
    """``created`` is ISO 8601 in UTC; ``elapsed`` is in seconds."""

    created: str = ""
    elapsed: float = 0.0


class RunRecord(msgspec.Struct, kw_only=True):
    """All that a run leaves behind. ``seq`` is the number of the event that comes next.

    ``resumes`` is the id of the crashed run that this one goes on from: what it had reached is part of this record.
    """

    version: int = VERSION
    run_id: str = ""
    generator: str = ""
    task: str = ""
    team: str = ""
    status: RunStatus = "running"
    roster: list[Member] = []
    tasks: list[Task] = []
    steps: list[Step] = []
    messages: list[Message] = []
    requests: list[Request] = []
    result: dict[str, Any] | None = None  # a MIME bundle
    result_name: str = "agents_run"
    reason: str | None = None  # why it ended as it did, one sentence
    error: Error | None = None
    budget: str = ""
    limits: Limits = msgspec.field(default_factory=Limits)
    approve: Approval = "auto"
    usage: Usage = msgspec.field(default_factory=Usage)
    timing: Timing = msgspec.field(default_factory=Timing)
    replayed: bool = False
    resumes: str = ""
    seq: int = 0
    cut: list[str] = []  # what was left out to keep within the size limit
