"""Agents at work in a kernel under test: what a team's code says is given, what came of it is read back as literals."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tests.kernel.cells import CellResult
from tests.kernel.driver import Kernel

LOAD = """
%load_ext agentnb
import asyncio
from agentnb import Agent, Team
from agentnb.testing import ScriptedModel
"""

_STEPS = """[dict(agent=s.agent, status=s.status, code=s.code, outputs=s.outputs, notes=s.notes,
    changes=[(c.kind, c.name, c.scope) for c in s.changes],
    error=s.error and dict(name=s.error.name, message=s.error.message, traceback=s.error.traceback))
    for s in {run}.steps]"""


@dataclass(frozen=True)
class Step:
    """One step of a run, as recorded."""

    agent: str
    status: str
    code: str | None
    outputs: list[dict[str, Any]]
    notes: list[str]
    changes: list[tuple[str, str, str]]
    error: dict[str, Any] | None

    @property
    def text(self) -> str:
        """Streams and plain-text representations in their order."""
        return "".join(
            output["text"] if output["output_type"] == "stream" else output["data"].get("text/plain", "") + "\n"
            for output in self.outputs
        )

    @property
    def failure(self) -> str:
        """The error with its traceback, empty where there is none."""
        return "\n".join(self.error["traceback"]) if self.error else ""


@dataclass(frozen=True)
class Ran:
    """A ``%%agents`` cell that has run: the cell, the run's state and steps."""

    cell: CellResult
    status: str
    steps: list[Step]
    reason: str | None

    @property
    def first(self) -> Step:
        """The first step."""
        return self.steps[0]


def reply(code: str) -> str:
    """A model's reply that holds ``code``."""
    return f"Next.\n<code>\n{code}\n</code>"


def script(*codes: str, latency: float = 0.0) -> str:
    """The source of a ``ScriptedModel`` that replies with these codes, then answers ``'done'``."""
    replies = [reply(code) for code in (*codes, "final_answer('done')")]
    return f"ScriptedModel({replies!r}, latency={latency})"


def team(name: str, *codes: str, latency: float = 0.0, members: str = "", **settings: Any) -> str:
    """The source of a cell that makes a team whose coordinator runs ``codes``; ``members`` is source too."""
    more = "".join(f", {key}={value!r}" for key, value in settings.items())
    return f"{name} = Team([{members}], model={script(*codes, latency=latency)}{more})"


def read_run(kernel: Kernel, cell: CellResult, run: str = "agents_run") -> Ran:
    """Return what the variable ``run`` of the kernel holds."""
    status, reason = kernel.eval(f"({run}.status, {run}.record.reason)")
    steps = [Step(**step) for step in kernel.eval(_STEPS.format(run=run))]
    return Ran(cell, status, steps, reason)


def work(
    kernel: Kernel, *codes: str, members: str = "", options: str = "", timeout: float = 60, **settings: Any
) -> Ran:
    """Let a coordinator run ``codes`` as steps in a ``%%agents`` cell and wait for its end."""
    kernel.run(team("_team", *codes, members=members, **settings), check=True)
    cell = kernel.run(f"%%agents -t _team --new {options}\nDo it.", timeout=timeout)
    return read_run(kernel, cell)


def run_done(kernel: Kernel, *codes: str, **options: Any) -> Ran:
    """As ``work``, and every step has succeeded."""
    ran = work(kernel, *codes, **options)
    failures = [step.failure for step in ran.steps if step.error]
    assert not failures, "\n".join(failures)
    assert ran.status == "done", (ran.status, ran.reason, ran.cell.text)
    return ran


def interrupted_cell(kernel: Kernel, code: str) -> CellResult:
    """Interrupt a run while its first step runs ``code``, and return its cell."""
    kernel.run(team("_team", code), check=True)
    cell = kernel.send("%%agents -t _team --new\nDo it.")
    pass_time(kernel, 1.5)
    kernel.interrupt()
    return kernel.wait(cell)


def pass_time(kernel: Kernel, seconds: float) -> None:
    """Let the kernel work for so long, and take in what comes."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        kernel.pump(left)
