"""Every sub-command of ``%agents``, with what it says to a slip."""

from __future__ import annotations

import asyncio
import inspect
import re

import pytest

from agentnb import Agent, Team
from agentnb._version import __version__
from agentnb.cli import main
from agentnb.commands import COMMANDS, HELP, run_command
from agentnb.errors import ModelSetupError, OptionError, RunNotDone, UserError
from agentnb.record.document import Usage
from agentnb.run.cell import run_cell
from agentnb.run.notebook import Notebook
from agentnb.run.options import parse_line
from agentnb.run.team import notebook_model, set_notebook_model
from agentnb.testing import ScriptedModel
from tests.support.scripts import acting, code, final
from tests.unit.run.conftest import KEYS


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)
    yield
    set_notebook_model(None)


@pytest.fixture
def notebook():
    notebook = Notebook()
    notebook.team = Team([Agent("quant", "fits models"), Agent("reporter", "writes")])
    return notebook


@pytest.fixture
def say(notebook, capsys):
    """Carries out a line and returns what it printed."""

    def say(line, **variables):
        capsys.readouterr()
        run_command(notebook, variables, line)
        return capsys.readouterr().out.strip()

    return say


async def ran(notebook, *replies, task="Do it.", variables=None, **options):
    """Put the notebook's team to work and wait for the end."""
    notebook.team.model = acting(lead=[*replies])
    variables = {} if variables is None else variables
    run = notebook.current().start(task, namespace=variables, show=False, **options)
    return await run


def test_help_tells_every_command_and_nothing_else(say):
    assert say("help") == HELP
    told = set(re.findall(r"%agents (\w+)", HELP)) | {"pause", "resume", "version"}
    assert told == set(COMMANDS)
    assert max(map(len, HELP.splitlines())) <= 110


def test_version(say):
    assert say("version") == f"agentnb {__version__}"


def test_nothing_shows_the_team_and_says_how_to_start(say):
    told = say("")
    assert "quant" in told
    assert "fits models" in told
    assert "no runs yet; start one with a %%agents cell" in told


def test_without_a_team_the_overview_says_who_there_is(capsys):
    run_command(Notebook(), {}, "")
    assert capsys.readouterr().out.startswith("team: a coordinator alone; it hires whom it needs")


async def test_the_overview_has_a_line_a_run(notebook, say):
    run = await ran(notebook, final("1"), task="Count\nthe sheep.")
    assert f"run {run.id}  done " in say("")
    assert "Count the sheep." in say("")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("help", "version", "model", "team")])
def test_each_command_has_one_sentence_for_a_notebook_without_runs(command, capsys):
    kind = None
    try:
        answer = run_command(Notebook(), {}, command)
        if inspect.isawaitable(answer):
            asyncio.run(answer)
    except UserError as error:
        kind = error
    if command == "cost":
        assert kind is None
        return
    assert kind is not None
    assert "\n" not in str(kind)
    assert kind._render_traceback_() == [f"\x1b[31magentnb:\x1b[0m {kind}"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hrie bob", "did you mean `%agents hire`?"),
        ("xyzzy", "`%agents help` lists the commands"),
        ("hire", 'write %agents hire NAME "role"'),
        ("hire quant", "there is already an agent 'quant'"),
        ("hire data", "'data' is a variable of yours"),
        ("hire not-a-name", "will not do; try 'not_a_name'"),
        ("dismiss", "write %agents dismiss NAME"),
        ("dismiss quants", "did you mean 'quant'?"),
        ("change", "write %agents change NAME key=value"),
        ("change quant", "write %agents change NAME key=value"),
        ("change quant role", "write %agents change NAME key=value"),
        ("change quant max_steps=many", "max_steps is a number, not 'many'"),
        ("change quant max_steps=0", "is at least 1"),
        ("change quant memory=much", "memory is a number, not 'much'"),
        ("change quant memory=-1", "memory of 'quant' is a number of GB above 0, not -1.0"),
        ("change quant if_lost=retry", "if_lost of 'quant' is scratch, live or fail, not 'retry'"),
        ("change quant colour=red", "an agent has no colour"),
        ("change quants role=x", "did you mean 'quant'?"),
        ("change quant mode=turbo", "choose live, scratch, branch or dask"),
        ("team data", "'data' is a list, not a team"),
        ("team nobody", "there is no team 'nobody'"),
        ("model opnai/gpt-5", "Did you mean openai/gpt-5?"),
        ("model openai/gpt-5", "set OPENAI_API_KEY in the environment"),
        ("stop", "there is no run yet"),
        ("pause", "there is no run yet"),
        ("resume", "there is no run to go on with"),
        ("resume 3f --again", "does not know '--again'; write %agents resume"),
        ("resume nothing", "has no journal of a run 'nothing'"),
        ("say", "write %agents say [@name] TEXT"),
        ("say @quant", "write %agents say [@name] TEXT"),
        ("say faster", "there is no run yet"),
        ("changes", "there is no run yet"),
        ("record", "there is no run yet"),
        ("export", "there is no run yet"),
        ("approve", "nothing waits for you"),
        ("approve --all", "nothing waits for you"),
        ("approve --each", "there is no option --each"),
        ("deny r1", "nothing waits for you"),
        ("budget 5k", "there is no run yet"),
        ("change quant read_only=maybe", "read_only is true or false"),
        ("change quant approve=plan", "is auto or ask"),
        ("undo", "no run of this kernel can be undone: a restart ends that"),
    ],
)
def test_a_slip_is_one_sentence_that_says_what_to_type(notebook, line, told):
    with pytest.raises(UserError) as caught:
        run_command(notebook, {"data": [1]}, line)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hire_dismiss_and_change(notebook, say):
    assert "auditor" in say("hire auditor \"checks the 'numbers'\"")
    assert notebook.team["auditor"].role == "checks the 'numbers'"
    say("change auditor max_steps=7 timeout=1.5 mode=live 'role=checks twice'")
    changed = notebook.team["auditor"]
    assert (changed.max_steps, changed.timeout, changed.mode, changed.role) == (7, 1.5, "live", "checks twice")
    assert "auditor" not in say("dismiss auditor")
    assert "auditor" not in notebook.team


