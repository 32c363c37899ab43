"""Approvals in a real kernel: at the prompt of the cell, from another cell, by a view; never by nobody."""

from agentnb.run.approvals.prompting import PAGE_COMES
from tests.kernel.page import Page, start_run
from tests.kernel.test_background import ended
from tests.kernel.work import pass_time, read_run, reply, team

ASK = "--approve ask --new"
SOMEBODY = [""]  # the cell may ask for input, which is what makes a kernel attended


def begin(kernel, *codes, name="_asked", options="", stdin=(), foreground=False, members=""):
    kernel.run(team(name, *codes, members=members, latency=0), check=True)
    cell = kernel.send(f"%%agents -t {name} {ASK} {options} {'' if foreground else '--bg'}\nDo it.", stdin=stdin)
    return kernel.wait(cell)


def waits(kernel, run="agents_run"):
    kernel.until(lambda: kernel.eval(f"[r.id for r in {run}.requests]"), what="a request")
    return kernel.eval(f"[(r.id, r.kind, r.code) for r in {run}.requests]")


def test_the_prompt_of_a_foreground_cell(agents_kernel):
    cell = begin(agents_kernel, "a = 1", "b = 2", stdin=["y", "n not b"], foreground=True)
    assert cell.status == "ok", cell.text
    assert cell.prompts[0].startswith("coordinator wants to run this for: Do it.\n    a = 1\ntouches: a\nallow it?")
    assert agents_kernel.eval("(a, 'b' in globals())") == (1, False)
    assert agents_kernel.eval("[(r.status, r.answer) for r in agents_run.record.requests]") == [
        ("allowed", ""),
        ("denied", "not b"),
    ]


def test_a_page_that_comes_a_little_later_asks_instead_of_the_prompt(agents_kernel):
    subshell = agents_kernel.create_subshell()
    agents_kernel.run(team("_asked", "a = 7"), check=True)
    cell, run_id = start_run(agents_kernel, f"%%agents -t _asked {ASK}\nDo it.", subshell)
    page = Page.open(agents_kernel, run_id, subshell=subshell)
    page.until(lambda: page.record and page.record.requests, what="a request")
    pass_time(agents_kernel, PAGE_COMES)
    assert page.ask("answer", request="r1", status="allowed")["ok"]
    agents_kernel.wait(cell)
    assert (cell.prompts, agents_kernel.eval("a")) == ([], 7)


def test_an_edit_at_the_prompt(agents_kernel):
    begin(agents_kernel, "c = 1", stdin=["e", "c = 5", ".", "y"], foreground=True)
    assert agents_kernel.eval("c") == 5


def test_nobody_is_there(agents_kernel):
    cell = begin(agents_kernel, "gone = 1", foreground=True)
    assert agents_kernel.eval("'gone' in globals()") is False
    assert read_run(agents_kernel, cell).steps[0].notes == ["not allowed: nobody answered"]


def test_another_cell_allows_a_background_run_while_the_kernel_is_free(agents_kernel):
    begin(agents_kernel, "d = 1", "e = 2", "f = 3", stdin=SOMEBODY)
    assert waits(agents_kernel) == [("r1", "action", "d = 1")]
    assert agents_kernel.run("'free'", timeout=5).result["text/plain"] == "'free'"
    shown = agents_kernel.run("%agents", check=True).text
    assert "r1 waits: coordinator wants to run this for: Do it." in shown
    assert "%agents approve r1 | deny r1" in shown
    agents_kernel.run("%agents approve", check=True)
    agents_kernel.until(lambda: agents_kernel.eval("[r.id for r in agents_run.requests]") == ["r2"])
    agents_kernel.run("%agents deny r2 leave e alone", check=True)
    agents_kernel.until(lambda: agents_kernel.eval("[r.id for r in agents_run.requests]") == ["r3"])
    agents_kernel.run("%agents approve --all", check=True)
    assert ended(agents_kernel) == "done"
    assert agents_kernel.eval("(d, 'e' in globals(), f)") == (1, False, 3)
    assert "leave e alone" in agents_kernel.eval("str(_asked.model.calls[-2])")


def test_the_like_is_allowed_from_another_cell(agents_kernel):
    begin(agents_kernel, "g = 1", "h = 2", stdin=SOMEBODY)
    waits(agents_kernel)
    agents_kernel.run("%agents approve --run", check=True)
    assert ended(agents_kernel) == "done"
    assert agents_kernel.eval("(g, h, len(agents_run.record.requests))") == (1, 2, 1)


def test_two_that_wait_are_named_and_a_slip_says_so(agents_kernel):
    both = "i, j = await asyncio.gather(one('x'), two('y'))"
    member = "Agent({name!r}, 'works', approve='ask', model=ScriptedModel([{reply!r}]))"
    members = ", ".join(member.format(name=name, reply=reply("k = 1\nfinal_answer(k)")) for name in ("one", "two"))
    agents_kernel.run(team("_two", both, members=members, latency=0), check=True)
    agents_kernel.wait(agents_kernel.send("%%agents -t _two --new --bg\nDo it.", stdin=SOMEBODY))
    agents_kernel.until(lambda: len(agents_kernel.eval("[r.id for r in agents_run.requests]")) == 2)
    said = agents_kernel.run("%agents approve")
    assert "2 requests wait: r1, r2; name one of them" in said.error.message
    assert "there is no request 'r7'; waiting: r1, r2" in agents_kernel.run("%agents approve r7").error.message
    agents_kernel.run("%agents approve r2\n%agents approve r1", check=True)
    assert ended(agents_kernel) == "done"
    assert agents_kernel.eval("(i, j)") == (1, 1)


