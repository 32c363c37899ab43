"""A task on a worker of a local Dask cluster against one in a branch: opening, an action, a variable out and back."""

import asyncio
import statistics
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

from agentnb import Agent, Team
from agentnb.testing import ScriptedModel
from benchmarks._harness import Comparison, table

TURNS = 3
SIZE = 100  # MB


def code(*lines: str) -> str:
    return "\n".join(["<code>", *lines, "</code>"])


def replies(messages: list[dict[str, Any]]) -> str:
    number = sum(message["role"] == "assistant" for message in messages)
    steps = ["import numpy", "1 + 1", "large[0]", "large[1]"]
    return code(steps[number] if number < len(steps) else "final_answer(large + 1)")


async def task(mode: Any, large: Any) -> list[float]:
    """Seconds for the whole task until its first action has ended, and for each of the other actions."""
    desk = Team([Agent("quant", "fits", mode=mode)], model=ScriptedModel(replies))
    run = await desk.run("Do it.", agents=["quant"], namespace={"large": large}, show=False)
    assert run.status == "done", run.record.reason
    assert run.result[0] == large[0] + 1
    times = [step.timing for step in run.steps]
    acts = [(each.code_ended_at or 0.0) - (each.code_started_at or 0.0) for each in times]
    return [times[0].code_ended_at or 0.0, *acts[1:]]


async def both() -> list[Comparison]:
    came: dict[str, list[list[float]]] = {"dask": [], "branch": []}
    for turn in range(TURNS + 1):
        for mode, samples in came.items():
            large = np.random.default_rng(turn).random((SIZE << 20) // 8)
            sample = await task(mode, large)
            if turn:
                samples.append(sample)
    names = [
        "until the first action has ended",
        "an action",
        f"the action that first reads {SIZE} MB",
        "one that reads it again",
        f"the answer, {SIZE} MB",
    ]
    ours, peers = ([statistics.median(column) for column in zip(*rows, strict=True)] for rows in came.values())
    return [Comparison(*row) for row in zip(names, ours, peers, strict=True)]


def main() -> None:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster),
    ):
        rows = asyncio.run(both())
    print(table(rows, peer="a branch"))
