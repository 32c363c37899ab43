"""From the person's answer to the approved code running, in a real kernel between two cells.

The clock starts when the page sends its message, and stops when the first line of the agent's code runs.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._harness import judge, table
from tests.kernel.driver import Kernel

TURNS = 30
SETUP = """
%load_ext agentnb
from agentnb import Team
from agentnb.testing import ScriptedModel

stamps = []
steps = [f"Go.\\n<code>\\nimport time\\nstamps.append(time.time())  # {number}\\n</code>" for number in range(TURNS)]
team = Team(model=ScriptedModel([*steps, "Go.\\n<code>\\nfinal_answer(1)\\n</code>"]), approve="ask", max_steps=99)
"""


def waiting(kernel: Kernel, count: int) -> None:
    """Let the kernel work until so many requests have come and the newest one waits."""
    known = "(len(run.record.requests), len(run.requests))"
    kernel.until(lambda: kernel.eval(known) == (count, 1), what=f"request {count}")


def measured(kernel: Kernel) -> list[float]:
    taken = []
    for number in range(1, TURNS + 1):
        waiting(kernel, number)
        sent = time.time()
        cell = kernel.send(f"run.answer('r{number}', 'allowed')", silent=True, store_history=False)
        kernel.wait(cell)
        kernel.until(lambda count=number: kernel.eval("len(stamps)") == count, what="the approved code")
        taken.append(kernel.eval("stamps[-1]") - sent)
    return taken


def main() -> None:
    with Kernel() as kernel:
        kernel.run(SETUP.replace("TURNS", str(TURNS)), check=True)
        kernel.run("run = team.start('Do it.')\nleave = run.attend()", check=True)
        taken = measured(kernel)
        inside = "[s.timing.code_started_at - r.answered_at for s, r in zip(run.steps, run.record.requests)]"
        host = kernel.eval(inside)[:TURNS]
    rows = [
        judge("answer sent to code running: median", statistics.median(taken), at_most=0.05),
        judge("answer sent to code running: worst", max(taken)),
        judge("of it, answer taken to action started: median", statistics.median(host)),
    ]
    print(table(rows))


if __name__ == "__main__":
    main()
