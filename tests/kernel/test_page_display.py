"""What a run leaves in its cell's output: the record so far while it goes on, and the widget where there can be one."""

from __future__ import annotations

import pytest

from agentnb.record.document import MIME_TYPE, RunRecord
from agentnb.record.read import read_record
from tests.kernel.driver import Kernel
from tests.kernel.page import Page
from tests.kernel.work import LOAD, pass_time, team

VIEW_TYPE = "application/vnd.jupyter.widget-view+json"
BUSY = "print('begun')\nwhile True: pass"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A kernel that finds a widget's front end, whether the page was built or not."""
    with Kernel(cwd=tmp_path_factory.mktemp("built")) as kernel:
        kernel.path = tmp_path_factory.mktemp("static")
        for name in ("widget.js", "widget.css"):
            kernel.path.joinpath(name).write_text("export default {}" if name.endswith("js") else "")
        kernel.run(f"{LOAD}\nimport agentnb.page.view, pathlib", check=True)
        kernel.run(f"agentnb.page.view.STATIC = pathlib.Path({str(kernel.path)!r})", check=True)
        yield kernel


class WidgetPage(Page):
    """A page that shows the widget: the protocol travels in custom messages."""

    def __init__(self, kernel, comm):
        super().__init__(kernel, comm)
        self.snapshots = [comm.opened_with["state"]["snapshot"]]
        self._on_snapshot({"record": self.snapshots[0]})
        self._taken = 0

    def read(self):
        fresh = self.comm.received[self._taken :]
        self._taken += len(fresh)
        for message in fresh:
            if message["method"] == "custom":
                self.messages.append(message["content"])
                getattr(self, f"_on_{message['content']['kind']}")(message["content"])
            elif "snapshot" in message.get("state", {}):
                self.snapshots.append(message["state"]["snapshot"])

    def command(self, name, **arguments):
        command = f"w{next(self._ids)}"
        content = {"kind": "command", "id": command, "name": name, **arguments}
        self.comm.send({"method": "custom", "content": content})
        return command


def start(kernel, *codes, options="", **settings):
    kernel.run(team("_team", *codes, **settings), check=True)
    cell = kernel.send(f"%%agents -t _team --new {options}\nDo it.", allow_stdin=True)
    kernel.until(lambda: cell.outputs, what="the run's display")
    return cell


def widget_of(kernel, cell, subshell=None):
    model = cell.outputs[0]["data"][VIEW_TYPE]["model_id"]
    comm = kernel.comms[model]
    comm.subshell = subshell
    return WidgetPage(kernel, comm)


def test_live_the_record_and_the_widget_are_there_and_ended_the_record_alone(built):
    cell = start(built, "print('one')", "print('two')", latency=0.3)
    live = cell.outputs[0]["data"]
    assert set(live) == {MIME_TYPE, VIEW_TYPE, "text/html", "text/plain"}
    assert live[MIME_TYPE]["status"] == "running"
    built.wait(cell)
    final = cell.outputs[0]["data"]
    assert set(final) == {MIME_TYPE, "text/html", "text/plain"}
    record = read_record(final[MIME_TYPE])
    assert isinstance(record, RunRecord)
    assert (record.status, len(record.steps)) == ("done", 3)


def test_the_widget_shows_busy_code_and_stops_it(built):
    subshell = built.create_subshell()
    cell = start(built, BUSY)
    page = widget_of(built, cell, subshell)
    page.until(lambda: "begun" in page.text, what="what busy code prints")
    assert page.gaps == 0
    assert page.ask("stop")["ok"]
    built.wait(cell, timeout=15)
    assert built.eval("agents_run.status") == "cancelled"
    page.until(lambda: page.comm.closed, what="the widget of an ended run to be closed")


def test_a_page_that_gets_no_message_through_sees_the_run_in_the_snapshots(built):
    cell = start(built, *(f"print('{n}' * 5000)" for n in range(6)), latency=0.1)
    page = widget_of(built, cell)
    built.wait(cell)
    page.until(lambda: page.comm.closed)
    sizes = [len(str(snapshot)) for snapshot in page.snapshots]
    assert len(sizes) > 3
    assert sum(sizes) < 6 * sizes[-1]
    assert read_record(page.snapshots[-1]).status == "done"


def test_a_view_of_its_own_outlives_the_run(built):
    built.run(team("_team", "1"), check=True)
    built.run("%%agents -t _team --new\nDo it.", check=True)
    shown = built.run("agents_run.view()", check=True)
    page = WidgetPage(built, built.comms[shown.result[VIEW_TYPE]["model_id"]])
    assert page.record.status == "done"
    assert page.ask("cells")["ok"]


def test_a_paused_run_is_shown_so(built):
    cell = start(built, "1", "2", latency=1.2)
    page = widget_of(built, cell)
    assert page.ask("pause")["ok"]
    built.until(lambda: cell.outputs[0]["data"][MIME_TYPE]["status"] == "paused", what="the display to say so")
    page.ask("resume")
    built.wait(cell)


def test_without_the_front_ends_files_the_record_is_shown_all_the_same(agents_kernel, tmp_path):
    agents_kernel.run(
        f"import agentnb.page.view, pathlib\nagentnb.page.view.STATIC = pathlib.Path({str(tmp_path)!r})", check=True
    )
    cell = start(agents_kernel, "print('one')", latency=0.3)
    assert set(cell.outputs[0]["data"]) == {MIME_TYPE, "text/html", "text/plain"}
    agents_kernel.wait(cell)
    assert cell.outputs[0]["data"][MIME_TYPE]["status"] == "done"
    refused = agents_kernel.run("agents_run.view()")
    assert "was not built with its page" in refused.error.message


def test_a_program_that_executes_the_notebook_gets_no_widget(built):
    built.run(team("_team", "print('one')", latency=0.5), check=True)
    cell = built.send("%%agents -t _team --new\nDo it.")
    built.until(lambda: cell.outputs)
    assert set(cell.outputs[0]["data"]) == {"text/html", "text/plain"}
    built.wait(cell)
    assert set(cell.outputs[0]["data"]) == {MIME_TYPE, "text/html", "text/plain"}
    assert built.run("None").outputs == []


def test_with_ipykernel_6_the_widget_follows_busy_code_and_an_interrupt_stops_it(ipykernel6_python, built):
    with Kernel(ipykernel6_python) as kernel:
        kernel.run(f"{LOAD}\nimport agentnb.page.view, pathlib", check=True)
        kernel.run(f"agentnb.page.view.STATIC = pathlib.Path({str(built.path)!r})", check=True)
        cell = start(kernel, BUSY)
        page = widget_of(kernel, cell)
        page.until(lambda: "begun" in page.text, what="what busy code prints")
        kernel.interrupt()
        kernel.wait(cell, timeout=15)
        assert kernel.eval("agents_run.status") == "cancelled"
        assert page.gaps == 0


def test_with_ipykernel_6_a_comm_follows_a_background_run(ipykernel6_python):
    with Kernel(ipykernel6_python) as kernel:
        kernel.run(LOAD, check=True)
        kernel.run(team("_team", "1", "2", "3", latency=0.5), check=True)
        kernel.run("%%agents -t _team --bg\nDo it.", check=True)
        page = Page.open(kernel, kernel.eval("agents_run.id"))
        page.until(lambda: page.record, what="a snapshot")
        assert page.ask("pause")["ok"]
        page.until(lambda: page.status == "paused")
        assert page.ask("resume")["ok"]
        pass_time(kernel, 0.1)
        assert page.ask("stop")["ok"]
        page.until(lambda: page.status == "cancelled")
        assert page.gaps == 0
