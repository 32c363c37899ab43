"""A team at work: who gets which place, names, model and prompt; nested teams are crews within crews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from agentnb.kernel.action.names import cell_names
from agentnb.kernel.branch.away import AwayPlace
from agentnb.kernel.dask.cluster import check as check_dask
from agentnb.kernel.live import LivePlace, ScratchPlace
from agentnb.kernel.namespace.digest import digest
from agentnb.kernel.namespace.kinds import is_a
from agentnb.kernel.namespace.scope import Scope
from agentnb.kernel.port import Place
from agentnb.kernel.turn import Turn
from agentnb.record.document import Member, Mode
from agentnb.record.events import AgentJoined
from agentnb.run import prompts
from agentnb.run.approvals.approval import ToolGate
from agentnb.run.branches import open_for, open_on_dask
from agentnb.run.context import RunContext
from agentnb.run.delegation import Delegation
from agentnb.run.history import History
from agentnb.run.staffing import Staffing, check_names, local_tools
from agentnb.run.toolbox import bind_tools
from agentnb.run.worker import Assignment, Worker
from agentnb.team.agent import Agent, colleagues
from agentnb.team.roster import Roster
from agentnb.tools import Tool, aexpand_tools, expand_tools


@dataclass
class Memory:
    """What a team keeps from one run to the next: the conversation, the specialists' scopes, what they did."""

    history: History | None = None
    leading: bool = False  # whether a coordinator is at work with it now
    seen: str = ""  # the digest that the conversation's model was last told
    scopes: dict[str, Scope] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    past: dict[str, list[str]] = field(default_factory=dict)
    inner: dict[str, Memory] = field(default_factory=dict)


