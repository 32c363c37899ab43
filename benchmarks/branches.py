"""Branches: opening one, bringing 1 GB back, the memory of an idle one.

Each size is measured in a process of its own that holds so many gigabytes; the sides take turns in it.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from agentnb import Agent, Team
from agentnb.testing import ScriptedModel
from benchmarks._harness import Comparison, judge, table

MB = 1 << 20
HOLDING = """
import json, os, pickle, statistics, subprocess, sys, time
import numpy as np
from agentnb.kernel.fork import fork
from agentnb.kernel.branch.watchdog import own_memory
held = [np.ones(1 << 27) for _ in range({gb})]

def raw():
    pid = os.fork()
    if pid == 0: os._exit(0)
    return pid

def in_turn(*sides, n=15):
    times = [[] for _ in sides]
    for _ in range(n):
        for (act, end), taken in zip(sides, times):
            start = time.perf_counter(); made = act(); taken.append(time.perf_counter() - start)
            end(made); time.sleep(0.05)
    return map(statistics.median, times)

def answers(child):
    child.connection.send(b""); child.connection.receive(); return child

def serve(connection):
    while True: connection.send(connection.receive().data)

came = {{}}
sides = (raw, lambda pid: os.waitpid(pid, 0)), (lambda: fork(serve), lambda child: child.kill())
came["raw"], came["ours"] = in_turn(*sides)
child = answers(fork(serve)); time.sleep(0.2); came["memory"] = own_memory(child.pid); child.kill()
if {gb} == 1:
    import cloudpickle
    start = time.perf_counter()
    data = cloudpickle.dumps(held, protocol=5)
    subprocess.run([sys.executable, "-c", "import sys, pickle, numpy; pickle.load(sys.stdin.buffer)"], input=data)
    came["cloudpickle"] = time.perf_counter() - start
    from jupyter_client.manager import start_new_kernel
    start = time.perf_counter()
    manager, client = start_new_kernel()
    came["kernel"] = time.perf_counter() - start
    client.stop_channels(); manager.shutdown_kernel(now=True)
print(json.dumps(came))
"""


def holding(gb: int) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", HOLDING.format(gb=gb)], check=True, stdout=subprocess.PIPE, text=True)
    came: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return came


def code(*lines: str) -> str:
    return "\n".join(["<code>", *lines, "</code>"])


async def frame_back(answer: str) -> tuple[float, float]:
    """Seconds from the end of the work until a 1 GB frame is the kernel's, and of one copy into fresh memory.

    It is a variable, which the merge brings; ``answer`` may hold it too, and is shown in the record.
    """
    make = code("import numpy as np, pandas as pd, time", "big = pd.DataFrame(np.random.rand(1_250_000, 100))")
    quant = Agent(
        "quant", "makes", mode="branch", model=ScriptedModel([make, code(f"final_answer(({answer}, time.time()))")])
    )
    namespace: dict[str, object] = {"pd": pd}  # imported: that is no part of it
    lead = ScriptedModel(
        [code("import time", "_, sent = await quant('go')", "took = time.time() - sent"), code("final_answer(1)")]
    )
    await Team([quant], model=lead).run("Go.", namespace=namespace, show=False)
    big = namespace["big"].to_numpy()  # type: ignore[attr-defined]
    start = time.perf_counter()
    big.copy()
    return float(namespace["took"]), time.perf_counter() - start  # type: ignore[arg-type]


def main() -> None:
    rows: list[Comparison] = []
    memory = 0.0
    sizes = [gb for gb in (0, 1, 8) if gb * 2 < int(Path("/proc/meminfo").read_text().split()[4]) / MB]
    for gb in sizes:
        came = holding(gb)
        memory = max(memory, came["memory"] / MB)
        most = came["raw"] * 2 + 0.008
        rows.append(judge(f"open at {gb} GB, raw fork", came["ours"], came["raw"], at_most=most))
        for peer, name in (("cloudpickle", "cloudpickle and a process"), ("kernel", "a fresh kernel, empty")):
            if peer in came:
                rows.append(judge(f"open at {gb} GB, {name}", came["ours"], came[peer], at_most_ratio=1 / 50))
    rows.append(judge("memory of an idle branch", memory, unit="MB", at_most=10))
    for answer, name, most in (("0", "back", 1.8), ("big", "back, and shown as the answer", None)):
        took, copied = map(statistics.median, zip(*[asyncio.run(frame_back(answer)) for _ in range(5)], strict=True))
        rows.append(judge(f"1 GB DataFrame {name}, one memcpy", took, copied, at_most_ratio=most))
    print(table(rows, peer="the other"))


if __name__ == "__main__":
    main()
