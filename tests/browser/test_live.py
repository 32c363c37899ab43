"""Runs that go on: drawn as they go, stopped while the kernel is busy, seen through two views."""

import pytest

from tests.browser.driver import outputs_of, records_of
from tests.browser.work import LOAD, agents, busy_run, go_on, start, team

WIDGET = "application/vnd.jupyter.widget-view+json"


def test_a_reply_is_seen_while_it_streams(open_notebook):
    first, rest = "I look at the numbers first. " * 3, "\n<code>\nfinal_answer(42)\n</code>"
    notebook = open_notebook(LOAD, f"desk = Team(model=HeldModel({first!r}, {rest!r}))", agents())
    start(notebook)
    view = notebook.wait_for_state("running")
    view.get_by_text("I look at the numbers first.").first.wait_for()
    assert view.get_by_text("final_answer").count() == 0
    go_on(notebook, "held")
    notebook.wait_for_state("done").get_by_text("42", exact=True).first.wait_for()


def test_what_busy_code_prints_is_seen_and_the_end_is_in_the_file(open_notebook):
    notebook = busy_run(open_notebook)
    go_on(notebook)
    notebook.wait_for_cell()
    notebook.wait_for_state("done").get_by_text("the end").first.wait_for()
    (output,) = [output for output in outputs_of(notebook.save()) if "data" in output and "text/html" in output["data"]]
    (record,) = records_of([output])
    assert (record["status"], WIDGET in output["data"]) == ("done", False)
    assert str(record["seq"]) == notebook.value("agents_run.record.seq")


def saved_again(notebook):
    """Press Ctrl+S again, which Jupyter passes over while the save before is not quite over."""
    notebook.page.keyboard.press("Control+s")
    notebook.page.wait_for_timeout(200)
    return notebook.evaluate("window.savings.filter(state => state === 'completed').length > 1")


def test_keys_that_the_view_does_not_use_are_jupyters(open_notebook):
    notebook = busy_run(open_notebook)
    notebook.page.get_by_label("What to say").focus()
    notebook.evaluate("void panel.context.saveState.connect((_, state) => (window.savings ??= []).push(state))")
    notebook.page.keyboard.type("dd")
    notebook.page.keyboard.press("Shift+Enter")
    notebook.page.keyboard.press("Control+s")
    notebook.page.wait_for_function("() => window.savings?.includes('completed')")
    notebook.run_view().locator("[role=treeitem]").first.focus()
    notebook.page.keyboard.press("ArrowDown")
    assert any(saved_again(notebook) for _ in range(100))
    assert notebook.evaluate("panel.content.widgets.length") == 3
    assert notebook.evaluate("panel.content.activeCellIndex") == 2
    go_on(notebook)
    notebook.wait_for_cell()


@pytest.mark.parametrize("app", ["lab"])
def test_the_view_asks_alone_and_sets_the_formulas_of_the_answer(open_notebook):
    answer = "from IPython.display import Markdown\nfinal_answer(Markdown('So $x^2$ it is'))"
    notebook = open_notebook(LOAD, team(answer), agents(options="--approve ask"))
    start(notebook)
    view = notebook.wait_for_state("running")
    view.get_by_role("button", name="Allow once").click()
    notebook.wait_for_cell()
    notebook.wait_for_state("done").locator(".agentnb-result mjx-container").wait_for()
    assert notebook.page.locator(".jp-Stdin").count() == 0
    assert notebook.value("6 * 7") == "42"


def test_stop_is_heard_while_the_kernel_is_busy(open_notebook):
    notebook = open_notebook(LOAD, team("print('started')\nwhile True: pass"), agents())
    start(notebook)
    view = notebook.wait_for_state("running")
    view.get_by_text("started", exact=True).wait_for()
    view.get_by_role("button", name="Stop").click()
    notebook.wait_for_cell()
    notebook.wait_for_state("cancelled")
    assert notebook.value("6 * 7") == "42"


@pytest.mark.parametrize("app", ["lab"])
def test_fault_15_code_that_keeps_the_interpreters_lock_is_told_by_the_page(open_notebook):
    notebook = busy_run(open_notebook, "open('stuck', 'w').close()\nsum(range(10**11))")
    view = notebook.run_view()
    stop = view.get_by_role("button", name="Stop")
    stop.wait_for()
    go_on(notebook)
    notebook.until((notebook.server.root / "stuck").exists)
    stop.click()
    view.get_by_text("Restart needed").wait_for()


def test_fault_57_two_views_of_a_run_agree(open_notebook):
    notebook = busy_run(open_notebook)
    other = open_notebook(like=notebook, kernel=False)
    other.wait_for_state("running").get_by_text("started", exact=True).wait_for()
    other.run_view().get_by_role("button", name="Stop").click()
    for each in (notebook, other):
        each.wait_for_state("cancelled")
    seq = notebook.run_view().get_attribute("data-seq")
    other.page.wait_for_selector(f".agentnb-run[data-seq='{seq}']")


@pytest.mark.parametrize("app", ["lab"])
def test_an_output_in_a_view_of_its_own_is_live_too(open_notebook):
    notebook = busy_run(open_notebook)
    notebook.execute("notebook:create-output-view")
    notebook.run_view(1).get_by_role("button", name="Stop").click()
    notebook.wait_for_state("cancelled", index=1)


def test_fault_56_a_kernel_that_is_restarted_leaves_a_crashed_run(open_notebook):
    notebook = busy_run(open_notebook)
    notebook.restart_kernel()
    view = notebook.wait_for_state("crashed")
    assert view.get_by_role("button", name="Stop").count() == 0
    assert view.get_by_role("button", name="Pause").count() == 0
    assert view.locator(".agentnb-is-running, [data-status=running]").count() == 0


def test_a_kernel_without_subshells_is_followed_and_stopped_by_an_interrupt(open_notebook, jupyter, ipykernel6_python):
    jupyter.add_kernel("ipykernel6", ipykernel6_python)
    notebook = busy_run(open_notebook, spec="ipykernel6")
    assert not notebook.evaluate("panel.sessionContext.session.kernel.supportsSubshells")
    notebook.run_view().get_by_role("button", name="Stop").click()
    notebook.wait_for_cell()
    notebook.wait_for_state("cancelled")
    assert notebook.value("6 * 7") == "42"