@dataclass
class Crew:
    """One team in one run."""

    run: RunContext
    roster: Roster
    lead: Agent
    memory: Memory
    model: Any
    argument: Any = None  # the model that was given for this run
    mode: Mode | None = None  # the run's, else the team's
    default_lead_mode: Mode = "live"
    ask: bool = False  # whether every action is put to the person
    plan: bool = False  # whether the coordinator's plan is
    tools: list[Tool] = field(default_factory=list)

    # --- settings -----------------------------------------------------------------------------------------------------

    def model_of(self, member: Agent | Roster) -> Any:
        """The run's argument, else the member's own model, else the team's."""
        if self.argument is not None:
            return self.argument
        own = getattr(member, "model", None)
        return self.model if own is None else own

    def mode_of(self, member: Agent | Roster) -> Mode:
        """The member's own mode, else the run's, else the team's, else the default.

        Raises ``UserError`` for a mode that the administrator forbids; a default makes way for an allowed one.
        """
        policy = self.run.rules.policy
        default: Mode = self.default_lead_mode if member is self.lead else "scratch"
        if default not in policy.modes and policy.modes:
            default = policy.modes[0]
        mode: Mode = getattr(member, "mode", None) or self.mode or default
        policy.check_mode(mode, member.name)
        if mode == "dask":
            check_dask(self.run.dask)
        return mode

    def asks(self, member: Agent) -> bool:
        """Whether each action of this member is put to the person."""
        return self.ask or member.approve == "ask"

    def check(self) -> None:
        """Check names, tools, modes and models; raises ``UserError`` before any model is asked."""
        for member in (self.lead, *self.roster):
            self.run.check_model(self.model_of(member))
            if isinstance(member, Agent):
                self.mode_of(member)
                roster = self.roster if member is self.lead else Roster()
                tools = expand_tools(local_tools(member.tools))
                check_names(roster, self.run.namespace, tools)
                for tool in tools:
                    self.run.rules.policy.check_tool(tool.name)
            elif isinstance(member, Roster):
                self._inner(member).check()

    def staffing(self) -> Staffing:
        """Who works in this run, to be changed."""
        return Staffing(self.run, self.roster, mode_of=self.mode_of, model_of=self.model_of, own_tools=self.tools)

    # --- the coordinator ----------------------------------------------------------------------------------------------

    async def coordinate(
        self, brief: str, objects: dict[str, Any], *, task: str, asked_by: str, lane: str | None
    ) -> Any:
        """Let the coordinator do ``brief``; return its answer."""
        run, lead = self.run, self.lead
        gate = ToolGate(run, lead.name, task)
        self.tools = [gate.checked(tool) for tool in await aexpand_tools(lead.tools)]
        staffing = self.staffing()
        delegation = Delegation(run, self.roster, staffing, self.perform, coordinator=lead.name, task=task)
        async with AsyncExitStack() as stack:
            self.memory.leading = True
            stack.callback(setattr, self.memory, "leading", False)
            run.recorder.emit(AgentJoined(member=self._lead_entry(), by="user"))
            stack.callback(staffing.open())
            stack.callback(delegation.open())
            names = delegation.names = cell_names({**bind_tools(self.tools), **delegation.names})
            stack.callback(colleagues.reset, colleagues.set(names))
            job = await self._assignment(lead, brief, objects, names, self.tools, task, asked_by, lane, stack)
            job.settle = delegation.settle
            job.news = lambda: [*delegation.news(), *self._mail(lead.name, task)]
            job.plan_due = self.plan and not self._has_plan()
            delegation.worker = worker = Worker(run, job)
            gate.step = lambda: worker.step
            self.memory.history = job.history
            return await self._result_of(worker)

    def _has_plan(self) -> bool:
        """Whether the person has allowed a plan of this coordinator's in the run that a resumed one goes on from."""
        asked = [each for each in self.run.record.requests if each.kind == "plan" and each.agent == self.lead.name]
        return self.run.resumption is not None and any(each.status == "allowed" for each in asked)

    def _lead_entry(self) -> Member:
        return Member(
            name=self.lead.name,
            role=self.lead.role,
            kind="coordinator",
            model=self.run.models.label(self.model_of(self.lead)),
            mode=self.mode_of(self.lead),
            tools=[tool.name for tool in self.tools],
            team=self.roster.name,
        )

    # --- the specialists ----------------------------------------------------------------------------------------------

    async def perform(
        self, member: Agent | Roster, brief: str, objects: dict[str, Any], *, task: str, asked_by: str, lane: str | None
    ) -> Any:
        """Let a member do ``brief``; see ``Perform``."""
        if isinstance(member, Roster):
            return await self._perform_team(member, brief, objects, task=task, asked_by=asked_by, lane=lane)
        gate = ToolGate(self.run, member.name, task)
        tools = [gate.checked(tool) for tool in await aexpand_tools(member.tools)]
        names = cell_names(bind_tools(tools))
        async with AsyncExitStack() as stack:
            job = await self._assignment(member, brief, objects, names, tools, task, asked_by, lane, stack)
            job.news = lambda: self._mail(member.name, task)
            worker = Worker(self.run, job)
            gate.step = lambda: worker.step
            result = await self._result_of(worker)
        self.memory.past.setdefault(member.name, []).append(" ".join(brief.split())[:200])
        return result

    async def _perform_team(
        self, team: Roster, brief: str, objects: dict[str, Any], *, task: str, asked_by: str, lane: str | None
    ) -> Any:
        return await self._inner(team).coordinate(brief, objects, task=task, asked_by=asked_by, lane=lane)

    def _inner(self, team: Roster) -> Crew:
        memory = self.memory.inner.setdefault(team.name, Memory())
        return Crew(
            self.run,
            team,
            team.lead if isinstance(team, Led) else Agent(team.name, team.role),
            Memory() if memory.leading else memory,  # a second call of one team at the same time has its own
            self.model_of(team),
            argument=self.argument,
            mode=getattr(team, "mode", None) or self.mode,
            default_lead_mode="scratch",
            ask=self.ask or team.approve == "ask",
            plan=team.approve == "plan" and not self.ask,
        )

    # --- what both share ----------------------------------------------------------------------------------------------

    async def _result_of(self, worker: Worker) -> Any:
        """Let the worker work; what its branch brings waits for whoever takes the result."""
        job = worker.job
        result = await worker.work()
        if isinstance(job.place, AwayPlace) and job.place.bundle is not None and not job.for_user:
            job.place.bundle.ask = job.ask
            self.run.bundles[job.task] = job.place.bundle
        return result

    async def _assignment(
        self,
        agent: Agent,
        brief: str,
        objects: dict[str, Any],
        names: dict[str, Any],
        tools: Sequence[Tool],
        task: str,
        asked_by: str,
        lane: str | None,
        stack: AsyncExitStack,
    ) -> Assignment:
        run = self.run
        place = await self._place(agent, objects, task, stack)
        chat, own_lane = run.models.open(self.model_of(agent), agent.name, brief, lane)
        run.lanes[task] = own_lane
        run.control.skip(agent.name, task)
        history = self._history(agent, place.mode, brief, objects, tools, asked_by, place)
        return Assignment(
            agent=agent.name,
            task=task,
            lane=own_lane,
            number=0 if run.resumption is None else run.resumption.take_up(history, agent.name, task),
            place=place,
            chat=chat,
            history=history,
            names=names,
            max_steps=agent.max_steps,
            timeout=agent.timeout,
            tools=frozenset(tool.name for tool in tools),
            ask=self.asks(agent),
            read_only=agent.read_only,
            for_user=not asked_by,
        )

    async def _place(self, agent: Agent, objects: dict[str, Any], task: str, stack: AsyncExitStack) -> Place:
        mode, refuge = self.mode_of(agent), agent.if_lost or self.lead.if_lost or "scratch"
        if mode in ("live", "scratch"):
            return self._here(agent, mode, objects, stack)
        elsewhere = None if refuge == "fail" else partial(self._here, agent, refuge, objects, stack)
        memory = agent.memory or self.lead.memory
        if mode == "dask":
            worker = await open_on_dask(self.run, agent.name, objects, elsewhere, memory)
            stack.callback(worker.close)
            return worker
        branch = await open_for(self.run, agent.name, objects, task, elsewhere, memory)
        if branch is not None:
            stack.callback(branch.close)
            return branch
        if agent is not self.lead:  # a coordinator would wait for its own specialists
            await stack.enter_async_context(self.run.alone)
        return self._here(agent, "scratch", objects, stack)

    def _here(self, agent: Agent, mode: Mode, objects: dict[str, Any], stack: AsyncExitStack) -> Place:
        """A place in the kernel's own process."""
        run, memory = self.run, self.memory
        turn = Turn(run.gate)
        if mode == "live":
            return LivePlace(run.shell, run.namespace, turn)
        scope = memory.scopes.setdefault(agent.name, Scope(run.namespace))
        if agent.name in memory.busy:  # a second call of one specialist at the same time has a scope of its own
            scope = scope.fork()
        else:
            memory.busy.add(agent.name)
            stack.callback(memory.busy.discard, agent.name)
        scope.bind(objects)
        run.recorder.watch(scope.namespace)
        return ScratchPlace(run.shell, run.namespace, scope, turn, owner=agent.name)

    def _history(
        self,
        agent: Agent,
        mode: Mode,
        brief: str,
        objects: dict[str, Any],
        tools: Sequence[Tool],
        asked_by: str,
        place: Place,
    ) -> History:
        run, is_lead = self.run, agent is self.lead
        redact = run.recorder.redact
        run.recorder.watch(run.namespace)
        variables = redact(digest(place.variables(), hidden={*objects, *_of_ours(place.variables())}))
        if is_lead and not asked_by and self.memory.history is not None:
            return self._followed_up(self.memory.history, brief, variables)
        self.memory.seen = variables if is_lead else self.memory.seen
        system = prompts.system_prompt(
            name=agent.name,
            role=agent.role,
            mode=mode,
            tools=tools,
            team=[(member.name, member.role) for member in self.roster] if is_lead else None,
            instructions=agent.instructions,
        )
        opening = prompts.opening(
            task=brief,
            variables=variables,
            asked_by=asked_by,
            whole=run.task,
            handed=digest(objects, hidden=()) if objects else "",
            earlier="\n".join(f"- {line}" for line in self.memory.past.get(agent.name, [])[-5:]),
            closing=prompts.plan(agent.name) if is_lead and self.plan else "",
        )
        return History(redact(system), redact(opening))

    def _followed_up(self, history: History, brief: str, variables: str) -> History:
        """Go on with the conversation; the variables are told again only where they changed."""
        parts = [] if variables == self.memory.seen else [prompts.as_data("variables", variables)]
        self.memory.seen = variables
        team = [(member.name, member.role) for member in self.roster]
        if team:
            parts.append(f"On your team now:\n{prompts.specialist_lines(team)}")
        parts.append(f"The person asks next:\n{self.run.recorder.redact(brief)}")
        if self.plan:
            parts.append(prompts.plan(self.lead.name))
        history.ask("\n\n".join(parts))
        return history

    def tell_later(self, agent: str, text: str) -> None:
        """Let an agent know with its next task what happened after the run's end."""
        text = self.run.recorder.redact(text)
        memory = self.memory if agent == self.lead.name else self.memory.inner.get(agent)
        if memory is not None and memory.history is not None:
            memory.history.tell(text)
        else:
            self.memory.past.setdefault(agent, []).append(text)

    def _mail(self, agent: str, task: str) -> list[str]:
        earlier = [] if self.run.resumption is None else self.run.resumption.letters(task)
        return earlier + self.run.control.read(agent, task)


def _of_ours(variables: Mapping[str, Any]) -> list[str]:
    """Names of teams, agents, runs and their classes: they are the person's handles, nothing to work on."""
    homes = {name: value if is_a(value, type) else type(value) for name, value in variables.items()}
    return [name for name, cls in homes.items() if str(cls.__module__).partition(".")[0] == "agentnb"]


class Led(Roster):
    """A roster with a coordinator: its settings are an agent's."""

    lead: Agent
