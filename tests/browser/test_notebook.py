"""What a run's view does to the notebook around it, the panel of runs, and the commands."""

from tests.browser.work import LOAD, agents, busy_run, go_on, start, team


def finished(open_notebook):
    notebook = open_notebook(LOAD, team("x = [3, 1, 2]\nsorted(x)", "final_answer('the end')"), agents())
    start(notebook)
    notebook.wait_for_cell()
    notebook.wait_for_state("done")
    return notebook


def test_a_run_is_put_into_the_notebook_as_cells(open_notebook):
    notebook = finished(open_notebook)
    view = notebook.run_view()
    view.get_by_role("button", name="More").click()
    view.get_by_role("button", name="Insert as cells").click()
    notebook.until(lambda: notebook.evaluate("panel.content.widgets.length") > 4)
    sources = notebook.sources()
    assert sources[2].startswith("%%agents")
    assert any("sorted(x)" in source for source in sources[3:])
    assert notebook.evaluate("panel.content.widgets.slice(3).every(c => !c.model.executionCount)"), "nothing is run"


def test_the_record_can_be_looked_at(open_notebook, app):
    notebook = finished(open_notebook)
    notebook.run_view().get_by_role("button", name="More").click()
    button = notebook.run_view().get_by_role("button", name="Open record")
    if app == "lab":
        button.click()
        notebook.page.get_by_text("run_id", exact=True).wait_for()
    else:
        with notebook.page.expect_download() as download:
            button.click()
        assert '"run_id"' in download.value.path().read_text()


def test_the_panel_lists_the_kernels_runs_and_goes_to_them(open_notebook):
    notebook = busy_run(open_notebook)
    notebook.execute("agentnb:show-runs")
    entry = notebook.page.locator("#agentnb-runs li button")
    entry.filter(has_text="Sort the numbers.").filter(has_text="running").wait_for()
    notebook.evaluate("(panel.content.activeCellIndex = 0)")
    entry.click()
    notebook.until(lambda: notebook.evaluate("panel.content.activeCellIndex") == 2)
    go_on(notebook)
    entry.filter(has_text="done").wait_for()


def test_the_newest_run_is_stopped_by_a_command(open_notebook):
    notebook = busy_run(open_notebook)
    notebook.execute("agentnb:stop-run")
    notebook.wait_for_cell()
    notebook.wait_for_state("cancelled")
