"""Hazards of libraries too large for every test environment: only `make hazards`, which installs them, runs this."""

import pytest

from tests.kernel.driver import Kernel
from tests.kernel.hazards import in_branch
from tests.kernel.work import LOAD

DATA = "import numpy as np; X = np.random.rand(5000, 20); y = np.random.randint(0, 2, 5000)\n"
LOADER = (
    "import torch; from torch.utils.data import DataLoader, TensorDataset; D = TensorDataset(torch.randn(1000, 4))\n"
    "len(list(DataLoader(D, 50, num_workers=2)))"
)
PARALLEL = """
import numba, numpy as np
{layer}
@numba.njit(parallel=True)
def f(a):
    s = 0.0
    for i in numba.prange(a.shape[0]): s += a[i] * a[i]
    return s
A = np.ones(1_000_000); f(A)
"""

RIGHT = {  # what is done before, in the branch
    "lightgbm": (
        DATA + "import lightgbm as lgb; lgb.LGBMClassifier(n_estimators=20, verbose=-1).fit(X, y)",
        "lgb.LGBMClassifier(n_estimators=20, verbose=-1).fit(X, y).score(X, y) > .5",
    ),
    "torch, gradients": (
        "import torch; W = torch.randn(500, 500, requires_grad=True); (W @ W).sum().backward()",
        "[V := torch.randn(500, 500, requires_grad=True), (V @ W).sum().backward()] and V.grad.shape == (500, 500)",
    ),
    "torch, element by element and convolutions": (
        "import torch; x = torch.randn(4, 3, 128, 128); c = torch.nn.Conv2d(3, 32, 3); c(x).relu().sum()\n"
        "torch.exp(torch.randn(5_000_000)).sum()",
        "bool(torch.exp(torch.randn(5_000_000)).sum() > 0) and bool(c(x).relu().mean() > 0)",
    ),
    "torch, workers that load": (LOADER, "len(list(DataLoader(D, 50, num_workers=2))) == 20"),
    "numba, its own threads": (
        PARALLEL.format(layer="numba.config.THREADING_LAYER = 'workqueue'"),
        "f(A) == 1e6",
    ),
    "numba, one thread": (
        "import numba\n@numba.njit\ndef g(n):\n    s = 0\n    for i in range(n): s += i\n    return s\ng(10)",
        "g(10**7) == 10**7 * (10**7 - 1) // 2",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_it_gives_the_right_result_in_a_branch(name):
    before, code = RIGHT[name]
    with Kernel(timeout=120) as kernel:  # what one case loads would be a reason against a branch in the next
        kernel.run(LOAD, check=True)
        step, said = in_branch(kernel, before, f"print('right', {code})", timeout=120)
        assert "works in scratch" not in said, said
        assert "right True" in step.text, step.failure
        assert f"in {kernel.pid}" not in step.text
        assert kernel.eval(code)


def test_numba_with_openmp_in_use_means_no_branch_and_the_person_is_told_what_to_set():
    with Kernel(timeout=120) as kernel:
        kernel.run(LOAD, check=True)
        before = PARALLEL.format(layer="numba.config.THREADING_LAYER = 'omp'")
        step, said = in_branch(kernel, before, "print('right', f(A) == 1e6)", timeout=120)
        assert "quant works in scratch, not in a branch: numba runs its parallel code with omp here" in said
        assert "numba.config.THREADING_LAYER = 'workqueue'" in said
        assert "right True" in step.text
