"""The limits of memory and processes: how they are set, and that they hold only meanwhile."""

import sys

import pytest

from agentnb.kernel.action import ceiling as module
from agentnb.kernel.action.ceiling import ceiling, memory_allowed

GB = 2**30


@pytest.mark.parametrize(
    ("setting", "allowed"),
    [("", 9 * GB), ("off", None), ("50%", 5 * GB), ("4GB", 4 * GB), ("1.5 g", 3 * GB // 2), ("200mib", 200 * 2**20)],
)
def test_settings(setting, allowed):
    assert memory_allowed(setting, 10 * GB) == allowed


@pytest.mark.parametrize("setting", ["much", "-1GB", "GB"])
def test_what_is_not_understood_counts_as_not_set(setting):
    assert memory_allowed(setting, 10 * GB) == 9 * GB


@pytest.mark.skipif(sys.platform != "linux", reason="these limits are Linux's")
def test_the_limit_holds_meanwhile_only(monkeypatch):
    import resource

    monkeypatch.setenv(module.MEMORY_VARIABLE, "1GB")
    monkeypatch.setattr(module, "_limits", module._Limits())
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with ceiling(), pytest.raises(MemoryError):
        bytearray(4 * GB)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert len(bytearray(2 * GB)) == 2 * GB


@pytest.mark.skipif(sys.platform != "linux", reason="these limits are Linux's")
def test_a_lower_limit_of_the_persons_own_stays(monkeypatch):
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    own = module.own_memory() + GB
    resource.setrlimit(resource.RLIMIT_DATA, (own, before[1]))
    try:
        monkeypatch.setenv(module.MEMORY_VARIABLE, "8GB")
        monkeypatch.setattr(module, "_limits", module._Limits())
        with ceiling():
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == own
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
