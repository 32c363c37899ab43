"""One task given to one agent from outside of any agent's code: by the person, or by what tries it several times."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from agentnb.kernel.results import show_result
from agentnb.record.document import Error
from agentnb.run.context import RunContext
from agentnb.run.crew import Crew
from agentnb.team.agent import Agent
from agentnb.team.roster import Roster


@dataclass
class Errand:
    """What is to be done by whom. ``asked_by`` is empty where the person's own variables get what a branch brings.

    ``verdict``, where there is one, is asked before that: it gets the answer and says whether it is kept.
    """

    member: Agent | Roster
    brief: str
    objects: dict[str, Any] = field(default_factory=dict)
    asked_by: str = ""
    verdict: Callable[[Any], Awaitable[bool]] | None = None
    task: str = ""  # its id in the ledger, once it has begun


async def carry_out(run: RunContext, crew: Crew, errand: Errand) -> Any:
    """Let the agent do the task and return its answer; raises what ended it otherwise. The ledger has both."""
    name, ledger = errand.member.name, run.ledger
    task = run.resumption.task(name) if run.resumption is not None and not errand.asked_by else None
    errand.task = task or ledger.add(name, errand.brief, parent=None, step=None)
    run.meter.admit(name)
    ledger.move(errand.task, "in_progress")
    if errand.verdict is not None:
        run.verdicts[errand.task] = errand.verdict
    try:
        handed: dict[str, Any] = {"task": errand.task, "asked_by": errand.asked_by, "lane": None}
        if errand.member is crew.lead:
            result = await crew.coordinate(errand.brief, errand.objects, **handed)
        else:
            result = await crew.perform(errand.member, errand.brief, errand.objects, **handed)
    except asyncio.CancelledError:
        ledger.move(errand.task, "cancelled")
        raise
    except Exception as error:
        ledger.move(errand.task, "failed", error=Error(name=type(error).__name__, message=str(error)))
        raise
    finally:
        run.verdicts.pop(errand.task, None)
    ledger.move(errand.task, "completed", result=show_result(run.shell, result).data)
    return result
