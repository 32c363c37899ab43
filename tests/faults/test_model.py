"""Rows 1 to 12: the model's endpoint misbehaves, and a team in a real kernel asks it."""

from __future__ import annotations

import re
import socket

import pytest

from tests.faults.harness import CANARY, ask, ended, put_to_work, says, team_on
from tests.kernel.work import pass_time, read_run
from tests.support.endpoint import fails, stalls, streams

ANSWER = says("final_answer(42)")


def test_fault_01_429_with_retry_after(asking_kernel):
    ran, requests = ask(asking_kernel, fails(429, retry_after="1"), ANSWER)
    ended(ran, "done")
    assert len(requests) == 2
    assert any("429" in note and "try 2 in 1.0 s" in note for note in ran.first.notes)


def test_fault_02_429_for_ever(asking_kernel):
    ran, requests = ask(asking_kernel, fails(429))
    ended(ran, "failed")
    assert "is asked too often (HTTP 429)" in ran.reason
    assert len(requests) >= 2


def test_fault_02_a_wait_beyond_the_cap(asking_kernel):
    ran, requests = ask(asking_kernel, fails(429, retry_after="600"))
    ended(ran, "failed")
    assert len(requests) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_fault_03_one_server_error(asking_kernel, status):
    ran, requests = ask(asking_kernel, fails(status), ANSWER)
    ended(ran, "done")
    assert len(requests) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_fault_04_a_refused_key(asking_kernel, status):
    ran, requests = ask(asking_kernel, fails(status, f"Incorrect API key provided: {CANARY}"))
    ended(ran, "failed")
    assert len(requests) == 1
    assert "AGENTNB_API_KEY" in ran.reason
    assert CANARY not in ran.reason + ran.cell.text


def test_fault_05_no_such_model(asking_kernel):
    ran, requests = ask(asking_kernel, fails(404, "The model does not exist"))
    ended(ran, "failed")
    assert len(requests) == 1
    assert "openai-compatible knows no model 'm'" in ran.reason


def test_fault_06_connection_refused(asking_kernel):
    with socket.socket() as sock:  # bound and not listening
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/v1"
        asking_kernel.run(f"_team = Team([], model='openai-compatible/m', api_base={url!r})", check=True)
        ran = ended(put_to_work(asking_kernel), "failed")
    assert "tried 3 times" in ran.reason


def test_fault_06_no_such_host(asking_kernel):
    asking_kernel.run("_team = Team([], model='openai-compatible/m', api_base='http://no-such.invalid/v1')", check=True)
    ran = ended(put_to_work(asking_kernel), "failed")
    assert "cannot be reached" in ran.reason


def test_fault_07_never_a_reply(asking_kernel):
    ran, _ = ask(asking_kernel, stalls)
    ended(ran, "failed")
    assert re.search("said nothing for 1 s|did not answer in time", ran.reason)  # our clock, or the client's


def test_fault_07_stop_while_nothing_comes(asking_kernel):
    with team_on(asking_kernel, stalls) as server:
        cell = asking_kernel.send("%%agents -t _team --new\nDo it.")
        asking_kernel.until(lambda: server.requests, what="the request")
        pass_time(asking_kernel, 0.2)
        asking_kernel.interrupt()
        ended(read_run(asking_kernel, asking_kernel.wait(cell, timeout=2)), "cancelled")


def test_fault_08_a_stream_cut_within_code(asking_kernel):
    asking_kernel.run("ran = []", check=True)
    cut = streams("Next.\n<code>\nran.append(1)\n", "final_answer(len(ran))\n</code>", cut_after=1)
    ran, requests = ask(asking_kernel, cut, says("ran.append(2)\nfinal_answer(ran)"))
    ended(ran, "done")
    assert len(requests) == 2
    assert len(ran.steps) == 1
    assert asking_kernel.eval("ran") == [2]


def test_fault_09_a_reply_at_the_length_limit(asking_kernel):
    asking_kernel.run("ran = []", check=True)
    ran, requests = ask(asking_kernel, says("ran.append(1)", finish="length"), ANSWER)
    ended(ran, "done")
    assert ran.first.status == "rejected"
    assert any("cut off" in note for note in ran.first.notes)
    assert "cut off" in str(requests[1]["messages"][-1])
    assert asking_kernel.eval("ran") == []


@pytest.mark.parametrize("said", ["", "I think that the answer is 42."], ids=["empty", "prose"])
def test_fault_10_no_code_in_any_reply(asking_kernel, said):
    ran, requests = ask(asking_kernel, streams(said))
    ended(ran, "limit")
    assert len(requests) == 4
    assert asking_kernel.eval("agents_run.result") is None


CALLS = {
    "agent": ("await nobody('work')", "NameError: name "),
    "syntax": ("fetch(rows=)", "invalid syntax"),
    "type": ("fetch('ten')", "fetch(rows: int)"),
    "argument": ("fetch(rows=1, cols=2)", "fetch(rows: int)"),
    "json": ('{"name": "fetch", "arguments": {"rows": 1}', "incomplete input"),
}


@pytest.mark.parametrize("what", CALLS)
def test_fault_11_calls_that_do_not_fit(asking_kernel, what):
    code, told = CALLS[what]
    with team_on(asking_kernel, says(code), ANSWER) as server:
        asking_kernel.run(
            "def _load(rows: int):\n    return rows\n"
            "from agentnb import tool\n"
            "_tools = [tool(_load, name='fetch')]\n"
            "_team = Team([], tools=_tools, model='openai-compatible/m', api_base=_team._api_base)",
            check=True,
        )
        ran = ended(put_to_work(asking_kernel), "done")
    assert told in ran.first.failure
    assert told in str(server.requests[1]["messages"][-1]["content"])


def test_fault_11_is_bounded(asking_kernel):
    answers = [says(f"nobody_{number}()") for number in range(20)]
    ran, requests = ask(asking_kernel, *answers)
    ended(ran, "limit")
    assert len(requests) == 8


def test_fault_12_an_overflow_that_speaks_of_429(asking_kernel):
    overflow = fails(429, "Error 429: maximum context length is 8192 tokens")
    ran, requests = ask(asking_kernel, says("'x' * 3000"), says("'y' * 3000"), overflow, ANSWER)
    ended(ran, "done")
    assert len(requests) == 4
    assert len(str(requests[3])) < len(str(requests[2])) - 3000
    ran, requests = ask(asking_kernel, overflow)
    ended(ran, "failed")
    assert len(requests) == 1
