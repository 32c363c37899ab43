"""Kernels for the faults: one a module where the faults do not kill it, a fresh one where they do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.harness import CANARY
from tests.kernel.conftest import agents_kernel, kernel
from tests.kernel.driver import Kernel
from tests.kernel.work import LOAD

__all__ = ["agents_kernel", "kernel", "mortal"]

IMPATIENT = """
from agentnb.models import chat
chat.ModelChat.__init__.__kwdefaults__.update(cap=2.0, first_wait=0.05)
"""


@pytest.fixture(scope="module")
def asking_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel whose teams ask an endpoint; what fails is asked for again for 2 s, silence is borne for 1 s."""
    environment = {"AGENTNB_API_KEY": CANARY, "AGENTNB_STALL": "1"}
    with Kernel(cwd=tmp_path_factory.mktemp("asking"), env=environment) as asking:
        asking.run(LOAD + IMPATIENT, check=True)
        yield asking


@pytest.fixture
def mortal(kernel: Kernel) -> Kernel:
    """A fresh kernel with agentnb loaded, for a fault that it does not survive."""
    kernel.run(LOAD, check=True)
    return kernel
