"""The page's comm against a real kernel: commands arrive and events leave while code keeps the main thread busy."""

from __future__ import annotations

import time

import pytest

from agentnb.record.document import MIME_TYPE
from agentnb.record.seal import seal
from tests.kernel.page import Page, start_run
from tests.kernel.work import pass_time, read_run, reply, team

BUSY = "print('begun')\nwhile True: pass"


@pytest.fixture(scope="module")
def subshell(agents_kernel):
    return agents_kernel.create_subshell()


def begin(kernel, *codes, subshell, options="", **settings):
    """Start a cell with a run and return it with a page that follows the run."""
    kernel.run(team("_team", *codes, **settings), check=True)
    cell, run_id = start_run(kernel, f"%%agents -t _team --new {options}\nDo it.", subshell)
    return cell, opened(kernel, run_id, subshell)


def after(kernel, *codes, subshell, options=""):
    """Run a cell to its end and return a page that opens the run then."""
    kernel.run(team("_team", *codes), check=True)
    kernel.run(f"%%agents -t _team --new {options}\nDo it.", check=True)
    return opened(kernel, kernel.eval("agents_run.id"), subshell)


def opened(kernel, run_id, subshell):
    page = Page.open(kernel, run_id, subshell=subshell)
    page.until(lambda: page.record, what="a snapshot")
    return page


def ended(page, status):
    page.until(lambda: page.status == status, what=f"the run to be {status}")
    assert page.gaps == 0
    assert [event.seq for event in page.events] == sorted({event.seq for event in page.events})


# --- stop -------------------------------------------------------------------------------------------------------------

STUCK = {
    "a loop": "while True: pass",
    "a loop that swallows everything": "count = 0\nwhile count < 2:\n"
    "    try:\n        while True: pass\n    except BaseException: count += 1",
    "sleep": "import time\ntime.sleep(60)",
    "a subprocess": "import subprocess\nsubprocess.run(['sleep', '60'])",
    "a lock": "import threading\nthreading.Event().wait(60)",
    "an await": "await asyncio.sleep(60)",
    "output without end": "while True: print('x')",
    "a specialist": "await slow('wait')",
}
SLOW = f"Agent('slow', 'waits', model=ScriptedModel(lambda messages: {reply('while True: pass')!r}))"


@pytest.mark.parametrize("what", STUCK)
def test_stop_ends_the_cell(agents_kernel, subshell, what):
    cell, page = begin(agents_kernel, f"print('begun')\n{STUCK[what]}", subshell=subshell, members=SLOW)
    page.until(lambda: "begun" in page.text, what="what busy code prints")
    pass_time(agents_kernel, 0.2)
    begun = time.monotonic()
    assert page.ask("stop")["ok"]
    result = agents_kernel.wait(cell, timeout=15)
    assert time.monotonic() - begun < 5
    ran = read_run(agents_kernel, result)
    assert (ran.status, ran.reason) == ("cancelled", "stopped by the person")
    ended(page, "cancelled")


def test_stop_ends_this_run_and_no_other(agents_kernel, subshell):
    agents_kernel.run(team("_other", "1", "2", latency=0.5), check=True)
    agents_kernel.run("%%agents -t _other --new --bg\nDo it.\n", check=True)
    agents_kernel.run("other = agents_run", check=True)
    cell, page = begin(agents_kernel, BUSY, subshell=subshell)
    page.until(lambda: "begun" in page.text)
    assert page.ask("stop")["ok"]
    agents_kernel.wait(cell, timeout=15)
    assert agents_kernel.eval("agents_run.status") == "cancelled"
    agents_kernel.until(lambda: agents_kernel.eval("other.status") != "running", what="the end of the other run")
    assert agents_kernel.eval("other.status") == "done"


