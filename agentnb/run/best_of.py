"""The same task tried several times in parallel branches: the best try is merged, the others are dropped."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from agentnb.errors import DelegationError
from agentnb.kernel.fingerprint import fingerprint

MOST = 16
_PATIENCE = 1.0

Try = Callable[[], Awaitable[tuple[Any, str]]]
"""Carries the task out once; returns the answer and the id of its task."""
Score = Callable[[Any], Any]
AskJudge = Callable[[str, list[Any]], Awaitable[Any]]
"""Puts the answers to an agent under a brief; returns what it answers: the number of the best."""


async def best_of(
    attempt: Try, n: int, judge: Score | None, ask_judge: tuple[str, AskJudge] | None
) -> tuple[Any, str, list[str]]:
    """Try ``n`` times at once; return the best answer, its task, and the tasks of the others.

    ``judge`` gives an answer its score, the highest wins (it may be async); with ``ask_judge`` an agent chooses under
    a brief. Without either the answer wins that most tries came to, of equally frequent ones the first. Tries that
    fail are left out. Raises ``DelegationError`` where all of them fail, or where the judge does not choose.
    """
    if not isinstance(n, int) or not 1 <= n <= MOST:
        raise DelegationError(f"n of best_of is a whole number from 1 to {MOST}, not {n!r}")
    came = await asyncio.gather(*(attempt() for _ in range(n)), return_exceptions=True)
    done = [each for each in came if not isinstance(each, BaseException)]
    if not done:
        raise next(each for each in came if isinstance(each, BaseException))
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
    return answers[chosen], done[chosen][1], [task for at, (_, task) in enumerate(done) if at != chosen]


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
