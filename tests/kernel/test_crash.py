"""Kernels killed in the middle of a run: nothing that was finished is lost, and a new kernel goes on."""

import signal
import stat

import pytest

from agentnb.cli import main
from agentnb.record.fold import fold
from agentnb.record.journal import read_journal
from tests.kernel.driver import Kernel, KernelError
from tests.kernel.dying import HOLD, expected, finished, kill, killed_after, killed_when_reached, newest_journal
from tests.kernel.page import Page
from tests.kernel.work import LOAD, read_run, reply, team

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")

SECRET = "sk-proj-Zq8vX2mK4tR7wY1bN5cJ"


def helper(*codes):
    """The source of a specialist that runs these codes in its tasks."""
    return f"Agent('quant', 'doubles', model=ScriptedModel({[reply(code) for code in codes]!r}))"


# --- what is on disk --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 7, 30])
def test_every_finished_step_is_on_disk(tmp_path, steps):
    record = killed_after(tmp_path, steps)
    assert (record.status, finished(record)) == ("crashed", expected(steps))
    assert (record.steps[-1].number, record.steps[-1].status) == (steps + 1, "cancelled")


def test_killed_while_it_runs_freely_it_has_lost_at_most_the_step_in_flight(tmp_path):
    codes = [f"with open('begun', 'a') as file: print({number}, file=file)" for number in range(1, 400)]
    with Kernel(cwd=tmp_path) as kernel:
        kernel.run(LOAD, check=True)
        kernel.run(team("desk", *codes, max_steps=500), check=True)
        kernel.send("%%agents -t desk\nDo it.")
        begun = tmp_path / "begun"
        kernel.until(lambda: begun.exists() and begun.stat().st_size > 200)
        kill(kernel)
    last = int(begun.read_text().split()[-1])
    record = fold(read_journal(newest_journal(tmp_path)))
    assert record.status == "crashed"
    assert sum(step.status == "done" for step in record.steps) in (last - 1, last)


def test_secrets_are_not_in_the_journal_and_only_the_owner_can_read_it(tmp_path):
    codes = ["import os\nprint(os.environ['OPENAI_API_KEY'])", "print(os.environ['OPENAI_API_KEY'].encode().hex())"]
    journal = killed_when_reached(tmp_path, team("desk", *codes, HOLD), OPENAI_API_KEY=SECRET)
    text = journal.read_text("utf-8")
    assert SECRET not in text
    assert SECRET.encode().hex() not in text
    assert text.count("[redacted OPENAI_API_KEY]") == 2
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


# --- going on ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crash(tmp_path_factory):
    """A folder with the journal of a run whose specialist was at its second step when the kernel was killed."""
    folder = tmp_path_factory.mktemp("crash")
    cell = team(
        "desk",
        "x = 20\nprint('x is there')",
        "y = await quant('double', data=x)",
        members=helper("part = data * 2", HOLD),
    )
    journal = killed_when_reached(folder, cell, options="-o answer", JPY_SESSION_NAME=str(folder / "desk.ipynb"))
    return folder, journal, journal.read_bytes()


@pytest.fixture
def again(crash):
    """A new kernel of the same notebook, with the journal as it was left."""
    folder, journal, content = crash
    for path in journal.parent.glob("*.jsonl"):
        path.unlink()
    journal.write_bytes(content)
    with Kernel(cwd=folder, env={"JPY_SESSION_NAME": str(folder / "desk.ipynb")}) as kernel:
        kernel.run(LOAD, check=True)
        yield kernel, journal.stem


def test_a_new_kernel_lists_it_and_tells_the_two_ways_where_nobody_can_be_asked(again):
    kernel, run = again
    assert f"run {run}  crashed    2 steps" in kernel.run("%agents", check=True).text
    told = kernel.run("%agents resume", check=True).text
    assert "interrupted: coordinator, step 2 (its code was running)" in told
    assert "# --- coordinator, step 1\nx = 20\nprint('x is there')" in told
    assert "# --- quant, step 2, interrupted" in told
    assert f"`%agents resume {run} --rerun`" in told
    assert f"`%agents resume {run} --as-is`" in told
    with pytest.raises(KernelError, match="NameError"):
        kernel.eval("x")


def test_another_notebook_of_the_folder_does_not_list_it(crash):
    folder, _, _ = crash
    with Kernel(cwd=folder, env={"JPY_SESSION_NAME": str(folder / "other.ipynb")}) as kernel:
        kernel.run(LOAD, check=True)
        assert "no runs yet" in kernel.run("%agents", check=True).text
        refused = kernel.run("%agents resume")
    assert refused.error.name == "UserError"
    assert "no run of this notebook crashed in this folder" in refused.error.message


