"""When the watchdog ends a branch, and what it says then: real child processes, a clock of the test's."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from agentnb.kernel.branch import watchdog as module
from agentnb.kernel.branch.watchdog import GRACE, HUNG_AFTER, Watchdog, Watched, available_memory, own_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="branches are for Linux")

HANGS = "import threading; lock = threading.Lock(); lock.acquire(); print(flush=True); lock.acquire()"
READS = "import sys; print(flush=True); sys.stdin.read()"
WAITS_FOR_A_CHILD = (
    "import subprocess, threading; subprocess.Popen(['sleep', '60']); lock = threading.Lock(); lock.acquire()\n"
    "print(flush=True); lock.acquire()"
)
TAKES = "taken = bytearray(64 << 20); taken[::4096] = bytes(1) * len(taken[::4096]); print(flush=True); input()"


class Process:
    """What the watchdog needs of a child."""

    def __init__(self, code: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()
        self.pid, self.struck = self._process.pid, False

    def strike(self) -> None:
        self.struck = True

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.communicate()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def run() -> Iterator[Any]:
    made: list[Process] = []

    def start(code: str, limit: int = 1 << 40) -> tuple[Process, Watched]:
        made.append(Process(code))
        return made[-1], Watched(made[-1], limit)  # type: ignore[arg-type]

    yield start
    for process in made:
        process.end()


def eventually_still(watched: Watched, now: float) -> None:
    """Look until the process has gone to sleep in its lock."""
    for _ in range(2000):
        watched.look(now)
        if watched._still_since is not None:
            return
        time.sleep(0.005)
    raise AssertionError("it does not wait for its lock")


def test_one_whose_threads_all_wait_for_locks_is_ended_as_hung(run: Any, clock: list[float]) -> None:
    process, watched = run(HANGS)
    watched.begin(None)
    eventually_still(watched, clock[0])
    watched.look(clock[0] + HUNG_AFTER)
    assert (watched.verdict, process.struck) == (None, False)
    watched.look(clock[0] + HUNG_AFTER + 0.1)
    assert watched.verdict is not None
    assert watched.verdict.startswith("it hung: all its threads waited for locks")
    assert process.struck


@pytest.mark.parametrize("code", [READS, WAITS_FOR_A_CHILD])
def test_one_that_waits_for_data_or_for_a_process_is_not(code: str, run: Any, clock: list[float]) -> None:
    process, watched = run(code)
    watched.begin(None)
    for later in (0, HUNG_AFTER + 1, 2 * HUNG_AFTER + 2):
        time.sleep(0.05)
        watched.look(clock[0] + later)
    assert (watched.verdict, process.struck) == (None, False)


def test_between_two_actions_and_while_the_kernel_works_for_it_none_hangs(run: Any, clock: list[float]) -> None:
    process, watched = run(HANGS)
    watched.look(clock[0] + 100)
    watched.begin(None)
    eventually_still(watched, clock[0])
    watched.pause()
    watched.look(clock[0] + 100)
    assert watched.verdict is None
    clock[0] += 100
    watched.go_on()
    eventually_still(watched, clock[0])
    watched.end()
    watched.look(clock[0] + 100)
    assert (watched.verdict, process.struck) == (None, False)


def test_the_time_limit_has_a_grace_and_does_not_count_what_the_kernel_does(run: Any, clock: list[float]) -> None:
    process, watched = run(READS)
    watched.begin(10)
    watched.pause()
    clock[0] += 60
    watched.go_on()
    watched.look(clock[0] + 10 + GRACE)
    assert watched.verdict is None
    watched.look(clock[0] + 10 + GRACE + 0.1)
    assert watched.verdict == "it ran longer than 10 s and could not be stopped"
    assert process.struck


def test_memory_of_its_own_is_counted_against_the_limit(run: Any, clock: list[float]) -> None:
    process, watched = run(TAKES, 32 << 20)
    assert own_memory(process.pid) > 64 << 20
    watched.look(clock[0])
    assert watched.verdict is not None
    assert watched.verdict.endswith("more than its limit of 0.031 GB")
    assert process.struck
    enough, spared = run(TAKES, 1 << 40)
    spared.look(clock[0])
    assert (spared.verdict, enough.struck) == (None, False)


def test_memory_is_counted_seldom_where_counting_takes_long(
    run: Any, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    monkeypatch.setattr(module, "own_memory", lambda pid: counted.append(pid) or time.sleep(0.02) or 0)  # type: ignore[func-returns-value]
    _, watched = run(READS)
    for _ in range(5):
        watched.look(clock[0])
    assert len(counted) == 1
    watched.look(clock[0] + 3600)
    assert len(counted) == 2


def test_the_first_verdict_stands(run: Any, clock: list[float]) -> None:
    process, watched = run(READS, 1)
    watched.look(clock[0])
    first, process.struck = watched.verdict, False
    watched.limit = 2
    watched.look(clock[0] + 1e6)
    assert (watched.verdict, process.struck) == (first, False)


def test_the_thread_ends_what_is_watched_and_leaves_what_is_forgotten(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PERIOD", 0.01)
    dog = Watchdog()
    (process, _), (other, _) = run(READS), run(READS)
    watched = dog.watch(process, 1)
    dog.forget(dog.watch(other, 1 << 40))
    assert any(process.struck or time.sleep(0.01) for _ in range(2000))
    assert "more than its limit" in str(watched.verdict)
    assert not other.struck


def test_a_process_that_is_gone_has_no_memory_and_does_not_hang(run: Any, clock: list[float]) -> None:
    process, watched = run(HANGS)
    process.end()
    watched.begin(None)
    watched.look(clock[0] + 100)
    assert own_memory(process.pid) == 0
    assert (watched.verdict, process.struck) == (None, False)
    assert available_memory() > 1 << 20
