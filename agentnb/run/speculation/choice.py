"""The same task tried several times at once: which try is the best, and how that is told."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentnb.errors import DelegationError
from agentnb.kernel.namespace.fingerprint import fingerprint
from agentnb.record.events import Noted, Said
from agentnb.run.budget import LimitReached
from agentnb.run.recorder import Recorder

MOST = 16
_PATIENCE = 1.0
JUDGE = "Judge the answers to this task."
_QUESTION = (
    "{said}\nThe task was: {brief}\nThe answers are in the list `candidates`. Look at each, then give final_answer the "
    "index of the best one, an integer."
)

Try = Callable[[], Awaitable[tuple[Any, str]]]
"""Carries the task out once; returns the answer and the id of its task."""
Score = Callable[[Any], Any]
AskJudge = Callable[[str, list[Any]], Awaitable[Any]]
"""Puts the answers to an agent under a question; returns what it answers: the number of the best."""


@dataclass(frozen=True)
class Choice:
    """The best answer, and the tasks of the tries in the order in which they began; None for one that failed."""

    answer: Any
    kept: str
    tasks: Sequence[str | None]

    @property
    def dropped(self) -> list[str]:
        """The tasks of the others that came to an answer."""
        return [task for task in self.tasks if task not in (None, self.kept)]


async def choose(attempt: Try, n: int, judge: Score | None, ask_judge: tuple[str, AskJudge] | None) -> Choice:
    """Try ``n`` times at once and choose the best answer.

    ``judge`` gives an answer its score, the highest wins (it may be async); with ``ask_judge`` an agent chooses under
    a question. Without either the answer wins that most tries came to, of equally frequent ones the first. Tries that
    fail are left out. Raises ``DelegationError`` where the judge does not choose, ``LimitReached`` where the run's
    budget ended a try, and where all of them fail the error of the first.
    """
    came = await asyncio.gather(*(attempt() for _ in range(checked_count(n))), return_exceptions=True)
    failed = [each for each in came if isinstance(each, BaseException)]
    if limits := [each for each in failed if isinstance(each, LimitReached)]:
        raise limits[0]
    done = [each for each in came if not isinstance(each, BaseException)]
    if not done:
        raise failed[0]
    answers = [answer for answer, _ in done]
    if len(done) == 1:
        chosen = 0
    elif ask_judge is not None:
        chosen = _checked(await ask_judge[1](ask_judge[0], answers), len(done))
    elif judge is not None:
        scores = [await _settled(judge(answer)) for answer in answers]
        chosen = max(range(len(done)), key=scores.__getitem__)
    else:
        chosen = _most_frequent(answers)
    tasks = [None if isinstance(each, BaseException) else each[1] for each in came]
    return Choice(answers[chosen], done[chosen][1], tasks)


def checked_count(n: int) -> int:
    """Return ``n``; raises ``DelegationError`` where it is no number of tries."""
    if not isinstance(n, int) or not 1 <= n <= MOST:
        raise DelegationError(f"n of best_of is a whole number from 1 to {MOST}, not {n!r}")
    return n


def question(said: str, brief: str) -> str:
    """Return what an agent that judges is asked; ``said`` is by what it is to judge."""
    return _QUESTION.format(said=said, brief=brief.strip())


def tell(recorder: Recorder, agent: str, choice: Choice) -> None:
    """Put into the record which try was kept and which were dropped: on their last steps, and as a line of its own.

    A try is named by its number, for the person sees them in their order.
    """
    count, number = len(choice.tasks), choice.tasks.index(choice.kept) + 1
    last = {step.task: step.id for step in recorder.record.steps}
    for at, task in enumerate(choice.tasks, 1):
        if task in last:
            verdict = (
                f"kept: try {at} of {count}" if at == number else f"dropped: try {at} of {count}, {number} is better"
            )
            recorder.emit(Noted(step=last[task], text=verdict))
    if count > 1:
        failed = [str(at) for at, task in enumerate(choice.tasks, 1) if task is None]
        text = f"of {agent}'s {count} tries number {number} is kept" + (
            f"; failed: {', '.join(failed)}" if failed else ""
        )
        recorder.emit(Said(sender="agentnb", to="user", text=text))


async def _settled(score: Any) -> Any:
    return await score if inspect.isawaitable(score) else score


def _most_frequent(answers: Sequence[Any]) -> int:
    prints = [fingerprint(answer, deadline=time.perf_counter() + _PATIENCE).digest for answer in answers]
    return max(range(len(prints)), key=lambda at: prints.count(prints[at]))


def _checked(number: Any, count: int) -> int:
    try:
        chosen = int(number)
    except (TypeError, ValueError):
        chosen = -1
    if not 0 <= chosen < count:
        raise DelegationError(f"the judge is to answer with a number from 0 to {count - 1}, not {number!r}")
    return chosen
