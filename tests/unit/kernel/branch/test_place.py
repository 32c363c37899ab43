"""How large objects come back from a branch: read out of its memory, or with its answer where that is forbidden."""

import os
import signal
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agentnb import Agent, Team
from agentnb.kernel.branch import place
from agentnb.testing import ScriptedModel

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="forks are for Linux")

MAKE = """
import numpy as np, pandas as pd
made = pd.DataFrame(np.arange(600_000.0).reshape(-1, 3), columns=list("abc"))
made["at"] = made.a.astype("M8[s]")
view = made.b.to_numpy()[::2]
fortran = np.asfortranarray(np.arange(200_000).reshape(2, -1))
text = [b"x" * 100_000, bytearray(b"y" * 100_000)]
base[7] = -1.0
"""


def reply(code: str) -> str:
    return f"<code>\n{code}\n</code>"


async def back(*codes: str, **settings: Any) -> dict[str, Any]:
    """The namespace after an agent ran the codes in a branch, the last of which gives its answer as ``got``."""
    namespace: dict[str, Any] = {"base": np.arange(100_000.0), "np": np}
    quant = Agent("quant", "works", mode="branch", model=ScriptedModel([reply(code) for code in codes]), **settings)
    lead = ScriptedModel([reply("got = await quant('go')"), reply("final_answer(1)")])
    run = await Team([quant], model=lead).run("Go.", namespace=namespace, show=False)
    return {**namespace, "_reason": run.record.reason, "_run": run}


@pytest.mark.parametrize("may_read", [True, False])
async def test_large_objects_come_back_whole_whether_or_not_memory_may_be_read(
    monkeypatch: pytest.MonkeyPatch, may_read: bool
) -> None:
    read: list[tuple[int, int]] = []
    fetch = place.fetch

    async def seen(pid: int, spans: Sequence[tuple[int, int]]) -> list[Any]:
        read.extend(spans)
        return await fetch(pid, spans)

    monkeypatch.setattr(place, "fetch", seen)
    if not may_read:
        monkeypatch.setattr(place, "may_read", lambda pid: False)
    came = await back(
        MAKE, "final_answer((made, np.full(300_000, 3.5)))"
    )  # an answer that only the branch's stage holds
    frame, array = came["got"]
    wanted = pd.DataFrame(np.arange(600_000.0).reshape(-1, 3), columns=list("abc"))
    wanted["at"] = wanted.a.astype("M8[s]")
    pd.testing.assert_frame_equal(frame, wanted)
    assert frame is came["made"]
    assert (array == 3.5).all()
    array[0] = 1  # it can be written
    assert came["fortran"].flags.f_contiguous
    assert came["fortran"].tolist() == np.arange(200_000).reshape(2, -1).tolist()
    assert came["view"].tolist() == wanted.b[::2].tolist()
    assert came["text"] == [b"x" * 100_000, b"y" * 100_000]
    assert came["base"].tolist() == [-1.0 if at == 7 else at for at in range(100_000)]
    assert bool(read) is may_read


@pytest.mark.parametrize("if_lost", ["scratch", "fail"])
async def test_a_branch_that_ends_before_its_answer_is_read_is_lost(
    monkeypatch: pytest.MonkeyPatch, if_lost: str
) -> None:
    fetch = place.fetch

    async def too_late(pid: int, spans: Sequence[tuple[int, int]]) -> list[Any]:
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return await fetch(pid, spans)

    monkeypatch.setattr(place, "fetch", too_late)
    came = await back("final_answer(np.ones(300_000))", "final_answer('again')", if_lost=if_lost)
    if if_lost == "scratch":
        assert came["got"] == "again"
    else:
        assert "got" not in came
    told = [step.error.message for step in came["_run"].record.steps if step.error]
    assert any("it was killed by SIGKILL" in message for message in told), told


async def test_what_the_kernel_has_no_memory_for_is_told_to_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = place.fetch

    async def small(pid: int, spans: Sequence[tuple[int, int]]) -> list[Any]:
        return await fetch(pid, [(start, 1 << 60 if size > 1_000_000 else size) for start, size in spans])

    monkeypatch.setattr(place, "fetch", small)
    came = await back(
        "store = bytearray(100_000)\nfinal_answer(np.ones(300_000))",
        "store.extend(b'more')\nfinal_answer(np.ones(100_000))",
    )
    assert came["got"].size == 100_000
    assert len(came["store"]) == 100_004  # it was lent no more
    told = [step.error.message for step in came["_run"].record.steps if step.error]
    assert len(told) == 1
    assert "give final_answer less" in told[0]
