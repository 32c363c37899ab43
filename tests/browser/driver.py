"""A notebook in a browser, driven as a person would: open it, run cells, look, click."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import BrowserContext, Error, Locator, Page

from agentnb.record.document import MIME_TYPE
from tests.browser.server import JupyterServer

App = Literal["lab", "notebook7"]
CHROMIUM = os.environ.get("AGENTNB_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = {"width": 1200, "height": 900}
PATIENCE = 60_000  # ms; nothing waits so long but where something is wrong, or the machine is very busy

_PANEL = """
const panel = [...window.jupyterapp.shell.widgets('main')].find(w => w.context && w.context.path === PATH);
"""


class NotebookPage:
    """One notebook, open in JupyterLab or Notebook 7. Make one with the fixture ``open_notebook``.

    ``page`` is Playwright's, for whatever is not wrapped; ``errors`` holds what agentnb's scripts in it raised.
    """

    def __init__(self, server: JupyterServer, app: App, context: BrowserContext, path: str) -> None:
        self.server = server
        self.app = app
        self.path = path
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.page.on("pageerror", self._on_error)

    @property
    def file(self) -> Path:
        """The notebook's file."""
        return self.server.root / self.path

    def open(self, *, kernel: bool = True) -> None:
        """Open or reload the notebook; ``kernel`` waits for its kernel to answer."""
        place = f"lab/tree/{self.path}" if self.app == "lab" else f"notebooks/{self.path}"
        query = f"token={self.server.token}" + ("&reset" if self.app == "lab" else "")
        self.page.goto("about:blank")
        self.page.goto(f"{self.server.url}/{place}?{query}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.wait_for_function(self._script("!!panel"))
        self.evaluate("void panel.context.saveState.connect((_, state) => { window.isSaving = state === 'started'; })")
        if kernel:
            self.page.wait_for_function(self._script("panel?.sessionContext?.session?.kernel?.status === 'idle'"))

    def close(self) -> None:
        """Close the page; the kernel stays."""
        self.page.close()

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """The value of a JavaScript expression in which ``panel`` is the notebook and ``arg`` the argument."""
        late = f"new Promise((_, no) => setTimeout(() => no(new Error('there is no answer')), {PATIENCE}))"
        return self.page.evaluate(self._script(f"Promise.race([{expression}, {late}])"), argument)

    def run(self, index: int, *, wait: bool = True, timeout: float = PATIENCE) -> None:
        """Run a cell; ``wait`` for its end."""
        self.evaluate(
            "(panel.content.activeCellIndex = arg, panel.content.deselectAll(), window.cellDone = false,"
            " void window.jupyterapp.commands.execute('notebook:run-cell').then(() => { window.cellDone = true }))",
            index,
        )
        if wait:
            self.wait_for_cell(timeout)

    def wait_for_cell(self, timeout: float = PATIENCE) -> None:
        """Wait for the end of the cell that was run last."""
        self.page.wait_for_function("() => window.cellDone", timeout=timeout)

    def cell(self, index: int) -> Locator:
        """The cell of that index."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> str:
        """The text that the cell's outputs show."""
        return "\n".join(self.cell(index).locator(".jp-OutputArea-output").all_inner_texts())

    def run_view(self, index: int = 0) -> Locator:
        """The view of a run, the first of the page or another."""
        return self.page.locator(".agentnb-run").nth(index)

    def wait_for_state(self, state: str, *, index: int = 0, timeout: float = PATIENCE) -> Locator:
        """Wait until a run's view shows ``state`` (``running``, ``done``, ``crashed``...); the view."""
        self.page.locator(f".agentnb-run[data-status={state}]").nth(index).wait_for(timeout=timeout)
        return self.run_view(index)

    def value(self, expression: str) -> str:
        """The repr of a Python expression in the kernel; waits for the kernel to be free."""
        script = """(async () => {
            const kernel = panel.sessionContext.session.kernel;
            const content = { code: '', silent: true, store_history: false, user_expressions: { value: arg } };
            let reply = { status: 'aborted' };  // as is what waits behind a cell that fails
            while (reply.status === 'aborted') reply = (await kernel.requestExecute(content).done).content;
            const { value } = reply.user_expressions;
            return value.data ? value.data['text/plain'] : `${value.ename}: ${value.evalue}`;
        })()"""
        return str(self.evaluate(script, expression))

    def save(self) -> NotebookNode:
        """Save the notebook and return what is in the file. JupyterLab takes two savings at once for two writers."""
        self.page.wait_for_function("() => !window.isSaving")
        self.evaluate("panel.context.save()")
        return self.saved()

    def saved(self) -> NotebookNode:
        """What is in the file; one that is just being written is read again."""
        end = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                return nbformat.read(self.file, as_version=4)
            except nbformat.reader.NotJSONError:
                assert time.monotonic() < end, f"{self.file} is no notebook"

    def records(self) -> list[dict[str, Any]]:
        """The records of runs in the notebook as the page holds it, saved or not."""
        script = "JSON.stringify(panel.content.model.toJSON().cells.flatMap(c => c.outputs ?? []))"
        return records_of(json.loads(self.evaluate(script)))

    def sources(self) -> list[str]:
        """The sources of all cells."""
        return list(self.evaluate("panel.content.widgets.map(cell => cell.model.sharedModel.getSource())"))

    def execute(self, command: str) -> None:
        """Carry out a command, as the palette would."""
        self.page.evaluate("command => void window.jupyterapp.commands.execute(command)", command)

    def until(self, condition: Callable[[], object], *, timeout: float = PATIENCE) -> None:
        """Wait until ``condition()`` is true."""
        end = time.monotonic() + timeout / 1000
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            self.page.wait_for_timeout(50)

    def restart_kernel(self) -> None:
        """Restart the kernel, without a question."""
        self.evaluate("void panel.sessionContext.restartKernel()")

    def _on_error(self, error: Error) -> None:
        if "@agentnb" in (error.stack or ""):  # JupyterLab and Notebook 7 raise some of their own
            self.errors.append(error.stack or str(error))

    def _script(self, expression: str) -> str:
        return f"arg => {{ {_PANEL.replace('PATH', json.dumps(self.path))} return {expression}; }}"


def records_of(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of runs among the outputs of cells."""
    return [output["data"][MIME_TYPE] for output in outputs if MIME_TYPE in output.get("data", {})]


def outputs_of(notebook: NotebookNode) -> list[dict[str, Any]]:
    """All outputs of a notebook."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]
