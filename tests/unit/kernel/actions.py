"""What the tests of actions share: a sink, stages over the headless shell, and a wait that a test ends."""

import asyncio

from agentnb.kernel.action.names import cell_names
from agentnb.kernel.action.stage import Stage
from agentnb.kernel.live import run_cell
from agentnb.kernel.shell import current_shell
from agentnb.kernel.turn import Gate, Turn


class Outputs(list):
    """A sink that keeps what it gets."""

    def __init__(self):
        super().__init__()
        self.notes = []

    def note(self, text):
        self.notes.append(text)

    def late(self, output):
        return output["text"]

    def add(self, output, index=None):
        if index is None:
            self.append(output)
            return len(self) - 1
        self[index] = output
        return index

    @property
    def text(self):
        return "".join(output["text"] if "text" in output else output["data"].get("text/plain", "") for output in self)


class Pause:
    """An awaitable function for an action's code; the test sees when the action waits and lets it go on."""

    def __init__(self):
        self.reached, self.over = asyncio.Event(), asyncio.Event()

    async def __call__(self):
        self.reached.set()
        await self.over.wait()


def stage_over(namespace=None, names=(), *, gate=None, timeout=None):
    """A stage over a namespace of its own; its outputs are ``stage.outputs``."""
    outputs = Outputs()
    space = {"__name__": "__main__"} if namespace is None else namespace
    turn = Turn(gate or Gate(None))
    stage = Stage(current_shell(), space, cell_names(dict(names)), outputs, turn=turn, timeout=timeout)
    stage.outputs = outputs
    return stage


async def act(code, stage=None, label="quant"):
    """Run an action on the stage and return the stage and the outcome."""
    stage = stage or stage_over()
    async with stage.turn:
        return stage, await run_cell(stage, code, label)
