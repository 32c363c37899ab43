"""Where a notebook's cells run otherwise: nbclient, papermill, a terminal, a script, ipykernel 6."""

import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from tests.kernel.driver import Kernel, kernel_environment
from tests.kernel.work import LOAD, pass_time, read_run, reply, run_done, team

HELPER = f"Agent('helper', 'helps', model=ScriptedModel(lambda messages: {reply('final_answer(n + 1)')!r}))"
TEAM = team("_team", "a, b = await asyncio.gather(helper('x', n=1), helper('y', n=2))\nprint(a, b)", members=HELPER)
CELL = "%%agents -t _team\nDo it."


def notebook():
    cells = [LOAD, TEAM, CELL, "(a, b, agents_run.status)"]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in cells])


@pytest.fixture
def environment(tmp_path, monkeypatch):
    for name, value in kernel_environment(tmp_path, {}).items():
        monkeypatch.setenv(name, value)


def test_nbclient(environment, tmp_path):
    book = NotebookClient(
        notebook(), timeout=60, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert book.cells[-1].outputs[0]["data"]["text/plain"] == "(2, 3, 'done')"
    assert any("application/vnd.agentnb.run+json" in output.get("data", {}) for output in book.cells[2].outputs)


def test_papermill(environment, tmp_path):
    papermill = pytest.importorskip("papermill")
    nbformat.write(notebook(), tmp_path / "in.ipynb")
    book = papermill.execute_notebook(
        str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"), kernel_name="python3", progress_bar=False
    )
    assert book.cells[-1].outputs[0]["data"]["text/plain"] == "(2, 3, 'done')"


def run_python(tmp_path, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=kernel_environment(tmp_path, {}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_a_plain_ipython_terminal(tmp_path):
    tmp_path.joinpath("session.ipy").write_text(
        f"get_ipython().run_cell({LOAD!r})\nget_ipython().run_cell({TEAM!r})\nget_ipython().run_cell({CELL!r})\n"
        "print('ended', agents_run.status, a, b)\n"
    )
    assert "ended done 2 3" in run_python(tmp_path, "-m", "IPython", "--no-banner", "--colors=NoColor", "session.ipy")


SCRIPT = f"""
import asyncio
from agentnb import Agent, Team
from agentnb.testing import ScriptedModel
{TEAM}
async def main():
    run = await _team.run("Do it.", show=False)
    print("ended", run.status, a, b)
asyncio.run(main())
"""


def test_a_plain_script(tmp_path):
    tmp_path.joinpath("script.py").write_text(SCRIPT)
    assert "ended done 2 3" in run_python(tmp_path, "script.py")


def test_a_team_is_run_by_python_in_a_cell(agents_kernel):
    agents_kernel.run(TEAM, check=True)
    agents_kernel.run("run = await _team.run('Do it.')", check=True)
    assert agents_kernel.eval("(run.status, a, b)") == ("done", 2, 3)


@pytest.fixture(scope="module")
def old_kernel(ipykernel6_python, tmp_path_factory):
    with Kernel(ipykernel6_python, cwd=tmp_path_factory.mktemp("old")) as kernel:
        kernel.run(LOAD, check=True)
        yield kernel


def test_ipykernel_6_runs_specialists_at_once(old_kernel):
    ran = run_done(old_kernel, "await asyncio.gather(helper('x', n=1), helper('y', n=2))", members=HELPER)
    assert ran.first.text == "[2, 3]\n"


@pytest.mark.parametrize("code", ["while True: pass", "await asyncio.sleep(60)", "import time; time.sleep(60)"])
def test_ipykernel_6_is_interrupted(old_kernel, code):
    old_kernel.run(team("_team", code), check=True)
    cell = old_kernel.send(CELL)
    pass_time(old_kernel, 1.5)
    old_kernel.interrupt()
    assert read_run(old_kernel, old_kernel.wait(cell, timeout=10)).status == "cancelled"


def test_ipykernel_6_runs_in_the_background(old_kernel):
    old_kernel.run(team("_team", "made = 1", "made += 1", latency=0.3), check=True)
    old_kernel.run("%%agents -t _team --new --bg\nDo it.", check=True)
    assert old_kernel.run("'free'").result["text/plain"] == "'free'"
    old_kernel.until(lambda: old_kernel.eval("agents_run.status") == "done", timeout=20)
    assert old_kernel.eval("made") == 2
