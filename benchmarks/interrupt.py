"""From the interrupt of a kernel to the kernel idle again, while a team is at work in it.

The person's stop button sends the signal; the cell is over when its reply and the kernel's idle status are there.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._harness import Comparison, judge, table
from tests.kernel.driver import Kernel

TURNS = 5
SETTLED = 0.4
"""Seconds after which the team is in the middle of it."""

SETUP = """
%load_ext agentnb
from agentnb import Agent, Team
from agentnb.testing import ScriptedModel

def answering(code, latency=0.0):
    return ScriptedModel(lambda messages: f"Go.\\n<code>\\n{code}\\n</code>", latency=latency)

def team(code, latency=0.0, others="final_answer(1)", others_latency=0.0):
    specialists = answering(others, others_latency)
    members = [Agent(name, "works", model=specialists) for name in ("one", "two")]
    return Team(members, model=answering(code, latency))
"""
BOTH = "await asyncio.gather(one('a'), two('b'))"
SITUATIONS = {
    "in a model call": "team('1', latency=20)",
    "in a loop": "team('while True: pass')",
    "in a sleep of 4 s": "team('import time; time.sleep(4)')",
    "in an await": "team('await asyncio.sleep(20)')",
    "in gather, models at work": f'team("{BOTH}", others_latency=20)',
    "in gather, code at work": f'team("{BOTH}", others="while True: pass")',
}
PEER = """
from agentnb._smolagents import import_smolagents
smolagents = import_smolagents()
agent = smolagents.CodeAgent([], answering("import time; time.sleep(4)"), verbosity_level=smolagents.LogLevel.OFF)
"""


def stopped(kernel: Kernel, cell: str) -> float:
    """Seconds from the interrupt to idle."""
    sent = kernel.send(cell)
    end = time.monotonic() + SETTLED
    while time.monotonic() < end:
        kernel.pump(0.05)
    assert not sent.done, sent.result().text
    start = time.perf_counter()
    kernel.interrupt()
    kernel.until(lambda: sent.done, timeout=60)
    return time.perf_counter() - start


def ours(kernel: Kernel, team: str) -> list[float]:
    kernel.run(f"crew = {team}", check=True)
    taken = []
    for _ in range(TURNS):
        taken.append(stopped(kernel, "%%agents -t crew --new\nDo it."))
        status, reason = kernel.eval("(agents_run.status, agents_run.record.reason)")
        assert status == "cancelled", (team, status, reason)
    return taken


def main() -> None:
    with Kernel() as kernel:
        kernel.run(SETUP, check=True)
        taken = {name: ours(kernel, team) for name, team in SITUATIONS.items()}
        kernel.run(PEER, check=True)
        peers = {"in a sleep of 4 s": stopped(kernel, "agent.run('Do it.')")}
    every = [seconds for times in taken.values() for seconds in times]
    rows: list[Comparison] = [judge(name, statistics.median(times), peers.get(name)) for name, times in taken.items()]
    rows.append(judge("all: median", statistics.median(every), at_most=0.2))
    rows.append(judge("all: worst", max(every), at_most=1.0))
    print(table(rows))


if __name__ == "__main__":
    main()
