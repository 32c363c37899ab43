"""Takes the README's picture: the example as JupyterLab shows it.

``make page``, then ``.venv/bin/python docs/picture.py``, with a Chromium on the path.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = "01_risk_desk.ipynb"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    """Open the example in a JupyterLab of its own and write ``docs/risk_desk.png``."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "examples" / EXAMPLE, folder)
        subprocess.run([sys.executable, "-m", "jupyter", "trust", str(Path(folder, EXAMPLE))], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
        command += ["--allow-root", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _photograph(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait()


def _photograph(address: str) -> None:
    _wait_for(address)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1180, "height": 2700})
        page.goto(f"{address}/lab/tree/{EXAMPLE}")
        page.wait_for_selector(".jp-Notebook", timeout=60_000)
        page.wait_for_timeout(6_000)  # outputs draw one after another
        _tidy(page)
        run = page.locator(".agentnb-run").first
        run.scroll_into_view_if_needed()
        run.get_by_role("button", name="Time line").click()
        page.wait_for_timeout(1_000)
        run.screenshot(path=ROOT / "docs" / "risk_desk.png")
        browser.close()


def _tidy(page: Page) -> None:
    for button in page.get_by_role("button", name="No", exact=True).all():
        button.click()


def _wait_for(address: str) -> None:
    for _ in range(60):
        try:
            urlopen(f"{address}/api").close()
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("JupyterLab did not start")


if __name__ == "__main__":
    main()
