"""Fixtures that show notebooks in a real browser.

A test takes ``open_notebook`` and runs in JupyterLab and in Notebook 7, or in one of them with
``@pytest.mark.parametrize("app", ["lab"])``. Server and browser are shared by all tests of a process::

    def test_result(open_notebook):
        notebook = open_notebook("1 + 1")
        notebook.run(0)
        assert "2" in notebook.output(0)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType, Route, sync_playwright

from tests.browser.driver import CHROMIUM, FLAGS, SIZE, App, NotebookPage
from tests.browser.server import JupyterServer
from tests.kernel.conftest import ipykernel6_python  # noqa: F401  # a fixture

Open = Callable[..., NotebookPage]
_numbers = count(1)


@pytest.fixture(scope="package")  # Playwright's event loop must not be there when other tests run theirs
def driver() -> Iterator[BrowserType]:
    """What starts Debian's Chromium, or the one that ``AGENTNB_CHROMIUM`` names."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} does not exist: type `apt-get install chromium`")
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="package")
def chromium(driver: BrowserType) -> Iterator[Browser]:
    """A browser that remembers nothing."""
    browser = driver.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def window(driver: BrowserType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """What all notebooks are opened in. It keeps JupyterLab's scripts as compiled, a fifth of the time of a page."""
    folder = tmp_path_factory.mktemp("chromium")
    window = driver.launch_persistent_context(folder, executable_path=CHROMIUM, args=FLAGS, viewport=SIZE)
    yield window
    window.close()


@pytest.fixture(scope="session")
def jupyter() -> Iterator[JupyterServer]:
    """A Jupyter server with the extension, without any kernel at first."""
    with JupyterServer() as server:
        yield server


@pytest.fixture(params=["lab", "notebook7"])
def app(request: pytest.FixtureRequest) -> App:
    """In what the notebook is opened."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def open_notebook(jupyter: JupyterServer, app: App, window: BrowserContext) -> Iterator[Open]:
    """Open a new notebook with code cells: ``open_notebook(*sources)`` gives a ``NotebookPage``.

    ``like`` opens the file of another one in a page of its own. ``spec`` is the kind of kernel. ``kernel`` False does
    not wait for the kernel to be free; ``refuse`` is a pattern of addresses to which nothing can be sent
    (``**/api/sessions*``: no kernel). Several can be open at a time. At the end the pages are closed and the kernels
    ended, and the test fails if agentnb's scripts have raised an error.
    """
    pages: list[NotebookPage] = []

    def open_new(
        *sources: str,
        kernel: bool = True,
        like: NotebookPage | None = None,
        spec: str = "python3",
        refuse: str | None = None,
    ) -> NotebookPage:
        path = like.path if like else f"notebook{next(_numbers)}.ipynb"
        if like is None:
            write_notebook(jupyter.root / path, *sources, spec=spec)
        notebook = NotebookPage(jupyter, app, window, path)
        pages.append(notebook)
        if refuse is not None:
            notebook.page.route(refuse, _refuse)
        notebook.open(kernel=kernel)
        return notebook

    yield open_new
    errors = [error for page in pages for error in page.errors]
    for page in pages:
        page.close()
    jupyter.end_kernels()
    assert not errors, "\n".join(errors)


def _refuse(route: Route) -> None:
    if route.request.method == "POST":
        route.abort()
    else:
        route.continue_()


def write_notebook(path: Path, *sources: str, spec: str = "python3") -> None:
    """Write a notebook of code cells for a kind of kernel."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell{index}") for index, source in enumerate(sources)]
    kernel = {"name": spec, "display_name": spec, "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
