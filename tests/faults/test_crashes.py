"""Rows 20 and 21: the kernel's process ends in the middle of a run; each in a kernel of its own."""

from __future__ import annotations

import os

import pytest

from agentnb.record.fold import fold
from agentnb.record.journal import read_journal
from agentnb.run.recovery.crash import Crash
from tests.kernel.driver import KernelError
from tests.kernel.dying import newest_journal
from tests.kernel.work import team

DEATHS = {
    20: "import ctypes\nctypes.string_at(0)",
    "20-abort": "import os\nos.abort()",
    21: "import os\nos._exit(1)",
    "21-group": "import os, signal\nos.killpg(0, signal.SIGKILL)",
}


def crashed(kernel, folder, code):
    """Let a kernel die in the third step of a run; return the record that is on disk."""
    assert os.getpgid(kernel.pid) == kernel.pid, "the tests themselves would be killed with the kernel's group"
    kernel.run(team("_team", "first = 1\nprint('one')", "second = 2\nprint('two')", code), check=True)
    cell = kernel.send("%%agents -t _team\nDo it.")
    with pytest.raises(KernelError, match="the kernel died"):
        kernel.wait(cell, timeout=30)
    record = fold(read_journal(newest_journal(folder)))
    assert record.status == "crashed"
    assert [step.outputs[0]["text"] for step in record.steps[:2]] == ["one\n", "two\n"]
    assert [change.name for step in record.steps[:2] for change in step.changes] == ["first", "second"]
    assert record.steps[2].code == code
    return record


@pytest.mark.parametrize("how", [20, "20-abort"])
def test_fault_20_a_segfault(mortal, tmp_path, how):
    crashed(mortal, tmp_path, DEATHS[how])


@pytest.mark.parametrize("how", [21, "21-group"])
def test_fault_21_the_process_ends_itself(mortal, tmp_path, how):
    record = crashed(mortal, tmp_path, DEATHS[how])
    assert Crash.load(newest_journal(tmp_path)).id == record.run_id  # it can be gone on with
