"""Kernels that are killed in the middle of a run, and what their journals say."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from agentnb.record.document import RunRecord
from agentnb.record.fold import fold
from agentnb.record.journal import read_journal
from tests.kernel.driver import Kernel
from tests.kernel.work import LOAD, team

REACHED = "reached"
HOLD = f"open({REACHED!r}, 'w').close()\nawait asyncio.sleep(600)"
"""Code of a step that tells the test that it has begun, and does not end."""


def kill(kernel: Kernel) -> None:
    """End the kernel's process at once, as the system does when memory runs out."""
    os.kill(kernel.pid, signal.SIGKILL)


def killed_when_reached(folder: Path, *cells: str, options: str = "", **environment: str) -> Path:
    """Run ``cells`` and then a run of the team ``desk`` in a kernel; kill it when ``HOLD`` runs; return the journal."""
    reached = folder / REACHED
    reached.unlink(missing_ok=True)
    with Kernel(cwd=folder, env=environment) as kernel:
        for cell in (LOAD, *cells):
            kernel.run(cell, check=True)
        kernel.send(f"%%agents -t desk {options}\nDo it.")
        kernel.until(reached.exists, what="the step that holds")
        kill(kernel)
    return newest_journal(folder)


def killed_after(folder: Path, steps: int) -> RunRecord:
    """Let a kernel do so many steps, kill it as the next one begins, and return what is on disk."""
    codes = [f"print('step {number} is done')\nmade_{number} = {number}" for number in range(1, steps + 1)]
    return fold(read_journal(killed_when_reached(folder, team("desk", *codes, HOLD))))


def finished(record: RunRecord) -> list[tuple[int, str, str]]:
    """Number, output and change of each finished step."""
    return [
        (step.number, step.outputs[0]["text"], step.changes[0].name) for step in record.steps if step.status == "done"
    ]


def expected(steps: int) -> list[tuple[int, str, str]]:
    """What ``finished`` gives where nothing is lost."""
    return [(number, f"step {number} is done\n", f"made_{number}") for number in range(1, steps + 1)]


def newest_journal(folder: Path) -> Path:
    """The journal that was written last."""
    return max((folder / ".agentnb" / "runs").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
