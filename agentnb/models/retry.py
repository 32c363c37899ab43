"""Another try for what is worth one, within a bound and in sight of the person."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agentnb.errors import TransientModelError
from agentnb.models.classify import Unreachable
from agentnb.models.port import Retry

T = TypeVar("T")

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 20.0
_UNREACHABLE_TRIES = 3


async def with_retries(
    call: Callable[[], Awaitable[T]], *, cap: float, on_retry: Callable[[Retry], None], first_wait: float = _FIRST_WAIT
) -> T:
    """Return what ``call()`` returns, calling again where it raises ``TransientModelError``.

    No new try begins later than ``cap`` seconds after the first failure; so a long reply that breaks off late is still
    asked for again. Waits as long as the server asked for, else exponentially from ``first_wait`` seconds with full
    jitter; ``on_retry`` is called before each wait. Raises the last error when the tries are used up.
    """
    deadline: float | None = None
    attempt = 0
    while True:
        attempt += 1
        try:
            return await call()
        except TransientModelError as error:
            now = time.monotonic()
            deadline = now + cap if deadline is None else deadline
            wait = _wait(error, attempt, deadline - now, first_wait)
            reason = str(error)
        on_retry(Retry(reason=reason, wait=wait, attempt=attempt))
        await asyncio.sleep(wait)


def _wait(error: TransientModelError, attempt: int, left: float, first_wait: float) -> float:
    """Return the seconds to wait before the next try; raises ``error``, or one that tells why, where there is none."""
    if isinstance(error, Unreachable) and attempt >= _UNREACHABLE_TRIES:
        raise TransientModelError(f"{error} (tried {attempt} times)") from error
    asked = error.retry_after
    if asked is not None and asked > left:
        raise TransientModelError(
            f"{error}; it asks to wait {asked:.0f} s, longer than the {max(left, 0):.0f} s left for retries: run the "
            "cell again later, or choose another model with `%agents model ID`",
            retry_after=asked,
        ) from error
    wait = asked if asked is not None else random.uniform(0, min(_LONGEST_WAIT, first_wait * 2 ** (attempt - 1)))
    if wait >= left:
        raise TransientModelError(f"{error} (tried {attempt} times)") from error
    return wait