def test_hire_takes_an_agent_that_is_a_variable(notebook, say):
    member = Agent("auditor", "checks")
    say("hire auditor", auditor=member)
    assert notebook.team["auditor"] is member


def test_tools_are_given_by_the_names_of_functions(notebook, say):
    def load(ticker: str) -> str:
        """Load."""
        return ticker

    say("change quant tools=load", load=load)
    assert notebook.team["quant"].tools == (load,)


def test_a_tool_that_does_not_exist_is_refused_at_once(notebook):
    with pytest.raises(UserError, match="there is no function 'laod' in this notebook; did you mean 'load'"):
        run_command(notebook, {"load": print}, "change quant tools=laod")
    assert notebook.team["quant"].tools == ()


def test_team_shows_or_chooses(notebook, say):
    other = Team([Agent("tester", "tests")], name="lab", role="tests")
    assert "quant" in say("team")
    assert "tester" in say("team crew", crew=other)
    assert notebook.team is other


def test_model_shows_or_sets(say):
    assert "AGENTNB_MODEL" in say("model")
    model = ScriptedModel([])
    say("model mine", mine=model)
    assert notebook_model() is model
    with pytest.raises(ModelSetupError):
        say("model tiny")
    assert notebook_model() is model


async def test_pause_resume_say_and_stop_act_on_the_run_under_way(notebook, say):
    model = acting(
        lead=[code("await asyncio.sleep(0.05)")] * 2 + [code(f"await asyncio.sleep(0.0{n})") for n in range(1, 9)]
    )
    notebook.team.model = model
    run = notebook.current().start("Wait.", namespace={}, show=False)
    say("pause")
    await asyncio.sleep(0.02)
    assert run.status == "paused"
    say("say @quant look at this")
    say("say hurry up, it's late")
    say("resume")
    await asyncio.sleep(0.02)
    assert run.status == "running"
    assert [(m.to, m.text) for m in run.record.messages] == [
        ("quant", "look at this"),
        ("coordinator", "hurry up, it's late"),
    ]
    say("stop")
    await run
    assert run.status == "cancelled"


async def test_saying_something_to_a_run_that_has_ended(notebook):
    await ran(notebook, final("1"))
    with pytest.raises(UserError, match=r"the run has ended \(done\)"):
        run_command(notebook, {}, "say more")


async def test_changes_lists_what_was_done_to_the_variables(notebook, say):
    await ran(notebook, code("x = 1", "data.append(3)"), final("x"), variables={"data": [1]})
    told = say("changes")
    assert re.search(r"^new\s+x: ", told, re.MULTILINE)
    assert re.search(r"^changed\s+data: ", told, re.MULTILINE)
    await ran(notebook, final("1"))
    assert say("changes") == "no variable of yours was changed"


