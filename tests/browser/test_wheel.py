"""The wheel that a built page is packed into."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from agentnb import __version__
from tests.browser.server import EXTENSION
from tests.kernel.driver import REPOSITORY

DATA = f"agentnb-{__version__}.data/data/share/jupyter/"
IN_JUPYTER = "labextensions/@agentnb/labextension/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made of the repository on a machine without Node."""
    assert EXTENSION.exists(), "the page is not built: type `make page`"
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    done = subprocess.run(command, env={**os.environ, "PATH": str(folder)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_it_holds_the_page_once_and_is_small(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        same = Counter(info.CRC for info in archive.infolist() if info.file_size > 500)
    assert {"agentnb/static/widget.js", "agentnb/static/widget.css", DATA + IN_JUPYTER + "install.json"} <= set(names)
    assert not [name for name in names if name.startswith(("agentnb/labextension", "labextension", "tests"))]
    assert max(same.values()) == 1, "a file is in it twice"
    assert wheel.stat().st_size < 1_000_000


def test_jupyterlab_finds_the_extension_in_it(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    env = {**os.environ, "JUPYTER_PATH": str(tmp_path / DATA), "JUPYTER_PREFER_ENV_PATH": "0", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    listed = subprocess.run(command, env=env, capture_output=True, text=True)
    lines = [line.split() for line in (listed.stdout + listed.stderr).splitlines() if "@agentnb/labextension" in line]
    assert [[word for word in line if word.isascii()][:2] for line in lines] == [
        ["@agentnb/labextension", f"v{__version__}"]
    ]
    assert "enabled" in str(lines)
    assert "OK" in str(lines)


def test_page_and_package_have_one_version():
    package = json.loads((REPOSITORY / "labextension" / "package.json").read_text())
    assert package["version"] == __version__
