"""Steps that are lost when a kernel is killed (SIGKILL) after its 1st, 2nd, ... 30th step: the journal has them all.

And what it takes to go on: reading the journal of 30 steps, and telling the conversation again.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agentnb.run.recovery.crash import Crash
from agentnb.run.recovery.retell import turns
from benchmarks._harness import compare, judge, table
from tests.kernel.dying import expected, finished, killed_after, newest_journal

STEPS = 30


def main() -> None:
    lost = 0
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        for steps in range(1, STEPS + 1):
            folder = Path(home) / str(steps)
            folder.mkdir()
            kept = finished(killed_after(folder, steps))
            lost += len([step for step in expected(steps) if step not in kept])
        seconds = (time.perf_counter() - started) / STEPS
        journal = newest_journal(folder)
        retold = compare("a journal of 30 steps, read and told again", lambda: retell(journal), n=9)
    rows = [judge(f"steps lost in {STEPS} kernels killed after 1 to {STEPS} steps", lost, unit="", at_most=0), retold]
    print(table(rows, "-"))
    print(f"{seconds:.1f} s a kernel")


def retell(journal: Path) -> None:
    crash = Crash.load(journal)
    assert len(turns(crash.record.steps)) == STEPS


if __name__ == "__main__":
    main()
