"""Row 55 of the faults: the connection breaks, or the person goes away while something waits."""

from tests.browser.work import LOAD, agents, busy_run, go_on, start, team

CUT = "(panel.sessionContext.session.kernel._ws.close(), true)"


def test_fault_55_a_run_that_ended_while_the_connection_was_down_is_seen_to_have_ended(open_notebook):
    notebook = busy_run(open_notebook)
    notebook.evaluate(CUT)
    go_on(notebook)
    notebook.wait_for_state("done").get_by_text("the end").first.wait_for()


def test_fault_55_an_approval_counts_as_denied_where_the_tab_was_closed(open_notebook, jupyter):
    settings = jupyter.root / "agentnb.toml"
    settings.write_text("approve_timeout = 3\n")
    try:
        notebook = open_notebook(
            LOAD, team("made = 1", "final_answer('made' in globals())"), agents(options="--bg --approve ask -o answer")
        )
        start(notebook)
        notebook.run_view().get_by_role("button", name="Allow once").first.wait_for()
        notebook.close()
        again = open_notebook(like=notebook)
        again.until(lambda: again.value("agents_run.status") not in ("'running'", "'paused'"))
        assert again.value("[request.status for request in agents_run.record.requests][0]") == "'expired'"
        assert again.value("'made' in globals()") == "False"
    finally:
        settings.unlink()
