"""The two magics in an IPython without a kernel: a terminal, or a script's shell."""

from __future__ import annotations

import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from agentnb import magic
from agentnb.errors import OptionError, RunNotDone, UserError
from tests.kernel.driver import REPOSITORY
from tests.support.notebooks import TEAM
from tests.unit.run.conftest import KEYS


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """The shell of this process, with agentnb loaded, in a folder of its own; variables and magics go at the end."""
    from agentnb.kernel.shell import current_shell

    monkeypatch.chdir(tmp_path)
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)
    shell = current_shell()
    before = dict(shell.user_ns)
    magic.load_ipython_extension(shell)
    yield shell
    magic.unload_ipython_extension(shell)
    vars(shell).pop(magic._KEY, None)
    shell.user_ns.clear()
    shell.user_ns.update(before)


async def run(shell, source):
    """Run a cell; return its value, raise its error."""
    with capture_output() as shown:
        done = await shell.run_cell_async(source, transformed_cell=shell.transform_cell(source), store_history=False)
    done.raise_error()
    return done.result, shown.stdout + "".join(str(o.data.get("text/plain", "")) for o in shown.outputs)


# --- the transformer --------------------------------------------------------------------------------------------------


def test_a_cell_of_agents_is_awaited(shell):
    assert shell.transform_cell("%%agents -t desk\nDo\nit.").startswith("await get_ipython().run_cell_magic('agents',")
    assert shell.transform_cell("%agents replay").startswith("await get_ipython().run_line_magic('agents', 'replay")


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\nx",
        "%agents",
        "%agents team replay",
        "%%time\nx = 1",
        "%timeit -n1 x",
        "text = '''\n%%agents\n'''",
        "get_ipython().run_cell_magic('time', '', 'x')",
        "'get_ipython().run_cell_magic(\\'agents\\','",
        "# %%agents",
        "!echo agents",
        "",
    ],
)
def test_other_cells_are_left_alone(shell, source):
    with_agents = shell.transform_cell(source)
    magic.unload_ipython_extension(shell)
    assert with_agents == shell.transform_cell(source)


def test_loading_twice_is_loading_once(shell):
    magic.load_ipython_extension(shell)
    assert shell.input_transformers_post.count(magic._await_agents) == 1
    assert shell.transform_cell("%%agents\nDo it.").count("await") == 1


def test_what_is_transformed_twice_is_awaited_once(shell):
    once = shell.transform_cell("%%agents\nDo it.")
    assert shell.transform_cell(once) == once


def test_unloading_takes_everything_back(shell):
    magic.unload_ipython_extension(shell)
    assert magic._await_agents not in shell.input_transformers_post
    assert shell.find_cell_magic("agents") is None
    assert shell.find_line_magic("agents") is None
    magic.unload_ipython_extension(shell)  # a second time does no harm
    magic.load_ipython_extension(shell)
    assert shell.find_cell_magic("agents") is not None


def test_the_extension_is_loaded_and_unloaded_by_its_name(shell, capsys):
    magic.unload_ipython_extension(shell)
    shell.run_line_magic("load_ext", "agentnb")
    assert shell.find_cell_magic("agents") is not None
    shell.run_line_magic("unload_ext", "agentnb")
    assert shell.find_cell_magic("agents") is None
    assert capsys.readouterr().out == ""
    shell.run_line_magic("load_ext", "agentnb")
    assert shell.find_cell_magic("agents") is not None


# --- at work ----------------------------------------------------------------------------------------------------------


async def test_a_cell_gives_the_result_and_binds_the_run(shell):
    await run(shell, TEAM)
    result, _ = await run(shell, "%%agents -t desk\nSort the numbers and add them up.")
    assert result == {"sorted": [1, 2, 3], "total": 6}
    assert shell.user_ns["agents_run"].status == "done"


async def test_braces_and_dollars_reach_the_options_as_they_are(shell):
    await run(shell, "name = 'desk'")
    with pytest.raises(UserError, match=r"there is no team '\{name\}'"):
        await run(shell, "%%agents -t {name}\nDo it.")
    with pytest.raises(OptionError, match=r"\$name"):
        await run(shell, "%%agents -o $name\nDo it.")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("%%agents --bg\nDo it.", "--bg needs a Jupyter kernel"),
        ("%%agents --budgt 3k\nDo it.", "did you mean --budget?"),
        ("%%agents\n  \n", "there is no task"),
        ("%%agents @nobody -m openai-compatible/m\nDo it.", "there is no agent 'nobody'"),
        ("%%agents\nDo it.", "No model is set"),
        ("%%agents --approve never\nDo it.", "invalid choice: 'never'"),
        ("%%agents --replay\nDo it.", "there is no recording of this task here"),
        ("%agents hrie x", "did you mean `%agents hire`?"),
    ],
)
async def test_a_slip_is_shown_as_one_sentence_without_a_traceback(shell, monkeypatch, source, told):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    with pytest.raises(UserError) as caught:
        await run(shell, source)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    with capture_output() as shown:
        await shell.run_cell_async(source, transformed_cell=shell.transform_cell(source), store_history=False)
    told_there = shown.stdout + shown.stderr
    assert told in told_there
    assert "Traceback" not in told_there
    assert len(told_there.strip().splitlines()) == 1


async def test_a_run_that_fails_stops_the_cell(shell):
    await run(shell, "from agentnb import Team\nfrom agentnb.testing import ScriptedModel")
    await run(shell, "empty = Team(model=ScriptedModel([]))")
    with pytest.raises(RunNotDone, match="the run ended as failed"):
        await run(shell, "%%agents -t empty\nDo it.")


async def test_the_line_magic_shows_the_overview(shell):
    _, shown = await run(shell, "%agents")
    assert "no runs yet; start one with a %%agents cell" in shown


async def test_replay_of_the_newest_run(shell):
    await run(shell, TEAM)
    await run(shell, "%%agents -t desk\nSort the numbers and add them up.")
    result, _ = await run(shell, "%agents replay")
    assert result == {"sorted": [1, 2, 3], "total": 6}
    assert shell.user_ns["agents_run"].record.replayed


def test_a_synchronous_shell_works_too(shell):
    """A terminal whose autoawait runs a loop a cell."""
    with capture_output():
        shell.run_cell(TEAM).raise_error()
        done = shell.run_cell("%%agents -t desk\nSort the numbers and add them up.")
    assert done.result == {"sorted": [1, 2, 3], "total": 6}


def test_loading_imports_nothing_heavy():
    program = (
        "from IPython.core.interactiveshell import InteractiveShell as S; import sys; shell = S.instance();"
        "shell.run_line_magic('load_ext', 'agentnb');"
        "print([n for n in ('smolagents', 'openai', 'litellm', 'pandas', 'matplotlib', 'torch') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def test_the_shell_of_these_tests_is_no_kernel(shell):
    assert isinstance(shell, InteractiveShell)
    assert getattr(shell, "kernel", None) is None