def test_its_code_runs_again_after_a_yes_and_specialists_go_on_in_the_middle_after_all(again, crash):
    (kernel, run), folder = again, crash[0]
    kernel.run(team("desk", members=helper("final_answer(part + 2)")), check=True)
    kernel.run("%agents team desk", check=True)
    # everything is on disk but the specialist's second step, which the model writes anew
    journal = newest_journal(folder)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: next(n for n, line in enumerate(lines) if b'"step":"t2.2"' in line)]))
    cell = kernel.run("%agents resume", stdin=["all"])
    assert len(cell.prompts) == 1, cell.text
    ran = read_run(kernel, cell)
    assert (ran.status, kernel.eval("(x, y, answer)")) == ("done", (20, 42, "done")), cell.text
    assert [(step.agent, step.status) for step in ran.steps] == [
        ("coordinator", "done"),
        ("coordinator", "done"),
        ("quant", "done"),
        ("quant", "done"),
        ("coordinator", "done"),
    ]
    assert kernel.eval("agents_run.record.resumes") == run
    assert main(["show", str(newest_journal(folder))]) == 0


def test_as_it_is_nothing_runs_again(again):
    kernel, run = again
    kernel.run(team("desk", "z = 'x' in globals()", members=helper()), check=True)
    kernel.run("%agents team desk", check=True)
    ran = read_run(kernel, kernel.run(f"%agents resume {run} --as-is"))
    assert (ran.status, kernel.eval("(z, answer)")) == ("done", (False, "done"))
    assert [(step.agent, step.status) for step in ran.steps][-2:] == [("coordinator", "done")] * 2
    assert "crashed" not in kernel.run("%agents", check=True).text
    page = Page.open(kernel, kernel.eval("agents_run.id"))
    page.until(lambda: page.status == "done")
    assert [step.agent for step in page.record.steps] == [step.agent for step in ran.steps]
    assert page.record.resumes == run


def test_any_other_answer_leaves_it(again):
    kernel, run = again
    left = kernel.run("%agents resume", stdin=["later"], check=True)
    assert len(left.prompts) == 1
    assert f"run {run}  crashed" in kernel.run("%agents", check=True).text


TRIES = """
import itertools
from agentnb import best_of
numbers, of_tries = [0], itertools.count({first})
def one_try(messages):
    if any(m['role'] == 'assistant' for m in messages):
        return '<code>\\nfinal_answer(made)\\n</code>'
    number = next(of_tries)
    if number == 3:
        return "<code>\\nopen('reached', 'w').close()\\nwhile True: pass\\n</code>"
    return f'<code>\\nmade = {{number}}\\nnumbers.append(made)\\n</code>'
quant = Agent('quant', 'tries', model=ScriptedModel(one_try))
"""


def test_tries_go_on_from_where_they_stood_and_are_judged_anew(tmp_path):
    environment = {"JPY_SESSION_NAME": str(tmp_path / "desk.ipynb")}
    best = "run = await best_of(quant, 'try', n=3, judge=lambda made: -made{more})"
    with Kernel(cwd=tmp_path, env=environment) as kernel:
        kernel.run(LOAD + TRIES.format(first=1), check=True)
        kernel.send(best.format(more=""))
        kernel.until((tmp_path / "reached").exists, what="the try that holds")
        journal = newest_journal(tmp_path)
        kernel.until(lambda: journal.read_text().count('"blocked"') == 2, what="the answers of the others")
        kill(kernel)
    run = journal.stem
    with Kernel(cwd=tmp_path, env=environment) as kernel:
        kernel.run(LOAD + TRIES.format(first=11), check=True)
        how = f"run its best_of cell again with resume='{run}'"
        assert how in kernel.run("%agents", check=True).text
        refused = kernel.run("%agents resume")
        assert refused.error.name == "UserError"
        assert how in refused.error.message
        other = kernel.run(f"await best_of(quant, 'another task', resume={run!r})")
        assert f"run {run} tried 'try' with quant" in other.error.message
        kernel.run(best.format(more=f", resume={run!r}"), check=True)
        assert kernel.eval("run.status, run.result, numbers") == ("done", 1, [0, 1])
        steps = kernel.eval("[(s.task, s.number, s.code.split(chr(10))[0], s.usage.calls) for s in run.steps]")
        tries = [[(code, calls) for task, _, code, calls in sorted(steps) if task == of] for of in ("t1", "t2", "t3")]
        assert sorted(tries) == [  # which of them held is the threads' matter
            [("made = 1", 0), ("final_answer(made)", 0)],  # it had been given, and only waited for the others
            [("made = 11", 1), ("final_answer(made)", 1)],  # what held is not played again
            [("made = 2", 0), ("final_answer(made)", 0)],
        ]
        assert "crashed" not in kernel.run("%agents", check=True).text


def test_the_journal_of_a_crashed_run_reads_well_on_the_command_line(crash, capsys):
    _, journal, content = crash
    journal.write_bytes(content)
    assert main(["show", str(journal)]) == 1
    shown = capsys.readouterr().out
    assert "crashed" in shown
    assert "The kernel stopped before the run came to its end." in shown
    assert f"%agents resume {journal.stem}" in shown
