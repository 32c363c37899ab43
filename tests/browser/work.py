"""Agents at work in a notebook under test; what they wait for are files that the test makes."""

from __future__ import annotations

from typing import Any

from tests.browser.driver import NotebookPage, outputs_of, records_of

LOAD = """
%load_ext agentnb
import asyncio, pathlib, time
from agentnb import Agent, Team
from tests.support.scripts import acting, code, final
from tests.browser.held import HeldModel
"""
TASK = "Sort the numbers."
GO = "go"
WAIT = f"while not pathlib.Path({GO!r}).exists(): pass"
"""Code that keeps the kernel busy until the test calls ``go_on``."""


def team(*codes: str, members: str = "", model: str = "acting", **scripts: list[str]) -> str:
    """The source of a cell that makes ``desk``, whose coordinator runs ``codes``; ``scripts`` are its specialists'."""
    lead = [f"Next.\n<code>\n{code}\n</code>" for code in codes]
    others = {name: [f"Next.\n<code>\n{code}\n</code>" for code in codes] for name, codes in scripts.items()}
    return f"desk = Team([{members}], model={model}(lead={lead!r}, **{others!r}))"


def agents(task: str = TASK, options: str = "") -> str:
    """The source of a cell that gives ``desk`` a task."""
    return f"%%agents -t desk {options}\n{task}"


def go_on(notebook: NotebookPage, what: str = GO) -> None:
    """Let the agents' code go on."""
    (notebook.server.root / what).touch()


def start(notebook: NotebookPage) -> None:
    """Run the first cells of a notebook and start its last one, a run of agents, without waiting for it."""
    for name in (GO, *(path.name for path in notebook.server.root.glob("held*"))):
        (notebook.server.root / name).unlink(missing_ok=True)
    *before, last = range(notebook.evaluate("panel.content.widgets.length"))
    for index in before:
        notebook.run(index)
    notebook.run(last, wait=False)


def busy_run(open_notebook: Any, *codes: str, **options: Any) -> NotebookPage:
    """Open a notebook whose agents have printed ``started`` and keep the kernel busy until ``go_on``."""
    notebook: NotebookPage = open_notebook(
        LOAD, team(f"print('started')\n{WAIT}\nx = 1", *codes, "final_answer('the end')"), agents(), **options
    )
    start(notebook)
    notebook.wait_for_state("running").get_by_text("started", exact=True).wait_for()
    notebook.until(lambda: records_of(outputs_of(notebook.saved())))  # which happens when a run begins
    return notebook