def test_stop_of_another_run_leaves_busy_code_alone(agents_kernel, subshell):
    agents_kernel.run(team("_other", "1", latency=600), check=True)
    agents_kernel.run("%%agents -t _other --new --bg\nDo it.\n", check=True)
    other = opened(agents_kernel, agents_kernel.eval("agents_run.id"), subshell)
    code = "import time\nprint('begun')\nend = time.time() + 1\nwhile time.time() < end: pass\nwhole = 1"
    cell, page = begin(agents_kernel, code, subshell=subshell)
    page.until(lambda: "begun" in page.text)
    assert other.ask("stop")["ok"]
    assert read_run(agents_kernel, agents_kernel.wait(cell)).status == "done"
    ended(other, "cancelled")


def test_a_stopped_run_leaves_the_kernel_as_it_was(agents_kernel, subshell):
    handlers = "[__import__('signal').getsignal(n) for n in (2, 14, 23)]"
    before = agents_kernel.eval(f"str({handlers})")
    cell, page = begin(agents_kernel, BUSY, subshell=subshell)
    page.until(lambda: "begun" in page.text)
    page.ask("stop")
    agents_kernel.wait(cell)
    assert agents_kernel.eval(f"str({handlers})") == before
    assert agents_kernel.run("1 + 1").result["text/plain"] == "2"


# --- events -----------------------------------------------------------------------------------------------------------


def test_a_second_page_in_mid_run_gets_all_of_it(agents_kernel, subshell):
    codes = [f"for i in range(3000): print({n}, i)" for n in range(3)]
    cell, first = begin(agents_kernel, *codes, BUSY, subshell=subshell)
    first.until(lambda: "begun" in first.text)
    second = opened(agents_kernel, first.record.run_id, subshell)
    second.ask("stop")
    agents_kernel.wait(cell)
    for page in (first, second):
        ended(page, "cancelled")
    assert first.record == second.record
    assert second.messages[0]["kind"] == "snapshot"
    assert agents_kernel.eval("len(agents_run.steps)") == len(second.record.steps) == 4


def test_what_code_prints_from_threads_of_its_own_arrives_whole(agents_kernel, subshell):
    code = """
import time
from concurrent.futures import ThreadPoolExecutor
def work(n):
    for i in range(300):
        print(f"<{n}:{i}>")
        if i % 100 == 0: time.sleep(0.15)
with ThreadPoolExecutor(8) as pool: list(pool.map(work, range(8)))
"""
    cell, page = begin(agents_kernel, code, subshell=subshell)
    agents_kernel.wait(cell)
    ended(page, "done")
    assert all(f"<{n}:{i}>" in page.text for n in range(8) for i in range(300))
    assert agents_kernel.eval("''.join(o['text'] for o in agents_run.steps[0].outputs)") == page.text


def test_a_run_that_no_one_knows_is_gone(agents_kernel, subshell):
    page = Page.open(agents_kernel, "nobody", subshell=subshell)
    page.until(lambda: page.comm.closed)
    assert [message["kind"] for message in page.messages] == ["gone"]


def test_the_list_of_runs_follows_them(agents_kernel, subshell):
    comm = agents_kernel.comm("agentnb.run", subshell=subshell)
    cell, page = begin(agents_kernel, BUSY, subshell=subshell)
    page.until(lambda: "begun" in page.text)
    page.ask("stop")
    agents_kernel.wait(cell)

    def newest():
        entries = [run for message in comm.received for run in message["runs"] if run["run_id"] == page.record.run_id]
        return entries[-1] if entries else {}

    agents_kernel.until(lambda: newest().get("status") == "cancelled", what="the list to tell of the end")
    assert newest()["task"] == "Do it."
    assert newest()["tokens"] == page.record.usage.tokens
    comm.close()


def test_figures_are_not_closed_by_messages_of_the_page(agents_kernel, subshell):
    draw = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nprint('begun')\n"
    code = f"{draw}import time\ntime.sleep(1)\nax.plot([1, 2])\nlen(plt.get_fignums())"
    cell, page = begin(agents_kernel, code, subshell=subshell)
    page.until(lambda: "begun" in page.text)
    for _ in range(3):
        page.ask("resync")
    ran = read_run(agents_kernel, agents_kernel.wait(cell))
    assert any("image/png" in output.get("data", {}) for output in ran.first.outputs)
    assert ran.first.outputs[1]["data"]["text/plain"] == "1"


