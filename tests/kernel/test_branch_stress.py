"""Many forks of a real kernel. `make stress` makes a thousand of each; the suite, as many as take seconds."""

import os

from tests.kernel.driver import Kernel

FORKS = int(os.environ.get("AGENTNB_FORKS", "15"))
LOAD = "from tests.kernel.stress import branches, stress"


def test_many_forks_beside_threads_that_compute_import_log_and_allocate(record_property):
    with Kernel(timeout=120) as kernel:
        kernel.run(LOAD, check=True)
        came = kernel.eval(f"stress({FORKS})", timeout=60 + 3 * FORKS)
        record_property("came", came)
        assert came["deaths"] == [], came
        assert came["right"] > 0, came
        assert came["children"] == [], came
        assert came["descriptors"] <= 0, came
        assert kernel.run("1 + 1").result["text/plain"] == "2"


def test_of_many_branches_no_process_and_no_descriptor_is_left(record_property):
    with Kernel(timeout=120) as kernel:
        kernel.run(LOAD, check=True)
        came = kernel.eval(f"branches({FORKS * 4})", timeout=60 + FORKS)
        record_property("came", came)
        assert came["answered"] == len(range(0, FORKS * 4, 10)) * 10
        assert came["children"] == [], came
        assert came["descriptors"] <= 0, came
