"""From the interrupt of a kernel to the kernel idle again, in all places where a run can be.

The person's stop button sends the signal; the cell is over when its reply and the kernel's idle status are there. A
background run is stopped by ``Run.stop``, as its page and ``%agents stop`` do. In a C function that does not return,
what counts is when the person is told that a restart is needed.
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
SERVER = Path(__file__).resolve().parents[1] / "tests" / "support" / "mcp_server.py"

SETUP = f"""
%load_ext agentnb
import asyncio, hashlib, time
from agentnb import Agent, MCPServer, Team
from agentnb.testing import ScriptedModel

def answering(code, latency=0.0):
    return ScriptedModel(lambda messages: f"Go.\\n<code>\\n{{code}}\\n</code>", latency=latency)

class Slow(ScriptedModel):
    "Streams a piece every 0.1 s, without an end."
    def generate_stream(self, messages, *args, **kwargs):
        for delta in super().generate_stream(messages):
            yield delta
        while True:
            time.sleep(0.1)
            yield type(delta)(content="#")

def team(code, latency=0.0, others="final_answer(1)", others_latency=0.0, others_mode=None, **settings):
    specialists = answering(others, others_latency)
    members = [Agent(name, "works", model=specialists, mode=others_mode) for name in ("one", "two")]
    return Team(members, model=answering(code, latency), **settings)

def load(seconds: float):
    time.sleep(seconds)

async def aload(seconds: float):
    await asyncio.sleep(seconds)

probe = MCPServer(command={sys.executable!r}, args=[{str(SERVER)!r}], name="probe")
"""
BOTH = "await asyncio.gather(one('a'), two('b'))"
SWALLOWS = "while True:\\n    try:\\n        while True: pass\\n    except BaseException: pass"
LONG = "hashlib.pbkdf2_hmac('sha256', b'', b'', 30_000_000)"
SITUATIONS = {
    "in a model call": "team('1', latency=20)",
    "in a stream": "Team([], model=Slow(lambda messages: 'Thinking'))",
    "in a loop": "team('while True: pass')",
    "in a loop that swallows what is raised": f'team("{SWALLOWS}")',
    "in a sleep of 4 s": "team('import time; time.sleep(4)')",
    "in C calls of 0.1 s": 'team(\'while True: hashlib.pbkdf2_hmac("sha256", b"", b"", 150_000)\')',
    "in an await": "team('await asyncio.sleep(20)')",
    "in a tool": "team('fetch(20.0)', tools=[__import__('agentnb').tool(load, name='fetch')])",
    "in an async tool": "team('await fetch(20.0)', tools=[__import__('agentnb').tool(aload, name='fetch')])",
    "in an MCP call": "team('await stall(20.0)', tools=[probe])",
    "in gather, models at work": f'team("{BOTH}", others_latency=20)',
    "in gather, code at work": f'team("{BOTH}", others="while True: pass")',
    "in a branch, in a loop": "team('while True: pass', mode='branch')",
    "in a branch, in an await": "team('await asyncio.sleep(20)', mode='branch')",
    "in a branch, in a C function": f'team("{LONG}", mode="branch")',
    "in gather, code in two branches at work": f'team("{BOTH}", others="while True: pass", others_mode="branch")',
    "while it asks the person": "team('await ask_user(\"which?\")')",
    "while an action waits to be allowed": "team('x = 1', approve='ask')",
    "while it is paused": "team('agents_run.pause()\\nx = 1')",
}
ANSWERABLE = ("while it asks the person", "while an action waits to be allowed")
PEER = """
from agentnb._smolagents import import_smolagents
smolagents = import_smolagents()
agent = smolagents.CodeAgent([], answering("import time; time.sleep(4)"), verbosity_level=smolagents.LogLevel.OFF)
"""
BACKGROUND = """
_run = {team}.start('Do it.', show=False)
await asyncio.sleep({settled})
_at = time.perf_counter()
_run.stop()
await _run
_took, _status = time.perf_counter() - _at, _run.status
"""


def stopped(kernel: Kernel, cell: str, *, asks: bool = False) -> float:
    """Seconds from the interrupt to idle; with ``asks`` the run waits for an answer that does not come."""
    sent = kernel.send(cell, allow_stdin=asks)
    end = time.monotonic() + SETTLED
    while time.monotonic() < end:
        kernel.pump(0.05)
    assert not sent.done, sent.result().text
    start = time.perf_counter()
    kernel.interrupt()
    kernel.until(lambda: sent.done, timeout=60)
    return time.perf_counter() - start


def ours(kernel: Kernel, name: str, team: str) -> list[float]:
    kernel.run(f"crew = {team}", check=True)
    taken = []
    for _ in range(TURNS):
        taken.append(stopped(kernel, "%%agents -t crew --new\nDo it.", asks=name in ANSWERABLE))
        status, reason = kernel.eval("(agents_run.status, agents_run.record.reason)")
        assert status == "cancelled", (name, status, reason)
    return taken


def in_the_background(kernel: Kernel, team: str) -> list[float]:
    taken = []
    for _ in range(TURNS):
        kernel.run(BACKGROUND.format(team=team, settled=SETTLED), check=True)
        seconds, status = kernel.eval("(_took, _status)")
        assert status == "cancelled", status
        taken.append(seconds)
    return taken


def told(kernel: Kernel) -> float:
    """Seconds until the person is told, by the cell, that a C function does not let itself be stopped."""
    kernel.run(f'crew = team("{LONG}")', check=True)
    sent = kernel.send("%%agents -t crew --new\nDo it.")
    end = time.monotonic() + SETTLED
    while time.monotonic() < end:
        kernel.pump(0.05)
    start = time.perf_counter()
    kernel.interrupt()
    kernel.until(lambda: "restart needed" in sent.text, timeout=60)
    taken = time.perf_counter() - start
    kernel.until(lambda: sent.done, timeout=120)
    assert kernel.eval("agents_run.status") == "cancelled"
    return taken


def main() -> None:
    with Kernel() as kernel:
        kernel.run(SETUP, check=True)
        kernel.run(
            "await team('await add(1)\\nfinal_answer(1)', tools=[probe]).run('Connect.', show=False)", check=True
        )
        kernel.deaf = True
        taken = {name: ours(kernel, name, team) for name, team in SITUATIONS.items()}
        taken["in the background, in a model call"] = in_the_background(kernel, "team('1', latency=20)")
        taken["in the background, in an await"] = in_the_background(kernel, "team('await asyncio.sleep(20)')")
        seconds_until_told = told(kernel)
        kernel.run(PEER, check=True)
        peers = {"in a sleep of 4 s": stopped(kernel, "agent.run('Do it.')")}
    every = [seconds for times in taken.values() for seconds in times]
    rows: list[Comparison] = [judge(name, statistics.median(times), peers.get(name)) for name, times in taken.items()]
    rows.append(judge("all: median", statistics.median(every), at_most=0.2))
    rows.append(judge("all: worst", max(every), at_most=2.0))
    rows.append(judge("in a C function that does not return: told to restart", seconds_until_told, at_most=5.0))
    print(table(rows))


if __name__ == "__main__":
    main()
