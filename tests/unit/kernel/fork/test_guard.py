"""Whether a fork is refused just where another thread is in native code, or a library would not survive it."""

import _imp
import _thread
import ctypes
import os
import select
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from agentnb.kernel.fork import Connection, ForkRefused, fork, guard, locks, threads, why_not
from agentnb.kernel.fork.seeds import Seeds, free_generators

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux")


@contextmanager
def in_thread(work: Callable[[threading.Event], Any]) -> Iterator[threading.Event]:
    """Another thread at ``work``, which ends when its event is set."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), name="worker", daemon=True)
    thread.start()
    time.sleep(0.05)
    try:
        yield stop
    finally:
        stop.set()
        thread.join(30)


def eventually(condition: Callable[[], object]) -> bool:
    return any(condition() or time.sleep(0.001) for _ in range(2000))


def multiply(stop: threading.Event) -> None:
    import numpy as np

    array = np.random.default_rng(0).random((700, 700))
    while not stop.is_set():
        array @ array


def test_a_thread_inside_a_matrix_product_is_seen() -> None:
    with in_thread(multiply):
        assert eventually(lambda: "worker" in (why_not() or ""))


def test_beside_matrix_products_a_fork_is_made_at_a_safe_moment_or_refused() -> None:
    with in_thread(multiply):
        for _ in range(5):
            try:
                child = fork(lambda connection: connection.send(b"alive"), patience=0.2)
            except ForkRefused:
                continue
            assert child.connection.receive().data == b"alive"
            child.kill()
    child = fork(lambda connection: None, patience=5)
    assert child.wait(20) is not None


@pytest.mark.parametrize(
    "work",
    [
        lambda stop: stop.wait(),
        lambda stop: [time.sleep(0.2) for _ in range(50) if not stop.is_set()],
        lambda stop: threading.Thread(target=stop.wait).run(),
    ],
)
def test_threads_that_wait_are_no_reason(work: Callable[[threading.Event], Any]) -> None:
    with in_thread(work):
        assert eventually(lambda: why_not() is None)


def test_a_thread_that_runs_python_code_is_no_reason_for_long() -> None:
    def count(stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            number += 1

    with in_thread(count):
        child = fork(lambda connection: connection.send(b"alive"), patience=10)
        assert child.connection.receive().data == b"alive"
        child.kill()


def test_polars_is_a_reason_once_its_threads_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", SimpleNamespace())
    monkeypatch.setattr(guard, "native_names", lambda: {"python", "polars-3"})
    assert "polars" in str(guard.never())
    monkeypatch.setattr(guard, "native_names", lambda: {"python"})
    assert guard.never() is None


def test_a_gpu_in_use_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard.os, "listdir", lambda path: ["0", "9"])
    monkeypatch.setattr(guard.os, "readlink", lambda path: "/dev/nvidia0" if path.endswith("9") else "/dev/null")
    with pytest.raises(ForkRefused, match="GPU") as refused:
        fork(lambda connection: None)
    assert not refused.value.passing


@pytest.mark.parametrize(("layer", "refused"), [("omp", True), ("workqueue", False), (None, False)])
def test_numbas_parallel_layer(layer: str | None, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def threading_layer() -> str:
        if layer is None:
            raise ValueError("Threading layer is not initialized.")
        return layer

    monkeypatch.setitem(sys.modules, "numba.np.ufunc.parallel", SimpleNamespace(threading_layer=threading_layer))  # type: ignore[arg-type]
    monkeypatch.setattr(guard.importlib, "import_module", sys.modules.__getitem__)
    assert bool(guard.never()) is refused


def test_elsewhere_than_on_linux_there_are_no_branches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard.sys, "platform", "darwin")
    assert guard.why_not() == "branches need Linux"


def test_waits_are_known_for_this_machine() -> None:
    lock = threading.Lock()
    lock.acquire()
    with in_thread(lambda stop: lock.acquire()):
        thread = next(thread for thread in threading.enumerate() if thread.name == "worker")
        call = eventually(lambda: threads._call_of(thread.native_id)) and threads._call_of(thread.native_id)
        assert call
        assert (call.is_wait(), call.waits_for_interpreter()) == (True, False)
        lock.release()


def test_the_threads_of_this_process_are_listed() -> None:
    with in_thread(lambda stop: stop.wait()):
        assert {thread.native_id for thread in threading.enumerate()} <= set(threads._tasks())


def test_a_fork_waits_for_no_lock_of_an_import_under_way() -> None:
    held = threading.Event()

    def hold(stop: threading.Event) -> None:
        _imp.acquire_lock()
        held.set()
        stop.wait()
        _imp.release_lock()

    with in_thread(hold) as stop:
        held.wait()
        threading.Timer(0.2, stop.set).start()
        child = fork(lambda connection: connection.send(bytes([_imp.lock_held()])), patience=5)
        assert child.connection.receive().data == bytes([False])
        child.kill()
    assert not _imp.lock_held()


@pytest.mark.parametrize("shared", [False, True])
def test_threads_that_do_nothing_but_draw_random_numbers_are_no_reason(shared: bool) -> None:
    import numpy as np

    own = np.random.default_rng(0)

    def draw(stop: threading.Event) -> None:
        while not stop.is_set():
            own.random(1000) if shared else np.random.rand(1000)

    def serve(connection: Connection) -> None:
        free_generators([own])
        connection.send(str(own.random() if shared else np.random.rand()).encode())

    with in_thread(draw), in_thread(draw):  # one of them waits for the other's lock at any time
        for _ in range(10):
            child = fork(serve, patience=10)
            assert select.select([child.connection], [], [], 30)[0]
            assert 0 <= float(child.connection.receive().data) < 1
            child.kill()


def test_a_generator_that_was_loaded_after_the_seeds_were_made_is_free_and_seeded_in_the_child() -> None:
    import numpy as np

    before = sys.modules.pop("numpy.random")
    try:
        seeds = Seeds("label")
    finally:
        sys.modules["numpy.random"] = before
    held = threading.Event()

    def hold(stop: threading.Event) -> None:
        with np.random.mtrand._rand._bit_generator.lock:
            held.set()
            stop.wait()

    with in_thread(hold):
        held.wait()

        def serve(connection: Connection) -> None:
            drawn = []
            for _ in range(2):
                seeds.sow()
                drawn.append(np.random.rand())
            connection.send(bytes([drawn[0] == drawn[1]]))

        child = fork(serve, patience=10)
        assert select.select([child.connection], [], [], 30)[0]
        assert child.connection.receive().data == bytes([True])
        child.kill()


def test_a_lock_of_pythons_is_known_from_other_words_that_threads_wait_for() -> None:
    held = threading.Lock(), threading.RLock()
    for lock in held:
        place = struct.pack("N", id(lock))
        (word,) = struct.unpack("N", ctypes.string_at(id(lock) + 16, 8))
        assert locks.is_lock(word, b"\0" * 8 + place)
        assert not locks.is_lock(word + 8, place)
        assert not locks.is_lock(word, struct.pack("NNN", 0, 7, 2**47 - 8))  # nothing is there
        assert not locks.is_lock(word, struct.pack("N", id([word])))


def test_a_thread_that_threading_does_not_know_is_no_reason_while_it_waits():
    here, there = os.pipe()
    _thread.start_new_thread(os.read, (here, 1))
    _thread.start_new_thread(lambda: os.read(here, 1), ())
    time.sleep(0.05)
    try:
        assert why_not() is None
    finally:
        os.write(there, b"ab")
