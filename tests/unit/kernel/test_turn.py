"""Runs and cells take turns under one lock, and no wait for another agent holds it."""

import asyncio

from agentnb.kernel.turn import Gate, Turn


async def test_one_at_a_time():
    lock = asyncio.Lock()
    order = []

    async def agent(name):
        async with Turn(Gate(lock)):
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)

    await asyncio.gather(agent("a"), agent("b"))
    assert order == ["a", "a", "b", "b"]
    assert not lock.locked()


async def test_a_lent_turn_lets_others_act():
    lock = asyncio.Lock()
    acted = asyncio.Event()
    async with Turn(Gate(lock)) as turn, asyncio.timeout(5):

        async def other():
            async with Turn(Gate(lock)):
                acted.set()

        async with turn.lent():
            await asyncio.create_task(other())
        assert lock.locked()
    assert acted.is_set()
    assert not lock.locked()


async def test_a_run_that_a_cell_waits_for_passes_the_locked_gate():
    lock = asyncio.Lock()
    await lock.acquire()  # the cell
    gate = Gate(lock)
    async with asyncio.timeout(5):
        waiting = asyncio.create_task(gate.acquire())
        await asyncio.sleep(0)
        assert not waiting.done()
        with gate.open():
            (await waiting)()
    lock.release()
    await asyncio.sleep(0)
    assert not lock.locked()


async def test_a_cancelled_wait_leaves_the_lock_free():
    lock = asyncio.Lock()
    await lock.acquire()
    waiting = asyncio.create_task(Gate(lock).acquire())
    await asyncio.sleep(0)
    waiting.cancel()
    lock.release()
    await asyncio.wait([waiting])
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await lock.acquire()
