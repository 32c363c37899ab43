"""What is left of a run: after a reload, in a notebook that is opened again, with or without a kernel."""

import nbformat
import pytest

from agentnb.record.document import MIME_TYPE
from agentnb.record.seal import seal
from tests.browser.driver import outputs_of, records_of
from tests.browser.work import LOAD, agents, busy_run, go_on, start, team

NO_KERNEL = "**/api/sessions*"
SUBSHELLS = "JSON.parse(localStorage['agentnb:']).map(([kernel, subshell]) => subshell)"


def test_fault_54_a_reload_brings_the_live_run_back(open_notebook):
    notebook = busy_run(open_notebook)
    subshells = notebook.page.evaluate(SUBSHELLS)
    notebook.open(kernel=False)
    view = notebook.wait_for_state("running")
    view.get_by_text("started", exact=True).wait_for()
    view.get_by_role("button", name="Stop").wait_for()
    assert notebook.page.evaluate(SUBSHELLS) == subshells, "a reload leaves a subshell behind in the kernel"
    go_on(notebook)
    notebook.wait_for_state("done").get_by_text("the end").first.wait_for()
    notebook.until(lambda: [record["status"] for record in notebook.records()] == ["done"])
    (record,) = records_of(outputs_of(notebook.save()))
    assert record["status"] == "done"
    (output,) = [output for output in outputs_of(notebook.saved()) if "text/html" in output.get("data", {})]
    assert seal(record) == output["metadata"][MIME_TYPE]["seal"]
    assert "the end" in output["data"]["text/html"]
    assert "the end" in output["data"]["text/plain"]


@pytest.mark.parametrize("app", ["lab"])
def test_pages_share_a_subshell_and_leave_no_other_behind(open_notebook):
    notebook = busy_run(open_notebook)
    before = notebook.page.evaluate(SUBSHELLS)
    other = open_notebook(like=notebook, kernel=False)
    other.wait_for_state("running").get_by_role("button", name="Stop").wait_for()
    other.close()
    go_on(notebook)
    notebook.wait_for_cell()
    assert notebook.page.evaluate(SUBSHELLS) == before
    assert before[0] in notebook.value("get_ipython().kernel.shell_channel_thread.manager.list_subshell()")


@pytest.mark.parametrize("app", ["lab"])
def test_fault_45_a_record_that_was_edited_says_so(open_notebook):
    notebook = open_notebook(LOAD, team("final_answer('the end')"), agents())
    start(notebook)
    notebook.wait_for_cell()
    saved = notebook.save()
    told = "Edited since the run"
    assert notebook.run_view().get_by_text(told).count() == 0
    (output,) = [output for output in outputs_of(saved) if MIME_TYPE in output.get("data", {})]
    output["data"][MIME_TYPE]["result"] = {"text/plain": "another end"}
    notebook.close()
    nbformat.write(saved, notebook.file)
    again = open_notebook(like=notebook, kernel=False)
    again.wait_for_state("done").get_by_text(told).wait_for()


def test_stop_is_heard_after_a_reload(open_notebook):
    notebook = busy_run(open_notebook)
    notebook.open(kernel=False)
    notebook.wait_for_state("running").get_by_role("button", name="Stop").click()
    notebook.wait_for_state("cancelled")
    assert notebook.value("6 * 7") == "42"


@pytest.mark.parametrize("how", ["as it was", "not trusted and without a kernel"])
def test_a_closed_notebook_shows_the_whole_run_again(open_notebook, how):
    notebook = open_notebook(LOAD, team("x = [3, 1, 2]\nsorted(x)", "final_answer('the end')"), agents())
    start(notebook)
    notebook.wait_for_cell()
    seq = notebook.wait_for_state("done").get_attribute("data-seq")
    saved = notebook.save()
    notebook.close()
    notebook.server.end_kernels()
    bare = how != "as it was"
    if bare:
        saved.cells[0].source += "\n# changed by another program"
        nbformat.write(saved, notebook.file)
    again = open_notebook(like=notebook, kernel=False, refuse=NO_KERNEL if bare else None)
    view = again.wait_for_state("done")
    assert view.get_attribute("data-seq") == seq
    view.get_by_text("the end").first.wait_for()
    assert view.get_by_text("[1, 2, 3]").count() + view.locator("[role=treeitem]").count() > 0
    assert view.get_by_role("button", name="Stop").count() == 0


def test_a_run_that_no_kernel_holds_looks_crashed(open_notebook):
    notebook = busy_run(open_notebook)
    notebook.until(lambda: "'started" in str(notebook.records()))
    notebook.save()
    notebook.close()
    notebook.server.end_kernels()
    again = open_notebook(like=notebook)
    view = again.wait_for_state("crashed")
    assert view.get_by_role("button", name="Stop").count() == 0
    assert "'started" in str(again.records())
    assert not again.evaluate("panel.context.model.dirty"), "looking at a notebook must not change it"
