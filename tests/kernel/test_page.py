"""The page's comm against a real kernel: commands arrive and events leave while code keeps the main thread busy."""

from __future__ import annotations

import time

import pytest

from tests.kernel.page import Page, live_run
from tests.kernel.work import read_run, team

BUSY = "print('begun')\nwhile True: pass"


@pytest.fixture
def subshell(agents_kernel):
    return agents_kernel.create_subshell()


def begin(kernel, *codes, subshell, options="", **settings):
    """Start a cell with a run and return it with a page that follows the run."""
    kernel.run(team("_team", *codes, **settings), check=True)
    cell = kernel.send(f"%%agents -t _team --new {options}\nDo it.")
    page = Page.open(kernel, live_run(kernel), subshell=subshell)
    page.until(lambda: page.record, what="a snapshot")
    return cell, page


def test_stop_reaches_code_that_never_lets_go(agents_kernel, subshell):
    cell, page = begin(agents_kernel, BUSY, subshell=subshell)
    page.until(lambda: "begun" in page.text, what="what busy code prints")
    begun = time.monotonic()
    page.command("stop")
    result = agents_kernel.wait(cell, timeout=15)
    assert time.monotonic() - begun < 5
    ran = read_run(agents_kernel, result)
    assert (ran.status, ran.reason) == ("cancelled", "stopped by the person")
    page.until(lambda: page.status == "cancelled")
    assert page.gaps == 0
