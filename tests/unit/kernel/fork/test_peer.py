"""The memory of a fork, read from outside."""

import os
from collections.abc import Iterator

import numpy as np
import pytest

from agentnb.kernel.fork import Child, Connection, fork
from agentnb.kernel.fork.peer import fetch, may_read, read_other

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="forks are for Linux")

SIZES = [1, 4097, 0, 70_000_001, 100]  # the large one is read in pieces, by several threads


def content(at: int) -> np.ndarray:
    return np.random.default_rng(at).integers(0, 256, SIZES[at], np.uint8)


def hold(connection: Connection) -> None:
    held = [content(at) for at in range(len(SIZES))]
    connection.send(b" ".join(str(array.ctypes.data).encode() for array in held))
    connection.receive()


@pytest.fixture
def child() -> Iterator[Child]:
    child = fork(hold, label="peer", patience=5)
    yield child
    child.kill()


async def test_what_a_fork_made_is_read_byte_by_byte(child: Child) -> None:
    addresses = [int(part) for part in child.connection.receive().data.split()]
    assert may_read(child.pid)
    came = await fetch(child.pid, list(zip(addresses, SIZES, strict=True)))
    assert [array.nbytes for array in came] == SIZES
    assert all(np.array_equal(array, content(at)) for at, array in enumerate(came))
    assert all(array.flags.writeable for array in came)


async def test_nothing_is_read_of_no_spans(child: Child) -> None:
    assert await fetch(child.pid, []) == []


async def test_a_fork_that_is_gone_says_so(child: Child) -> None:
    address = int(child.connection.receive().data.split()[0])
    child.kill()
    child.wait(10)
    with pytest.raises(ProcessLookupError):
        await fetch(child.pid, [(address, 1)])
    assert not may_read(child.pid)


def test_an_address_where_nothing_is_raises(child: Child) -> None:
    with pytest.raises(OSError, match="address"):
        read_other(child.pid, 16, np.zeros(8, np.uint8))
