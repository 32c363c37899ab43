"""A Jupyter server of its own for browser tests: JupyterLab and Notebook 7 side by side, with the built extension."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from tests.kernel.driver import REPOSITORY, kernel_environment

EXTENSION = REPOSITORY / "agentnb" / "labextension"
STARTED_IN = 60  # seconds
CONFIG = {
    "ServerApp": {"ip": "127.0.0.1", "port_retries": 0, "open_browser": False, "allow_root": True},
    "LabApp": {"expose_app_in_browser": True},
    "JupyterNotebookApp": {"expose_app_in_browser": True},
    "LabServerApp": {"notices_directory": ""},
    # a port that was free when it was chosen may not be when the kernel binds it: others start kernels at the same time
    "KernelManager": {"transport": "ipc"},
}
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}


class JupyterServer:
    """A server on 127.0.0.1 whose folder is ``root``; a context manager. Nothing of the person's own Jupyter is used.

    ``extension`` False leaves agentnb's extension out, as on a machine where it is not installed.
    """

    def __init__(self, *, extension: bool = True) -> None:
        self.token = secrets.token_hex(8)
        self.home = Path(tempfile.mkdtemp(prefix="browser-"))
        self.root = self.home / "work"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._extension = extension

    def __enter__(self) -> Self:
        self._prepare()
        self._log = (self.home / "server.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", f"--port={self.port}", f"--ServerApp.root_dir={self.root}"],
            cwd=self.root,
            env=self._environment(),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server with its kernels and remove what it left on disk."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def api(self, path: str, *, method: str = "GET", body: Any = None) -> Any:
        """Ask the server's REST API; ``path`` is what comes after ``/api/``."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def add_kernel(self, name: str, python: str) -> None:
        """Make known a further kind of kernel: the ipykernel of that Python."""
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": "python"}
        _write_json(self.home / "data" / "kernels" / name / "kernel.json", spec)

    def end_kernels(self) -> None:
        """End all kernels. One that is just being restarted refuses at first."""
        end = time.monotonic() + STARTED_IN
        while left := [f"sessions/{each['id']}" for each in self.api("sessions")] + [
            f"kernels/{each['id']}" for each in self.api("kernels")
        ]:
            try:
                self.api(left[0], method="DELETE")
            except urllib.error.HTTPError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _prepare(self) -> None:
        self.root.mkdir()
        config = CONFIG | {"IdentityProvider": {"token": self.token}}
        _write_json(self.home / "config" / "jupyter_server_config.json", config)
        for name, settings in SETTINGS.items():
            _write_json(self.home / "settings" / f"{name}.jupyterlab-settings", settings)
        if not self._extension:
            disabled = {"disabledExtensions": {"@agentnb/labextension": True}}
            _write_json(self.home / "config" / "labconfig" / "page_config.json", disabled)
            return
        assert EXTENSION.joinpath("package.json").exists(), "the page is not built: type `make page`"
        link = self.home / "first" / "labextensions" / "@agentnb" / "labextension"
        link.parent.mkdir(parents=True)
        link.symlink_to(EXTENSION)

    def _environment(self) -> dict[str, str]:
        places = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_PATH": "first",  # before what is installed
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "HOME": ".",
        }
        return kernel_environment(self.home, {name: str(self.home / place) for name, place in places.items()})

    def _wait(self) -> None:
        end = time.monotonic() + STARTED_IN
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            try:
                self.api("status")
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("Jupyter did not start:\n" + (self.home / "server.log").read_text()[-3000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
