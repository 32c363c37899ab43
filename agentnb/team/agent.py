"""One agent: who it is and what it may use. Pure data; ``run`` puts it to work."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from agentnb.errors import UserError
from agentnb.record.document import Approval, Mode

MODES: tuple[Mode, ...] = get_args(Mode)
APPROVALS: tuple[Approval, ...] = ("auto", "plan", "ask")
"""From the loosest to the strictest: freely, after the coordinator's plan, each action by itself."""
MEMBER_APPROVALS: tuple[Approval, ...] = ("auto", "ask")
IfLost = Literal["scratch", "live", "fail"]
RESERVED = frozenset(
    {"final_answer", "hire", "dismiss", "change", "ask_user", "propose_plan", "results", "coordinator", "manager"}
    | {"best_of", "user"}
)
"""Names that mean something else in agents' code or in messages."""

colleagues: ContextVar[Mapping[str, Any] | None] = ContextVar("agentnb_colleagues", default=None)
"""What a coordinator's code can call, by name; None outside of such code."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A specialist, or by its settings a coordinator.

    ``name`` is an identifier: other agents call the specialist by it. ``role`` says in a phrase what it is good at.
    ``tools`` are typed functions, smolagents tools or MCP servers. ``model`` is a string (``provider/model``) or any
    smolagents ``Model``; None takes the team's. ``mode`` is where its code runs: ``live``, ``scratch``, ``branch`` or
    ``dask`` (a worker of a Dask cluster); None is ``scratch`` for a specialist. ``instructions`` are added to its
    prompt. ``max_steps`` bounds one task, ``timeout`` one action, in seconds of running code. ``approve="ask"`` lets
    the person allow each of its actions, also where the team runs freely; ``read_only`` keeps its code from writing
    files, the network and other programs.
    ``memory`` is the limit in GB for what its branch, or its process beside a Dask worker, takes of its own, by default
    half of what the machine has left; ``if_lost`` tells where a task goes on whose branch hung, crashed or took too
    much: ``scratch`` (the default), ``live``, or not at all (``fail``). Of both, None takes the team's.
    """

    name: str
    role: str = ""
    tools: Sequence[Any] = ()
    model: Any = None
    mode: Mode | None = None
    instructions: str = ""
    max_steps: int = 20
    timeout: float = 300.0
    approve: Approval = "auto"
    read_only: bool = False
    memory: float | None = None
    if_lost: IfLost | None = None

    def __init__(
        self,
        name: str,
        role: str = "",
        *,
        tools: Sequence[Any] = (),
        model: Any = None,
        mode: Mode | None = None,
        instructions: str = "",
        max_steps: int = 20,
        timeout: float = 300.0,
        approve: Approval = "auto",
        read_only: bool = False,
        memory: float | None = None,
        if_lost: IfLost | None = None,
    ) -> None:
        check_name(name)
        check_mode(mode)
        if isinstance(tools, str) or not isinstance(tools, Sequence):
            raise UserError(f"tools of {name!r} is a list of functions, for instance tools=[load_prices]")
        if max_steps < 1:
            raise UserError(f"max_steps of {name!r} is at least 1, not {max_steps}")
        if timeout <= 0:
            raise UserError(f"timeout of {name!r} is a number of seconds above 0, not {timeout}")
        if approve not in MEMBER_APPROVALS:
            raise UserError(f"approve of {name!r} is auto or ask, not {approve!r}; a plan is asked of a team")
        check_branch(memory, if_lost, name)
        settings: tuple[Any, ...] = (name, role, tuple(tools), model, mode, instructions, max_steps, timeout)
        settings += (approve, bool(read_only), memory, if_lost)
        for field, value in zip(self.__dataclass_fields__, settings, strict=True):
            object.__setattr__(self, field, value)

    def __call__(self, brief: str = "", /, *more: Any, **objects: Any) -> Any:
        """Let a coordinator's code call the person's variable that holds this agent; see ``call_member``."""
        return call_member(self.name, brief, *more, **objects)

    def changed(self, **settings: Any) -> Agent:
        """Return a copy with other settings; raises ``UserError`` for one that does not exist."""
        if unknown := settings.keys() - self.__dataclass_fields__.keys():
            raise UserError(
                f"an agent has no {', '.join(sorted(unknown))}; it has {', '.join(self.__dataclass_fields__)}"
            )
        return replace(self, **settings)


def call_member(name: str, *arguments: Any, **objects: Any) -> Any:
    """Call the specialist ``name`` from a coordinator's code, where ``name`` may be hidden by the person's variable.

    Raises ``UserError`` outside of such code, and where nobody of that name is on the team.
    """
    names = colleagues.get()
    if names is None:
        raise UserError(
            f"{name!r} works in a team: write `await Team([{name}]).run('...')`, or a %%agents @{name} cell"
        )
    if name not in names:
        raise UserError(f"there is no agent {name!r} on the team now; hire it first")
    return names[name](*arguments, **objects)


def check_branch(memory: float | None, if_lost: IfLost | None, name: str) -> None:
    """Raise ``UserError`` where these are no settings of branches; None stands for the default."""
    if memory is not None and not (type(memory) in (int, float) and 0 < memory < float("inf")):
        raise UserError(f"memory of {name!r} is a number of GB above 0, not {memory!r}")
    if if_lost is not None and if_lost not in get_args(IfLost):
        raise UserError(f"if_lost of {name!r} is scratch, live or fail, not {if_lost!r}")


def check_name(name: str) -> None:
    """Raise ``UserError`` where ``name`` cannot be called as a function in agents' code."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        guess = "".join(c if c.isalnum() else "_" for c in str(name)).strip("_").lower() or "analyst"
        guess = f"a{guess}" if guess[0].isdigit() else guess
        raise UserError(f"an agent's name is called as a function, so {name!r} will not do; try {guess!r}")
    if name in RESERVED:
        raise UserError(f"{name!r} has a meaning of its own in agents' code; give the agent another name")


def check_approve(approve: str | None) -> None:
    """Raise ``UserError`` where ``approve`` is not one of the three."""
    if approve is not None and approve not in APPROVALS:
        raise UserError(f"there is no approval {approve!r}; choose auto, ask or plan")


def strictest(*approvals: Approval | None) -> Approval:
    """Return the strictest of those that are given."""
    return max((each for each in approvals if each is not None), key=APPROVALS.index, default="auto")


def check_mode(mode: str | None) -> None:
    """Raise ``UserError`` where ``mode`` is not one of the four."""
    if mode is not None and mode not in MODES:
        raise UserError(f"there is no mode {mode!r}; choose live, scratch, branch or dask")
