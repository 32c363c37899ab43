"""Fixtures that start real kernels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.driver import REPOSITORY, Kernel
from tests.kernel.work import LOAD

CLEAN = (
    "for _name in [n for n in globals() if not n.startswith('_') and n not in _agentnb_names_before]:\n"
    "    del globals()[_name]\n"
)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A fresh kernel, in ``tmp_path``."""
    with Kernel(cwd=tmp_path) as kernel:
        yield kernel


@pytest.fixture(scope="module")
def _module_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with Kernel(cwd=tmp_path_factory.mktemp("shared_kernel")) as kernel:
        kernel.run("_agentnb_names_before = frozenset(globals())", check=True)
        yield kernel


@pytest.fixture(scope="module")
def agents_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel with agentnb loaded for all tests of a module; variables stay from test to test."""
    with Kernel(cwd=tmp_path_factory.mktemp("agents_kernel")) as kernel:
        kernel.run(LOAD, check=True)
        yield kernel


@pytest.fixture
def shared_kernel(_module_kernel: Kernel) -> Iterator[Kernel]:
    """One kernel for all tests of a module; after each, the names that it made are removed. Starts in 0 s."""
    yield _module_kernel
    _module_kernel.wait(_module_kernel.send(CLEAN, silent=True, store_history=False))


@pytest.fixture(scope="session")
def ipykernel6_python() -> str:
    """The Python of an environment with ipykernel 6, which has neither subshells nor an asyncio lock."""
    default = REPOSITORY / ".venv-ipykernel6" / "bin" / "python"
    python = Path(os.environ.get("AGENTNB_IPYKERNEL6_PYTHON") or default)
    if not python.exists():
        pytest.skip(f"{python} does not exist: type `make install`")
    return str(python)