# --- commands ---------------------------------------------------------------------------------------------------------


def test_pause_say_hire_change_dismiss_and_resume(agents_kernel, subshell):
    cell, page = begin(agents_kernel, "1", "2", latency=0.3, subshell=subshell)
    assert page.ask("pause")["ok"]
    page.until(lambda: page.status == "paused")
    assert page.ask("say", text="mind the gap", to="")["ok"]
    assert page.ask("hire", agent="nina", role="checks numbers", settings={"max_steps": 3})["ok"]
    assert page.ask("change", agent="nina", settings={"role": "checks all"})["ok"]
    assert page.ask("hire", agent="olaf", role="waits")["ok"]
    assert page.ask("dismiss", agent="olaf")["ok"]
    assert page.ask("resume")["ok"]
    agents_kernel.wait(cell)
    ended(page, "done")
    nina = next(member for member in page.record.roster if member.name == "nina")
    assert nina.role == "checks all"
    told = agents_kernel.eval("str(_team.model.calls[-1])")
    assert "mind the gap" in told
    assert "nina" in told
    assert agents_kernel.eval("[(m.name, m.max_steps) for m in _team]") == [("nina", 3)]


REFUSED = [
    ("say", {"text": "hi", "to": "nobody"}, "there is no agent 'nobody'"),
    ("dismiss", {"agent": "nobody"}, "there is no agent 'nobody'"),
    ("hire", {"agent": "not a name", "role": ""}, "not a name"),
    ("hire", {"agent": "ann", "settings": {"tools": ["no_such_tool"]}}, "there is no tool 'no_such_tool'"),
    ("hire", {"agent": "ann", "settings": {"max_steps": "many"}}, "reload the page"),
    ("change", {"agent": "nobody", "settings": {"colour": "red"}}, "reload the page"),
    ("cells", {"step": "no such"}, "no such step"),
    ("fly", {}, "reload the page"),
    ("say", {}, "reload the page"),
]


def test_what_cannot_be_done_is_answered_with_a_sentence(agents_kernel, subshell):
    cell, page = begin(agents_kernel, "x = 1", "await asyncio.sleep(600)", subshell=subshell)
    page.until(lambda: len(page.record.steps) == 2)
    for name, arguments, says in REFUSED:
        answer = page.ask(name, **arguments)
        assert (answer["ok"], says in answer["text"]) == (False, True), answer
    page.ask("stop")
    agents_kernel.wait(cell)


def test_cells_and_replay(agents_kernel, subshell):
    page = after(agents_kernel, "made = 20 + 3", subshell=subshell, options="-o answer")
    one = page.ask("cells", step=page.record.steps[0].id)["data"]
    assert [(cell["cell_type"], cell["source"]) for cell in one] == [("markdown", "Next."), ("code", "made = 20 + 3")]
    whole = page.ask("cells")["data"]
    assert "made = 20 + 3" in [cell["source"] for cell in whole]
    agents_kernel.run("del made, answer", check=True)
    assert page.ask("replay")["data"] == "%%agents --replay -o answer\nDo it."
    agents_kernel.run(page.ask("replay")["data"], check=True)
    assert agents_kernel.eval("(made, answer)") == (23, "done")


def test_the_last_bundle_is_there_for_a_page_that_missed_it(agents_kernel, subshell):
    page = after(agents_kernel, "made = 20 + 3", subshell=subshell)
    answer = page.ask("bundle")["data"]
    data, metadata = answer["data"], answer["metadata"]
    assert data[MIME_TYPE]["status"] == "done"
    assert metadata[MIME_TYPE]["seal"] == seal(data[MIME_TYPE])
    assert "as of" not in data["text/html"]
    assert "made" in data["text/html"]


def test_an_ended_run_takes_no_more_orders(agents_kernel, subshell):
    page = after(agents_kernel, "1", subshell=subshell)
    assert page.status == "done"
    for name in ("stop", "pause", "say"):
        answer = page.ask(name, text="more")
        assert not answer["ok"]
        assert "the run has ended (done)" in answer["text"]
