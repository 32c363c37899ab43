"""Forks of this very process: what the child may touch, how it ends, what is left of it."""

import io
import logging
import mmap
import os
import pickle
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agentnb.kernel.fork import Child, Connection, fork

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="forks are for Linux")


@contextmanager
def forked(main: Callable[[Connection], None], label: str = "") -> Iterator[Child]:
    child = fork(main, label=label, patience=5)
    try:
        yield child
    finally:
        child.kill()


def answer(act: Callable[[], Any], label: str = "") -> Any:
    """What ``act`` returns in a fork."""

    def main(connection: Connection) -> None:
        try:
            result = act()
        except BaseException as error:
            result = error
        connection.send(pickle.dumps(result))

    with forked(main, label) as child:
        assert select.select([child.connection], [], [], 60)[0], "the child hangs"
        return pickle.loads(child.connection.receive().data)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_messages_carry_bytes_of_any_size_and_descriptors() -> None:
    def main(connection: Connection) -> None:
        asked = connection.receive()
        with open(asked.fds[0], "rb") as file:
            connection.send(asked.data + file.read())

    reading, writing = os.pipe()
    os.write(writing, b"from the pipe")
    os.close(writing)
    with forked(main) as child:
        child.connection.send(b"x" * 3_000_000, [reading])
        os.close(reading)
        assert child.connection.receive().data == b"x" * 3_000_000 + b"from the pipe"
        with pytest.raises(EOFError):
            child.connection.receive()


def test_an_open_file_is_read_only_in_the_child_and_keeps_its_offset(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    with path.open("w+") as file:
        file.write("one two")
        file.flush()
        file.seek(4)
        assert answer(file.read) == "two"
        assert file.tell() == 4
        refused = answer(lambda: os.write(file.fileno(), b"!"))
        assert isinstance(refused, OSError)
    assert path.read_text() == "one two"


def test_text_that_the_parent_holds_back_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    with path.open("w") as file:
        file.write("held back")
        assert isinstance(answer(file.flush), OSError)
    assert path.read_text() == "held back"


def test_shared_memory_is_private_in_the_child(tmp_path: Path) -> None:
    path = tmp_path / "array.bin"
    path.write_bytes(b"before")
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 6) as memory:

        def write() -> bytes:
            memory[:] = b"after!"
            return bytes(memory)

        assert answer(write) == b"after!"
        assert bytes(memory) == b"before"
    assert path.read_bytes() == b"before"


def test_sockets_of_the_parent_are_out_of_reach() -> None:
    here, there = socket.socketpair()
    with here, there:
        answer(lambda: os.write(here.fileno(), b"from the child"))
        there.setblocking(False)
        with pytest.raises(BlockingIOError):
            there.recv(1)


def test_the_child_runs_on_its_main_thread_alone() -> None:
    def look() -> tuple[bool, int, str]:
        thread = threading.current_thread()
        return thread is threading.main_thread(), threading.active_count(), thread.name

    assert answer(look) == (True, 1, "MainThread")


def test_the_child_has_a_process_group_of_its_own() -> None:
    assert answer(os.getpgrp) != os.getpgrp()
    assert answer(lambda: Path("/proc/self/oom_score_adj").read_text().strip()) == "1000"


def test_random_numbers_differ_between_children_and_follow_from_the_seed() -> None:
    def draws(label: str) -> Any:
        random.seed(7)
        return answer(random.random, label)

    assert draws("quant") == draws("quant")
    assert draws("quant") != draws("reporter")
    random.seed(7)
    assert draws("quant") != random.random()


def test_a_pool_of_threads_made_before_works_in_the_child() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(abs, [-1, -2])) == [1, 2]
        assert answer(lambda: list(pool.map(abs, [-3, -4]))) == [3, 4]
        assert list(pool.map(abs, [-5, -6])) == [5, 6]


def test_a_lock_of_logging_held_elsewhere_is_free_in_the_child() -> None:
    handler = logging.StreamHandler(io.StringIO())
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with handler.lock:  # type: ignore[union-attr]
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert answer(lambda: handler.lock.acquire(timeout=5))  # type: ignore[union-attr]
    finally:
        done.set()
        thread.join()


def test_what_is_printed_by_libraries_can_be_read_by_the_parent() -> None:
    def main(connection: Connection) -> None:
        subprocess.run(["echo", "from a command"], check=True)
        raise ValueError("what went wrong")

    with forked(main) as child:
        death = child.wait(20)
        said = os.pread(child.raw, 100_000, 0).decode()
    assert death is not None
    assert death.status == 1
    assert "from a command" in said
    assert "ValueError: what went wrong" in said


def test_how_a_child_ended_is_known() -> None:
    with forked(lambda connection: os.kill(os.getpid(), signal.SIGSEGV)) as child:
        assert str(child.wait(20)) == "it was killed by SIGSEGV"
        assert not child.alive
    with forked(lambda connection: os._exit(3)) as child:
        assert str(child.wait(20)) == "it ended with status 3"


def test_killing_ends_what_the_child_started() -> None:
    def main(connection: Connection) -> None:
        process = subprocess.Popen(["sleep", "1000"])
        connection.send(str(process.pid).encode())
        process.wait()

    with forked(main) as child:
        grandchild = int(child.connection.receive().data)
    assert child.wait(20) is not None
    for _ in range(1000):
        try:
            if Path(f"/proc/{grandchild}/stat").read_text().split(") ")[1][0] == "Z":
                break  # dead; whoever adopts orphans here does not collect them
        except FileNotFoundError:
            break
        time.sleep(0.01)
    else:
        pytest.fail("the command lives on")


def test_the_parents_child_processes_are_none_of_the_childs() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        answer(lambda: process.poll())
        assert process.poll() is None
        process.kill()


def test_nothing_is_left_of_children() -> None:
    answer(int)
    before, known = open_descriptors(), set(children())
    for _ in range(100):
        answer(int)
    forgotten = fork(lambda connection: time.sleep(1000), patience=5)
    del forgotten
    for _ in range(1000):
        if set(children()) <= known and open_descriptors() == before:
            break
        time.sleep(0.01)
    assert open_descriptors() == before
    assert set(children()) <= known


def test_a_child_ends_with_its_parent() -> None:
    code = (
        "import os, time\nfrom agentnb.kernel.fork import fork\n"
        "child = fork(lambda connection: time.sleep(1000))\nprint(child.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    printed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE).stdout
    for _ in range(1000):
        try:
            if Path(f"/proc/{int(printed)}/stat").read_text().split(") ")[1][0] == "Z":
                break
        except FileNotFoundError:
            break
        time.sleep(0.01)
    else:
        pytest.fail("the child lives on")
