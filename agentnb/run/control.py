"""How a person takes part in a run: stop, pause, resume, say."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable


class Control:
    """One run's switches and mailboxes. Used on the event loop; ``Run`` brings calls from elsewhere there."""

    def __init__(self) -> None:
        self._going = asyncio.Event()
        self._going.set()
        self._mail: dict[str, list[str]] = defaultdict(list)
        self._read: dict[str, dict[str, int]] = defaultdict(dict)
        self.on_stop: Callable[[str], None] = lambda reason: None

    @property
    def paused(self) -> bool:
        """Whether the run waits for ``resume``."""
        return not self._going.is_set()

    def pause(self) -> None:
        """Let every agent wait before its next model call or action."""
        self._going.clear()

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    async def checkpoint(self) -> None:
        """Wait here while the run is paused."""
        await self._going.wait()

    def post(self, to: str, text: str) -> None:
        """Leave a message for an agent; it reads it with its next step."""
        self._mail[to].append(text)

    def read(self, agent: str, reader: str) -> list[str]:
        """Return what was left for ``agent`` and ``reader`` (one of its tasks) has not read yet."""
        letters, read = self._mail[agent], self._read[agent]
        fresh = letters[read.get(reader, 0) :]
        read[reader] = len(letters)
        return fresh

    def skip(self, agent: str, reader: str) -> None:
        """Take all that was left so far as read: a task that begins later is not told what was said before it."""
        self._read[agent][reader] = len(self._mail[agent])
