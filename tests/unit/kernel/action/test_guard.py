"""A read-only action has no effects on files, the network or other programs; everybody else has."""

import asyncio
import multiprocessing
import os
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentnb import Agent, Team
from agentnb.kernel.action import guard
from tests.support.scripts import acting, code, final


@pytest.mark.parametrize(
    "effect",
    [
        lambda: open("made", "w"),  # noqa: SIM115
        lambda: os.open("made", os.O_CREAT | os.O_WRONLY),
        lambda: os.remove("kept"),
        lambda: os.mkdir("made"),
        lambda: os.rename("kept", "made"),
        lambda: os.putenv("A", "b"),
        lambda: os.system("touch made"),
        lambda: subprocess.run(["touch", "made"]),
        lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
        lambda: threading.Thread(target=print).start(),
        lambda: multiprocessing.get_context("fork").Process(target=print).start(),
        lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
        lambda: os.mkfifo("made"),
        lambda: __import__("sqlite3").connect("made"),
        lambda: __import__("shutil").copy("kept", "made"),
        lambda: __import__("pathlib").Path("made").write_text("x"),
    ],
)
def test_effects_are_refused(effect, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").write_text("here")
    with guard.enforced(), pytest.raises(guard.ReadOnly, match="this action is read-only and"):
        effect()
    assert sorted(os.listdir()) == ["kept"]


def test_reading_is_not(tmp_path):
    (tmp_path / "kept").write_text("here")
    with guard.enforced():
        assert (tmp_path / "kept").read_text() == "here"
        assert __import__("sqlite3").connect(":memory:").execute("select 1").fetchone() == (1,)


def test_other_threads_and_lifted_work_go_on(tmp_path):
    ready, go = threading.Event(), threading.Event()

    def write():
        ready.set()
        go.wait(5)
        (tmp_path / "other").write_text("x")

    thread = threading.Thread(target=write)
    thread.start()
    ready.wait(5)
    with guard.enforced():
        go.set()
        thread.join(5)
        with guard.lifted():
            (tmp_path / "lifted").write_text("x")
    (tmp_path / "after").write_text("x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["after", "lifted", "other"]


@pytest.mark.parametrize(
    "hand",
    [
        lambda loop, pool: pool.submit(open, "made", "w").result(),
        lambda loop, pool: list(pool.map(open, ["made"], ["w"])),
        lambda loop, pool: loop.run_until_complete(asyncio.to_thread(open, "made", "w")),
        lambda loop, pool: loop.run_until_complete(loop.run_in_executor(None, open, "made", "w")),
    ],
)
def test_threads_of_a_pool_that_is_there_already_are_held_while_they_work_for_it(hand, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loop, pool = asyncio.new_event_loop(), ThreadPoolExecutor(1)
    loop.set_default_executor(pool)
    pool.submit(print).result()
    try:
        with guard.enforced(), pytest.raises(guard.ReadOnly, match="read-only and writes files"):
            hand(loop, pool)
        assert os.listdir() == []
        hand(loop, pool)
        assert os.listdir() == ["made"]
    finally:
        loop.close()
        pool.shutdown()


WRITE = "open('made', 'w').close()"


async def test_a_read_only_agent_acts_so_and_its_tools_and_its_coordinator_do_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def save() -> str:
        (tmp_path / "by_the_tool").write_text("x")
        return "saved"

    async def store() -> str:
        await asyncio.sleep(0)
        (tmp_path / "by_the_async_tool").write_text("x")
        return "stored"

    looker = Agent("looker", "looks", read_only=True, tools=[save, store])
    model = acting(
        lead=[code("open('mine', 'w').close()", "found = await looker('look')"), final("found")],
        looker=[
            code("print('looking')", WRITE),
            code(f"async def later():\n    await asyncio.sleep(0)\n    {WRITE}\nawait asyncio.gather(later())"),
            code("import os", "os.system('touch made')"),
            final("[save(), await store()]"),
        ],
    )
    run = await Team([looker], model=model).start("Do it.", namespace={}, show=False)
    assert run.result == ["saved", "stored"]
    looked = [step for step in run.steps if step.agent == "looker"]
    assert [step.error.name if step.error else None for step in looked] == ["ReadOnly", "ReadOnly", "ReadOnly", None]
    assert sorted(set(os.listdir()) - {".agentnb"}) == ["by_the_async_tool", "by_the_tool", "mine"]


async def test_what_is_let_through_unasked_has_no_effects_even_where_the_check_erred(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "agentnb.toml").write_text("approve = 'ask'\nallow_read_only = true\n")
    import pandas as pd

    class Loud:
        def __str__(self):
            open("made", "w").close()
            return "loud"

        __repr__ = __str__

    space = {"df": pd.DataFrame({"a": [Loud()]})}
    run = await Team(model=acting(lead=[code("print(df.to_string())"), final("0")])).start(
        "Do it.", namespace=space, show=False
    )
    assert run.steps[0].notes == ["let run unasked: it is known to only look at data"]
    assert run.steps[0].error.name == "ReadOnly"
    assert not (tmp_path / "made").exists()
