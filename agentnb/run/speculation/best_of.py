"""``best_of`` for the person: one task tried several times in parallel branches, the best try merged."""

from __future__ import annotations

from typing import Any

from agentnb.errors import DelegationError, UserError
from agentnb.record.document import Approval
from agentnb.record.journals import find_journal
from agentnb.run.budget import Budget
from agentnb.run.recovery.crash import Crash
from agentnb.run.recovery.resume import Resumption
from agentnb.run.run import Run
from agentnb.run.speculation.choice import JUDGE, checked_count
from agentnb.run.speculation.tries import Tries
from agentnb.run.team import Team
from agentnb.team.agent import Agent, colleagues, strictest
from agentnb.views.words import one_line

_USAGE = 'call it as `await best_of(quant, "what to do", n=3, judge=score)`, where quant is an Agent or a named Team'


async def best_of(
    agent: Agent | Team,
    task: str,
    /,
    *,
    n: int = 3,
    judge: Any = None,
    budget: str | Budget | None = None,
    approve: Approval | None = None,
    show: bool = True,
    resume: str | None = None,
    **objects: Any,
) -> Any:
    """Let ``agent`` try ``task`` ``n`` times at once, each time in a branch of its own; return the ``Run`` at its end.

    Its result is that of the best try, whose variables are merged; the other branches are dropped. ``judge`` is a
    function from a result to its score (the highest wins; it may be async), another ``Agent``, or a brief by which one
    chooses; without it the result wins that most tries came to. ``budget``, ``approve`` and ``show`` are as for
    ``Team``; ``objects`` are variables that the tries are handed. Of a team, the coordinator and all specialists
    without a mode of their own work in branches; an agent with ``mode="dask"`` is tried on Dask workers. Where there
    can be no branch, the tries run in scratch, one after the other, and the person is told. ``resume`` is the id of a
    run of ``best_of`` whose kernel died: the code of its tries runs again, in new branches, without asking a model for
    it, and the tries go on from there. In a coordinator's code it is the coordinator's own ``best_of``, which returns
    the result. Raises ``UserError`` where something does not fit.
    """
    if (names := colleagues.get()) is not None:
        return await names["best_of"](agent, task, n=n, judge=judge, **objects)
    if not isinstance(agent, Agent | Team):
        raise UserError(_USAGE)
    try:
        checked_count(n)
    except DelegationError as error:
        raise UserError(str(error)) from None
    trier = _in_branch(agent)
    referee, said = _judge(agent, judge)
    members = [trier, referee] if isinstance(judge, Agent) and judge.name != agent.name else [trier]
    if isinstance(agent, Team):
        budget, approve = budget or agent.budget, strictest(approve, agent.approve)
    team = Team(members, model=agent.model, budget=budget, approve=approve or "auto")
    tries = Tries(trier, n, referee, said, objects)
    resumption = _resumption(resume, agent, task) if resume is not None else None
    run: Run = await team.run(task, agents=(agent.name,), mode="branch", show=show, tries=tries, resumption=resumption)
    return run


def _resumption(run: str, agent: Agent | Team, task: str) -> Resumption:
    crash = Crash.load(find_journal(run))
    if not crash.tried:
        raise UserError(f"run {crash.id} is not one of best_of; type `%agents resume {crash.id}`")
    if (crash.record.task, crash.roots[0].agent) != (task.strip(), agent.name):
        said = one_line(crash.record.task, 60)
        raise UserError(
            f"run {crash.id} tried {said!r} with {crash.roots[0].agent}: give best_of the same task and agent"
        )
    return Resumption(crash, "finished")


def _in_branch(agent: Agent | Team) -> Agent | Team:
    if isinstance(agent, Agent):
        return agent if agent.mode == "dask" else agent.changed(mode="branch")
    if agent.mode not in (None, "branch"):
        raise UserError(f'best_of tries a team in branches: leave its mode={agent.mode!r} out, or write mode="branch"')
    return agent


def _judge(agent: Agent | Team, judge: Any) -> tuple[Any, str]:
    """Return the score or the agent that chooses, and by what it does."""
    if isinstance(judge, str):
        return (agent if isinstance(agent, Agent) else Agent("judge", "compares results")), judge
    if judge is not None and not callable(judge):
        raise UserError("judge= of best_of is a function from a result to its score, an Agent, or a brief")
    return judge, JUDGE
