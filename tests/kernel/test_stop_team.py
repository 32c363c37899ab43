"""Stop while a whole team is at work: the loop may be asleep, and another specialist's action may be due next."""

from __future__ import annotations

import pytest

from tests.kernel.driver import Kernel
from tests.kernel.work import LOAD

TEAM = """
def answering(code, latency=0.0):
    return ScriptedModel(lambda messages: f"Go.\\n<code>\\n{code}\\n</code>", latency=latency)

def team(code, latency=0.0, others="final_answer(1)"):
    members = [Agent(name, "works", model=answering(others)) for name in ("one", "two")]
    return Team(members, model=answering(code, latency))
"""
BUSY = "while True: pass"
DUE = "await asyncio.sleep(0.2)\nwhile True: pass"  # the second one's loop begins once the first one's is stopped
BOTH = "await asyncio.gather(one('a'), two('b'))"


@pytest.mark.parametrize(
    "team",
    [
        pytest.param("team('1', latency=600)", id="model-call"),
        pytest.param(f"team({BOTH!r}, others={BUSY!r})", id="busy-specialists"),
        pytest.param(f"team({BOTH!r}, others={DUE!r})", id="specialist-due-next"),
    ],
)
def test_an_interrupt_ends_the_run(kernel: Kernel, team: str) -> None:
    kernel.run(LOAD + TEAM, check=True)
    kernel.run(f"crew = {team}\n%agents", check=True)
    cell = kernel.send("%%agents -t crew\nDo it.")
    kernel.until(lambda: cell.outputs, what="the run to show itself")
    kernel.pump(0.5)
    assert not cell.done
    kernel.interrupt()
    kernel.wait(cell, timeout=30)
    assert kernel.eval("agents_run.status") == "cancelled"
