"""A team: specialists under a coordinator that is put to work with ``run`` and ``start``."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agentnb._version import __version__
from agentnb.errors import UserError
from agentnb.kernel.action.stage import current_stage
from agentnb.kernel.ask import can_prompt
from agentnb.kernel.shell import current_shell, notebook_name
from agentnb.kernel.turn import Gate, kernel_lock
from agentnb.kernel.undo.store import kernel_checkpoints
from agentnb.models import RecordedModels, default_model
from agentnb.record.document import Approval, Mode, RunRecord
from agentnb.record.events import RunStarted
from agentnb.record.journal import Journal
from agentnb.record.journals import find_journal
from agentnb.record.redact import Redactor
from agentnb.run import started
from agentnb.run.approvals.requests import Requests
from agentnb.run.approvals.rules import Rules, rules_of
from agentnb.run.budget import Budget, Meter
from agentnb.run.context import LiveModels, Models, ReplayModels, RunContext
from agentnb.run.crew import Crew, Led, Memory
from agentnb.run.recorder import Recorder
from agentnb.run.recovery.crash import Crash, Rerun
from agentnb.run.recovery.resume import Resumption
from agentnb.run.replay.recordings import find_recording, replay_wanted
from agentnb.run.run import Run
from agentnb.run.speculation.tries import Tries
from agentnb.team.agent import Agent, IfLost, check_approve, check_branch, check_mode
from agentnb.team.config import Config, load_config
from agentnb.team.policy import load_policy
from agentnb.team.roster import Roster
from agentnb.tracing import trace_run


class Team(Led):
    """Specialists and the settings of their coordinator.

    ``members`` are agents, or teams with a ``name`` and a ``role`` of their own. ``model``, ``mode`` and ``tools``
    are the coordinator's, the first two also what specialists without their own take, as are ``memory`` and
    ``if_lost``, see ``Agent``. ``budget`` are hard limits for
    every run, such as ``"60k, $0.50, 5m, 20 steps, 3 agents"``. ``approve`` is ``auto``, ``ask`` (the person allows
    each action) or ``plan`` (the coordinator's plan first, then freely). ``name`` and ``role`` make the team
    callable by another one. The team keeps its conversation and its specialists' variables from run to run.
    """

    def __init__(
        self,
        members: Sequence[Agent | Roster] = (),
        *,
        model: Any = None,
        budget: str | Budget | None = None,
        approve: Approval = "auto",
        mode: Mode | None = None,
        tools: Sequence[Any] = (),
        name: str = "",
        role: str = "",
        instructions: str = "",
        max_steps: int = 40,
        timeout: float = 600.0,
        memory: float | None = None,
        if_lost: IfLost | None = None,
        api_base: str | None = None,
    ) -> None:
        super().__init__(members, name=name, role=role)
        check_mode(mode)
        check_approve(approve)
        check_branch(memory, if_lost, name or "the team")
        self.model, self.budget, self.mode, self.approve = model, Budget.parse(budget), mode, approve
        settings: dict[str, Any] = {"role": role, "tools": tools, "model": model, "mode": mode}
        settings |= {"instructions": instructions, "max_steps": max_steps, "timeout": timeout}
        settings |= {"memory": memory, "if_lost": if_lost}
        self.lead = _lead(name, settings)
        self._api_base = api_base
        self._memory = Memory()
        self.title = name

    async def run(self, task: str, **options: Any) -> Run:
        """Put the team to work on ``task`` and wait for the end; see ``start`` for the options."""
        return await self.start(task, foreground=True, **options)

    def start(
        self,
        task: str,
        *,
        agents: Sequence[str] = (),
        model: Any = None,
        mode: Mode | None = None,
        budget: str | Budget | None = None,
        approve: Approval | None = None,
        fresh: bool = False,
        replay: RunRecord | None = None,
        namespace: dict[str, Any] | None = None,
        show: bool = True,
        foreground: bool = False,
        result_name: str = "agents_run",
        resumption: Resumption | None = None,
        tries: Tries | None = None,
    ) -> Run:
        """Put the team to work on ``task`` and return at once; the run goes on between the user's cells.

        ``agents`` asks these specialists directly; with several the result is a dict by name. ``fresh`` forgets the
        conversation. ``replay`` plays the replies of a record. ``namespace`` holds the variables to work on, by default
        the notebook's. ``show`` draws the run in the cell as it goes. ``foreground`` tells that the calling cell waits
        for it; ``resumption`` is what ``resume`` goes on from, and ``tries`` what ``best_of`` wants. ``approve`` can
        only be stricter than the team's. Raises ``UserError`` before any model is asked where something does not fit,
        also where ``budget`` is in money and a model has no known price.
        """
        if not isinstance(task, str) or not task.strip():
            raise UserError("there is no task; write what you want done, for instance: Plot `prices` by month.")
        if current_stage.get() is not None:
            raise UserError("agents cannot start runs of their own; call a specialist with `await name(...)` instead")
        config = load_config()
        check_mode(mode)
        check_approve(approve)
        rules = rules_of(config, load_policy(check_budget=Budget.parse), approve, self.approve)
        agents = [name for name in agents if name not in ("coordinator", "manager")]  # it is asked anyway
        for name in agents:
            self[name]
        if replay is None and resumption is None and (source := replay_wanted()) is not None:
            replay = find_recording(task.strip(), source, [])
        limits = rules.capped(Budget.parse(next((each for each in (budget, self.budget) if each), config.budget)))
        context = self._context(task.strip(), limits, replay, namespace, foreground, config, rules)
        spec = "recorded" if replay else default_model(model, self.model, notebook_model(), configured=config.model)
        taken = self._memory.leading  # a second run at the same time has a memory of its own
        memory = Memory() if fresh or taken else self._memory
        if resumption is not None:
            memory, fresh = resumption.memory(), True
            resumption.prepare(context)
        argument = None if replay else model
        # without a coordinator there is no plan to allow: then each action is
        ask, plan = rules.approve == "ask" or (rules.approve == "plan" and bool(agents)), rules.approve == "plan"
        crew = Crew(
            context,
            self,
            self.lead,
            memory,
            spec,
            argument=argument,
            mode=mode or self.mode,
            ask=ask,
            plan=plan and not agents,
        )
        crew.check()
        if fresh:
            self._memory = memory
        run = Run(context, crew)
        started.note(run)
        context.recorder.keep(_journal(context.id))
        context.tool_span = trace_run(run.subscribe)
        from agentnb.page.show import follow_run  # only here: the views take time to load

        follow_run(run, context.shell, show=show)
        context.recorder.emit(
            RunStarted(
                run_id=context.id,
                task=context.task,
                created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                generator=f"agentnb {__version__}",
                team=self.title,
                budget=str(limits),
                limits=limits.limits(),
                approve=rules.approve,
                result_name=result_name,
                replayed=replay is not None,
                resumes=resumption.crash.id if resumption is not None else "",
                notebook=notebook_name(context.shell),
            )
        )
        if resumption is not None:
            resumption.begin()
        memory.leading = memory.leading or not agents
        return run.start(tuple(agents), tries)

    def resume(
        self,
        run: str | Path,
        *,
        rerun: Rerun = "no",
        model: Any = None,
        budget: str | Budget | None = None,
        namespace: dict[str, Any] | None = None,
        show: bool = True,
        foreground: bool = False,
    ) -> Run:
        """Go on from a run whose kernel died, named by its id or its journal, and return at once.

        Conversation, ledger and what was spent of its budget are taken over; a step that was interrupted is not run
        again. ``rerun`` tells how to have its variables: ``no`` takes them as they are, ``finished`` runs the code of
        finished steps again first, and ``all`` that of interrupted ones too, so that specialists go on in the middle of
        their tasks. Who was on the team and is not now is hired again. ``budget`` takes the place of its budget, what
        was spent included. Raises ``UserError`` where the run did not crash, or was one of ``best_of``, which goes on
        from it itself.
        """
        from agentnb.run.recovery.rehire import rehire

        crash = Crash.load(find_journal(str(run)))
        crash.check_plain()
        record = crash.record
        rehire(self, crash, rerun, current_shell().user_ns if namespace is None else namespace)
        return self.start(
            record.task,
            agents=() if crash.led else [task.agent for task in crash.roots],
            model=model or (crash.model if self.model is None and notebook_model() is None else None),
            mode=crash.mode,
            budget=budget or crash.budget,
            approve=None if record.approve == "auto" else record.approve,
            namespace=namespace,
            show=show,
            foreground=foreground,
            result_name=record.result_name,
            resumption=Resumption(crash, rerun),
        )

    def _context(
        self,
        task: str,
        limits: Budget,
        replay: RunRecord | None,
        namespace: dict[str, Any] | None,
        foreground: bool,
        config: Config,
        rules: Rules,
    ) -> RunContext:
        shell = current_shell()
        kernel_checkpoints(config.undo_memory)
        variables = shell.user_ns if namespace is None else namespace
        run_id = uuid.uuid4().hex[:12]
        models: Models = (
            LiveModels(self._api_base or config.api_base) if replay is None else ReplayModels(RecordedModels(replay))
        )
        recorder = Recorder(Redactor(namespace=variables))
        return RunContext(
            id=run_id,
            shell=shell,
            namespace=variables,
            gate=Gate(None if foreground else kernel_lock(shell)),
            models=models,
            recorder=recorder,
            meter=Meter(limits),
            requests=Requests(recorder, timeout=rules.timeout, attended=can_prompt(shell)),
            rules=rules,
            task=task,
            recording=replay,
            dask=config.dask,
        )


def _journal(run_id: str) -> Journal | None:
    """A disk that cannot be written to costs the journal, not the run."""
    try:
        return Journal.open(run_id)
    except OSError:
        return None


def _lead(name: str, settings: Mapping[str, Any]) -> Agent:
    """A coordinator is called ``coordinator``, or as its team is; only the former is no name for a specialist."""
    agent = Agent(name or "lead", **settings)
    if not name:
        object.__setattr__(agent, "name", "coordinator")
    return agent


_notebook_model: list[Any] = [None]


def notebook_model() -> Any:
    """The model that ``%agents model`` set for this notebook, or None."""
    return _notebook_model[0]


def set_notebook_model(model: Any) -> None:
    """Set the model for all teams of this notebook that have none of their own."""
    _notebook_model[0] = model
