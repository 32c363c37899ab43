"""CPU-bound specialists at once: in branches, against the same live and in smolagents, which run one after another.

How much there is to gain is the machine's: as many plain processes of the same work at once are the least time that it
allows, and are measured in the same turns.
"""

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Callable

from agentnb import Agent, Team
from agentnb.team.agent import Mode
from agentnb.testing import ScriptedModel
from benchmarks._harness import judge, measure, table
from benchmarks._smol import code_agent

WORK = "sum(range(200_000_000))"  # in C, so that it takes smolagents' interpreter no longer; it keeps the lock
CODE = f"<code>\nfinal_answer({WORK})\n</code>"


def ours(count: int, mode: Mode) -> None:
    names = [f"quant_{number}" for number in range(count)]
    members = [Agent(name, "computes", mode=mode, model=ScriptedModel([CODE])) for name in names]
    calls = ", ".join(f"{name}('go')" for name in names)
    team = Team(members, model=ScriptedModel([f"<code>\nfinal_answer(await asyncio.gather({calls}))\n</code>"]))
    done = asyncio.run(team.run("Go.", namespace={}, show=False))
    assert done.status == "done", done.record.reason


def theirs(count: int) -> None:
    names = [f"quant_{number}" for number in range(count)]
    managed = [code_agent(ScriptedModel([CODE]), name=name, description="computes") for name in names]
    lines = [f"{name}_sum = {name}('go')" for name in names]
    code = "\n".join(["<code>", *lines, "final_answer(1)", "</code>"])
    code_agent(ScriptedModel([code]), managed_agents=managed).run("Go.")


def processes(count: int) -> None:
    """The same work in bare interpreters, all at once."""
    started = [subprocess.Popen([sys.executable, "-S", "-c", WORK]) for _ in range(count)]
    for process in started:
        process.wait()


def main() -> None:
    cores = len(os.sched_getaffinity(0))
    count = min(4, cores)
    sides: dict[str, Callable[[], None]] = {
        "branch": lambda: ours(count, "branch"),
        "live, one after another": lambda: ours(count, "live"),
        "smolagents": lambda: theirs(count),
        f"{count} bare processes": lambda: processes(count),
    }
    turns = [[measure(side) for side in sides.values()] for _ in range(5)]
    branch, *others = map(statistics.median, zip(*turns, strict=True))
    least = 0.875 * count  # 3.5 times on 4 cores
    rows = [
        judge(f"{count} CPU-bound on {cores} cores, {name}", branch, other, at_most_ratio=1 / least)
        for name, other in zip(list(sides)[1:3], others, strict=False)
    ]
    rows.append(judge(f"{count} CPU-bound on {cores} cores, {list(sides)[3]}", branch, others[2], at_most_ratio=1.15))
    print(table(rows, peer="the other"))


if __name__ == "__main__":
    main()
