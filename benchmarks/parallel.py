"""Specialists at work at the same time: each takes 2 steps, and the model behind each step takes 0.5 s.

The coordinator's own model answers at once, so 1.0 s is the least that is possible. smolagents' managed agents are
called from the manager's code, which runs one after the other: with 64 of them that would take over a minute, so it is
measured with 4.
"""

import asyncio
import time
from typing import Any

from agentnb import Agent, Team
from agentnb.testing import ScriptedModel
from benchmarks._harness import Comparison, compare, judge, table
from benchmarks._smol import code_agent

LATENCY = 0.5
FIRST = "Look at it first.\n<code>\nvalue = 21\nprint(value)\n</code>"
SECOND = "That is it.\n<code>\nfinal_answer(value * 2)\n</code>"


def specialist(messages: list[dict[str, Any]]) -> str:
    return SECOND if any(message["role"] == "assistant" for message in messages) else FIRST


def block(*lines: str) -> str:
    return "\n".join(["All at once.", "<code>", *lines, "</code>"])


def ours(count: int) -> float:
    async def run() -> float:
        names = [f"specialist_{number}" for number in range(count)]
        calls = ", ".join(f'{name}("Find the value.")' for name in names)
        coordinator = ScriptedModel([block(f"final_answer(await asyncio.gather({calls}))")])
        team = Team(
            [Agent(name, "finds values", model=ScriptedModel(specialist, latency=LATENCY)) for name in names],
            model=coordinator,
        )
        start = time.perf_counter()
        done = await team.run("Find the values.", namespace={}, show=False)
        elapsed = time.perf_counter() - start
        assert done.result == [42] * count, (done.status, done.record.reason, done.result)
        return elapsed

    return asyncio.run(run())


def theirs(count: int) -> float:
    names = [f"specialist_{number}" for number in range(count)]
    managed = []
    for name in names:
        agent = code_agent(ScriptedModel([FIRST, SECOND], latency=LATENCY), name=name, description="finds values")
        managed.append(agent)
    lines = [f'{name}_value = {name}("Find the value.")' for name in names]
    coordinator = ScriptedModel([block(*lines, f"final_answer([{', '.join(f'{name}_value' for name in names)}])")])
    manager = code_agent(coordinator, managed_agents=managed)
    start = time.perf_counter()
    result = manager.run("Find the values.")
    elapsed = time.perf_counter() - start
    assert len(result) == count, result
    return elapsed


def main() -> None:
    rows: list[Comparison] = [
        compare("4 specialists", lambda: ours(4), lambda: theirs(4), n=3, at_most=1.25),
        compare("64 specialists", lambda: ours(64), n=5, at_most=2.0),
    ]
    rows.append(judge("64 specialists, against 4 of its", rows[1].ours, rows[0].peer))
    print(table(rows))


if __name__ == "__main__":
    main()
