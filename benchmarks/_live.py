"""The live kernel of the benchmarks: a headless shell, and actions in it as a run executes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agentnb.kernel.action import interrupt
from agentnb.kernel.action.names import cell_names
from agentnb.kernel.action.stage import tasks_on_stage
from agentnb.kernel.live import LivePlace
from agentnb.kernel.port import Outcome
from agentnb.kernel.shell import current_shell
from agentnb.kernel.turn import Gate, Turn


class Outputs:
    """Keeps what an action puts out, as ``Sink`` says."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, Any]] = []

    def add(self, output: dict[str, Any], index: int | None = None) -> int:
        self.outputs.append(output)
        return len(self.outputs) - 1

    def clear(self) -> None:
        self.outputs.clear()

    def note(self, text: str) -> None:
        pass


class Actions:
    """Runs actions one after the other, as a coordinator's, on ``namespace``."""

    def __init__(self, namespace: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        self._place = LivePlace(current_shell(), namespace, Turn(Gate(None)))
        self._names = cell_names({})
        self._loop = loop

    def run(self, code: str, times: int = 1) -> Outcome:
        """Run ``code`` so many times; return the last outcome, raise the error that it holds."""
        return self._loop.run_until_complete(self._run(code, times))

    async def _run(self, code: str, times: int) -> Outcome:
        for number in range(times):
            label = f"coordinator, step {number}"
            outcome = await self._place.execute(code, label=label, names=self._names, sink=Outputs(), timeout=600)
        if outcome.error is not None:
            raise outcome.error
        return outcome


@contextmanager
def live(namespace: dict[str, Any]) -> Iterator[Actions]:
    """Everything that a run puts in place around its actions: the signal handlers, the loop's task factory."""
    loop = asyncio.new_event_loop()
    stop = interrupt.listen(lambda: None)
    try:
        with tasks_on_stage(loop):
            yield Actions(namespace, loop)
    finally:
        stop()
        loop.close()
