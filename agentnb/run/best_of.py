"""``best_of`` for the person: one task tried several times in parallel branches, the best try merged."""

from __future__ import annotations

from typing import Any

from agentnb.errors import DelegationError, UserError
from agentnb.record.document import Approval
from agentnb.run.budget import Budget
from agentnb.run.choice import checked_count
from agentnb.run.run import Run
from agentnb.run.team import Team
from agentnb.run.tries import Tries
from agentnb.team.agent import Agent, colleagues

_USAGE = 'call it as `await best_of(quant, "what to do", n=3, judge=score)`, where quant is an Agent'


async def best_of(
    agent: Agent,
    task: str,
    /,
    *,
    n: int = 3,
    judge: Any = None,
    budget: str | Budget | None = None,
    approve: Approval | None = None,
    show: bool = True,
    **objects: Any,
) -> Any:
    """Let ``agent`` try ``task`` ``n`` times at once, each time in a branch of its own; return the ``Run`` at its end.

    Its result is that of the best try, whose variables are merged; the other branches are dropped. ``judge`` is a
    function from a result to its score (the highest wins; it may be async), another ``Agent``, or a brief by which
    ``agent`` itself is to choose; without it the result wins that most tries came to. ``budget``, ``approve`` and
    ``show`` are as for ``Team``; ``objects`` are variables that the tries are handed. Where there can be no branch,
    the tries run in scratch, one after the other, and the person is told. Raises ``UserError`` where something does
    not fit. In a coordinator's code it is the coordinator's own ``best_of``, which returns the result itself.
    """
    if (names := colleagues.get()) is not None:
        return await names["best_of"](agent, task, n=n, judge=judge, **objects)
    if not isinstance(agent, Agent):
        raise UserError(_USAGE)
    if isinstance(judge, Agent) and judge.name == agent.name:
        judge = f"{judge.role or 'Judge the answers'}."
    if judge is not None and not isinstance(judge, str | Agent) and not callable(judge):
        raise UserError("judge= of best_of is a function from a result to its score, an Agent, or a brief")
    try:
        checked_count(n)
    except DelegationError as error:
        raise UserError(str(error)) from None
    trier = agent.changed(mode="branch")
    members = [trier, judge] if isinstance(judge, Agent) else [trier]
    team = Team(members, model=agent.model, budget=budget, approve=approve or "auto")
    run: Run = await team.run(task, agents=(agent.name,), show=show, tries=Tries(trier, n, judge, objects))
    return run
