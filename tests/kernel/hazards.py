"""One action of an agent in a branch of a kernel that did something before."""

from __future__ import annotations

from tests.kernel.driver import Kernel
from tests.kernel.work import Step, reply, work


def in_branch(kernel: Kernel, before: str, code: str, timeout: float = 60) -> tuple[Step, str]:
    """What came of ``code`` in a branch: its first step, and what was said to the person."""
    kernel.run(before, check=True, timeout=timeout)
    replies = [reply(f"import os\nprint('in', os.getpid())\n{code}"), reply("final_answer('done')")]
    quant = f"Agent('quant', 'works', mode='branch', timeout=30, model=ScriptedModel({replies!r}))"
    ran = work(kernel, "await quant('go')", members=quant, timeout=timeout)
    assert ran.status == "done", (ran.reason, ran.cell.text)
    said = kernel.eval("' '.join(m.text for m in agents_run.record.messages)")
    return next(step for step in ran.steps if step.agent == "quant"), said
