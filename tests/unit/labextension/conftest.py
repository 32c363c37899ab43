"""The page's own code, compiled, in a Node process that answers lines of JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "labextension"


class Page:
    """Asks the compiled ``labextension/tests/pipe.ts``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, **question: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    compiler = PAGE / "node_modules" / ".bin" / "esbuild"
    if shutil.which("node") is None or not compiler.exists():
        pytest.skip("the page's packages are not installed: type `make page`")
    program = tmp_path_factory.mktemp("page") / "pipe.mjs"
    how = ["--bundle", "--platform=node", "--format=esm", "--log-level=error", f"--outfile={program}"]
    subprocess.run([compiler, PAGE / "tests" / "pipe.ts", *how], check=True, timeout=60)
    with subprocess.Popen(["node", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Page(process)
        assert process.stdin is not None
        process.stdin.close()