def test_stop_and_pause_while_it_waits(agents_kernel):
    begin(agents_kernel, "l = 1", stdin=SOMEBODY)
    waits(agents_kernel)
    agents_kernel.run("%agents pause\n%agents approve", check=True)
    pass_time(agents_kernel, 0.3)
    assert agents_kernel.eval("(agents_run.status, 'l' in globals())") == ("paused", False)
    agents_kernel.run("%agents resume", check=True)
    assert ended(agents_kernel) == "done"
    begin(agents_kernel, "m = 1", stdin=SOMEBODY)
    waits(agents_kernel)
    agents_kernel.interrupt()
    assert ended(agents_kernel, timeout=5) == "cancelled"
    assert agents_kernel.eval("agents_run.record.requests[0].status") == "withdrawn"


def test_a_view_answers_where_the_cell_has_no_prompt(agents_kernel):
    agents_kernel.run(team("_asked", "n = 1", latency=0), check=True)
    agents_kernel.run("run = _asked.start('Do it.', approve='ask', fresh=True)\nleave = run.attend()", check=True)
    assert waits(agents_kernel, "run") == [("r1", "action", "n = 1")]
    agents_kernel.run("run.answer('r1', 'allowed', code='n = 7')", check=True)
    assert ended(agents_kernel, "run") == "done"
    assert agents_kernel.eval("n") == 7


def test_a_page_answers_from_its_comm_and_the_second_one_comes_too_late(agents_kernel):
    agents_kernel.run(team("_asked", "p = 1", latency=0.5), check=True)
    agents_kernel.run("paged = _asked.start('Do it.', approve='ask', fresh=True)", check=True)
    run_id = agents_kernel.eval("paged.id")
    one, two = Page.open(agents_kernel, run_id), Page.open(agents_kernel, run_id)
    one.until(lambda: one.record and [r.status for r in one.record.requests] == ["open"], what="the request")
    assert one.ask("answer", request="r1", status="allowed", code="p = 9")["ok"]
    late = two.ask("answer", request="r1", status="denied")
    assert (late["ok"], "r1 is allowed already" in late["text"]) == (False, True)
    one.until(lambda: one.status == "done", what="the end")
    assert agents_kernel.eval("p") == 9
    assert [(r.status, r.edited, r.by) for r in one.record.requests] == [("allowed", True, "user")]


def test_a_page_that_is_closed_attends_no_more(agents_kernel):
    agents_kernel.run(team("_asked", "q = 1", latency=0.8), check=True)
    agents_kernel.run("paged = _asked.start('Do it.', approve='ask', fresh=True)", check=True)
    page = Page.open(agents_kernel, agents_kernel.eval("paged.id"))
    page.until(lambda: page.record is not None, what="a snapshot")
    page.comm.close()
    assert ended(agents_kernel, "paged") == "done"
    assert agents_kernel.eval("([r.status for r in paged.record.requests], 'q' in globals())") == (["expired"], False)


def test_a_run_begun_in_python_is_steered_by_the_magic(agents_kernel):
    agents_kernel.run(team("_mine", "1", "2", latency=20), check=True)
    agents_kernel.run("mine = _mine.start('Do it.', fresh=True, budget='50k')", check=True)
    assert "50,000 tokens" in agents_kernel.run("%agents budget", check=True).text
    agents_kernel.run("%agents budget 20 steps, 1m", check=True)
    assert agents_kernel.eval("(mine.record.limits.steps, mine.record.limits.tokens)") == (20, None)
    agents_kernel.run("%agents say hello\n%agents stop", check=True)
    assert ended(agents_kernel, "mine") == "cancelled"


def test_ask_user_is_answered_by_say_from_another_cell(agents_kernel):
    agents_kernel.run(team("_curious", "o = await ask_user('which?')", latency=0), check=True)
    agents_kernel.wait(agents_kernel.send("%%agents -t _curious --new --bg\nDo it.", stdin=SOMEBODY))
    waits(agents_kernel)
    agents_kernel.run("%agents say the left one", check=True)
    assert ended(agents_kernel) == "done"
    assert agents_kernel.eval("(o, agents_run.record.requests[0].status)") == ("the left one", "answered")


def test_ipykernel_6_asks_at_its_prompt_too(ipykernel6_python, tmp_path):
    from tests.kernel.driver import Kernel
    from tests.kernel.work import LOAD

    with Kernel(ipykernel6_python, cwd=tmp_path) as kernel:
        kernel.run(LOAD, check=True)
        begin(kernel, "p = 1", stdin=["y"], foreground=True)
        assert kernel.eval("p") == 1
