"""The course of a run that has one agent try its task several times at once, and keeps the best try."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from agentnb.run.context import RunContext
from agentnb.run.crew import Crew
from agentnb.run.errand import Errand, carry_out
from agentnb.run.speculation.choice import JUDGE, AskJudge, choose, question, tell
from agentnb.team.agent import Agent
from agentnb.team.roster import Roster


@dataclass
class Tries:
    """``agent`` is to do the task ``n`` times; ``judge`` is a score, an agent that is to choose, or None.

    ``said`` is by what an agent chooses.
    """

    agent: Agent | Roster
    n: int
    judge: Any = None
    said: str = JUDGE
    objects: dict[str, Any] = field(default_factory=dict)

    async def carry_out(self, run: RunContext, crew: Crew) -> Any:
        """Return the answer of the best try, whose variables are merged; see ``choose`` for what is raised."""
        begun: list[_Attempt] = []

        async def attempt() -> tuple[Any, str]:
            one = _Attempt(run, Errand(self.agent, run.task, dict(self.objects)))
            begun.append(one)
            return await one.answer(crew), one.errand.task

        try:
            choice = await choose(attempt, self.n, *self._judge(run, crew))
            tell(run.recorder, self.agent.name, choice)
            for one in begun:
                one.end(kept=one.errand.task == choice.kept)
            winner = next(one for one in begun if one.errand.task == choice.kept)
            await asyncio.wait([one.work for one in begun])
            return await winner.work
        finally:
            for one in begun:
                one.work.cancel()
            if begun:
                await asyncio.wait([one.work for one in begun])

    def _judge(self, run: RunContext, crew: Crew) -> tuple[Any, tuple[str, AskJudge] | None]:
        if not isinstance(self.judge, Agent):
            return self.judge, None
        judge = self.judge.changed(mode="scratch")

        async def ask(asked: str, candidates: list[Any]) -> Any:
            return await carry_out(run, crew, Errand(judge, asked, {"candidates": candidates}, crew.lead.name))

        return None, (question(self.said, run.task), ask)


class _Attempt:
    """One try: in a branch it waits with its answer for the verdict, and merges only then."""

    def __init__(self, run: RunContext, errand: Errand) -> None:
        loop = asyncio.get_running_loop()
        self._run, self.errand = run, errand
        self._came: asyncio.Future[Any] = loop.create_future()
        self._kept: asyncio.Future[bool] = loop.create_future()
        errand.verdict = self._verdict
        self.work: asyncio.Task[Any]

    async def answer(self, crew: Crew) -> Any:
        """Begin, and return the answer as soon as it is there; raises what ended the try otherwise."""
        self.work = self._run.spawn(carry_out(self._run, crew, self.errand))
        await asyncio.wait({self.work, self._came}, return_when=asyncio.FIRST_COMPLETED)
        return self._came.result() if self._came.done() else self.work.result()

    def end(self, *, kept: bool) -> None:
        """Say what becomes of it."""
        self._kept.set_result(kept)

    async def _verdict(self, answer: Any) -> bool:
        self._came.set_result(answer)
        self._run.ledger.wait(self.errand.task)
        try:
            return await self._kept
        finally:
            self._run.ledger.go_on(self.errand.task)