async def test_cost_adds_up_and_tells_money_where_it_is_known(notebook, say):
    assert say("cost") == "in all: 0 tokens in 0 runs"
    first = await ran(notebook, final("1"))
    assert "$" not in say("cost")
    assert f"in all: {first.usage.tokens:,} tokens in 1 runs" in say("cost")
    first.record.usage.add(Usage(cost=0.0125))
    assert ", $0.0125" in say("cost")


async def test_record_and_export_write_files(notebook, say, tmp_path):
    run = await ran(notebook, code("x = 6"), final("x * 7"))
    assert say("record") == f"written to agents_run_{run.id}.json"
    assert main(["validate", f"agents_run_{run.id}.json"]) == 0
    assert say("record 'my run.json'") == "written to my run.json"
    assert say("export") == f"written to agents_run_{run.id}.ipynb"
    assert say("export plain.ipynb") == "written to plain.ipynb"
    assert "x = 6" in (tmp_path / "plain.ipynb").read_text()


async def test_a_path_that_cannot_be_written_is_one_sentence(notebook):
    await ran(notebook, final("1"))
    for command in ("record", "export"):
        with pytest.raises(UserError, match="cannot be written"):
            run_command(notebook, {}, f"{command} no/such/folder/run.x")


async def test_replay_plays_the_newest_run_again(notebook):
    await ran(notebook, code("x = 6"), final("x * 7"))
    variables = {}
    assert await run_command(notebook, variables, "replay") == 42
    assert variables["agents_run"].record.replayed
    assert notebook.runs[-1] is variables["agents_run"]


async def test_replay_plays_a_file(notebook, say):
    await ran(notebook, final("6 * 7"))
    say("record run.json")
    fresh = Notebook()
    assert await run_command(fresh, {}, "replay run.json") == 42
    with pytest.raises(UserError, match=r"there is no file 'no\.json'"):
        await run_command(fresh, {}, "replay no.json")


# --- the cell ---------------------------------------------------------------------------------------------------------


async def test_a_run_that_is_not_done_raises_one_sentence(notebook):
    notebook.team.model = ScriptedModel([])
    variables = {}
    with pytest.raises(RunNotDone, match=r"the run ended as failed: .* What was reached is in `agents_run`"):
        await run_cell(notebook, variables, parse_line(""), "Do it.")
    assert variables["agents_run"].status == "failed"


async def test_out_binds_the_result_and_nothing_is_shown(notebook):
    notebook.team.model = acting(lead=[final("6 * 7")])
    variables = {}
    assert await run_cell(notebook, variables, parse_line("-o answer"), "Do it.") is None
    assert variables["answer"] == 42


async def test_bg_is_refused_where_no_kernel_goes_on(notebook):
    with pytest.raises(UserError, match="--bg needs a Jupyter kernel"):
        await run_cell(notebook, {}, parse_line("--bg"), "Do it.")
    assert notebook.runs == []


async def test_a_money_budget_without_a_price_is_refused_in_a_cell(notebook):
    notebook.team.model = ScriptedModel([final("1")])
    with pytest.raises(UserError, match="cannot be held"):
        await run_cell(notebook, {}, parse_line("-b $0.50"), "Do it.")


@pytest.mark.parametrize("line", ["--budgt 3", "task here", "--mode turbo", "-o 3x", "-b lots"])
def test_the_line_of_a_cell_says_what_to_type(line):
    with pytest.raises(OptionError) as caught:
        parse_line(line)
    assert "\n" not in str(caught.value)


async def test_undo_takes_back_the_newest_run_and_then_the_one_before(notebook, say):
    space = {"data": [1]}
    await ran(notebook, code("data.append(2)"), final("1"), variables=space)
    await ran(notebook, code("data.append(3)"), final("1"), variables=space, fresh=True)
    assert re.search(r"steps that can be undone: run \w+: 1, run \w+: 1; .* of at most ", say(""))
    assert "put back: data" in say("undo")
    assert space["data"] == [1, 2]
    assert "put back: data" in say("undo 1")
    assert space["data"] == [1]
    with pytest.raises(UserError, match="undone already"):
        run_command(notebook, space, "undo")
    with pytest.raises(OptionError, match="STEP"):
        run_command(notebook, space, "undo 1 2")


async def test_what_undo_returns_can_be_awaited(notebook):
    await ran(notebook, code("data.append(2)"), final("1"), variables={"data": [1]})
    assert await run_command(notebook, {}, "undo") is None
