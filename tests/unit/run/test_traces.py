"""What a run leaves behind: secrets out, the journal, replay, export, and scripts without IPython."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat

from agentnb import Agent, Team
from agentnb.record.codec import encode, to_dict
from agentnb.record.fold import fold
from agentnb.record.journal import read_journal
from agentnb.record.read import read_record
from agentnb.views.bundle import bundle
from tests.support.scripts import acting, code, final
from tests.unit.run.test_team import go, team

ROOT = Path(__file__).resolve().parents[3]
IN_ENVIRONMENT = "sk-proj-Zx81LmQ07rTtYb2NcVa93Hd"
IN_VARIABLE = "hunter2-Pq7Lk9Zw3Xv5"


async def test_secrets_reach_neither_prompt_nor_record_nor_html_nor_journal(monkeypatch, tmp_path):
    monkeypatch.setenv("SOME_API_KEY", IN_ENVIRONMENT)
    model = acting(
        lead=[
            code("import os", "print(os.environ['SOME_API_KEY'])", "key = os.environ['SOME_API_KEY']", "db_password"),
            code("raise ValueError(db_password)"),
            code("got = await quant('connect with ' + db_password, item=db_password)"),
            final("{'key': key, 'password': db_password}"),
        ],
        quant=[code("print(item)"), final("item")],
    )
    run = await go(team(model, "quant"), f"Log in with {IN_VARIABLE}.", namespace={"db_password": IN_VARIABLE})
    assert run.status == "done"
    assert run.result == {"key": IN_ENVIRONMENT, "password": IN_VARIABLE}
    journal = (tmp_path / ".agentnb" / "runs" / f"{run.id}.jsonl").read_text()
    places = {
        "prompts": str(model.calls),
        "record": encode(run.record).decode(),
        "bundle": json.dumps(bundle(run.record)[0]),
        "journal": journal,
    }
    for secret in (IN_ENVIRONMENT, IN_VARIABLE):
        assert [place for place, text in places.items() if secret in text] == []


async def test_the_journal_folds_into_the_record_and_a_torn_one_says_it_crashed(tmp_path):
    model = acting(lead=[code("print(1)"), final("[1]")])
    run = await go(team(model))
    path = tmp_path / ".agentnb" / "runs" / f"{run.id}.jsonl"
    assert to_dict(fold(read_journal(path))) == to_dict(run.record)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]) + lines[-2][: len(lines[-2]) // 2])
    crashed = fold(read_journal(path))
    assert crashed.status == "crashed"
    assert crashed.steps[0].outputs == run.steps[0].outputs
    assert {task.status for task in crashed.tasks} <= {"cancelled", "failed", "completed"}


async def test_a_disk_that_cannot_be_written_costs_the_journal_alone(tmp_path, monkeypatch):
    (tmp_path / ".agentnb").write_text("a file in the way")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / ".agentnb" / "no"))
    assert (await go(team(acting(lead=[final("1")])))).result == 1


# --- replay -----------------------------------------------------------------------------------------------------------


def parallel():
    briefs = {f"take {n}": [code(f"x = {n}", "print('x is', x)"), final("[x, sum(data)]")] for n in range(3)}
    return acting(
        latency=0.01,
        lead=[
            code("found = await asyncio.gather(*(quant(f'take {n}') for n in range(3)))", "print(found)"),
            final("found"),
        ],
        quant=briefs,
    )


async def test_a_recorded_parallel_run_is_replayed_without_a_model():
    recorded = await go(team(parallel(), "quant"), namespace={"data": [1, 2]})
    desk = team(None, "quant")
    record = read_record(to_dict(recorded.record))
    again = await go(desk, namespace={"data": [1, 2]}, replay=record)
    assert (again.status, again.result) == ("done", recorded.result)
    assert again.record.replayed
    assert again.usage.calls == 0
    assert again.record.messages == []


async def test_a_replay_runs_on_todays_data_and_tells_where_it_differs():
    recorded = await go(team(parallel(), "quant"), namespace={"data": [1, 2]})
    again = await go(team(None, "quant"), namespace={"data": [10, 2]}, replay=recorded.record)
    assert again.result == [[0, 12], [1, 12], [2, 12]]
    (said,) = again.record.messages
    assert "coordinator, step 1: line 1 of the output was" in said.text


async def test_a_brief_that_drifted_is_reported():
    lead = [code("final_answer(await quant(f'use the first {len(data)} rows'))")]
    model = acting(lead=lead, quant=[final("len(data)")])
    recorded = await go(team(model, "quant"), namespace={"data": [1, 2]})
    again = await go(team(None, "quant"), namespace={"data": [1, 2, 3]}, replay=recorded.record)
    assert again.result == 3
    texts = [said.text for said in again.record.messages]
    assert any("the task differs from the recorded one" in text and "'use the first 3 rows'" in text for text in texts)


async def test_a_replay_that_takes_another_course_fails_and_says_why():
    lead = [code("if not data: 1 / 0", "final_answer(1)")]
    recorded = await go(team(acting(lead=lead)), namespace={"data": [1]})
    again = await go(team(None), namespace={"data": []}, replay=recorded.record)
    assert again.status == "failed"
    assert "no further reply" in again.record.reason


async def test_a_repaired_and_a_failed_step_are_replayed_too():
    model = acting(lead=["Well.", code("1 / 0"), final("'ok'")])
    recorded = await go(team(model))
    again = await go(team(None), replay=recorded.record)
    assert [step.status for step in again.steps] == [step.status for step in recorded.steps]
    assert (again.result, again.record.messages) == ("ok", [])


# --- export -----------------------------------------------------------------------------------------------------------


async def test_a_run_is_exported_as_plain_cells_that_give_its_result(tmp_path):
    model = acting(lead=[code("total = sum(data)", "print(total)"), code("1 / 0"), final("{'total': total}")])
    run = await go(team(model), namespace={"data": [1, 2, 3]})
    written = run.export(tmp_path / "out.ipynb")
    notebook = nbformat.read(written, as_version=4)
    nbformat.validate(notebook)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert not any("agentnb" in source for source in sources)
    script = "\n".join(
        [
            "from IPython.core.interactiveshell import InteractiveShell",
            "shell = InteractiveShell()",
            f"for source in {['data = [1, 2, 3]', *sources]!r}:",
            "    shell.run_cell(source)",
            "assert shell.user_ns['agents_run'] == {'total': 6}, shell.user_ns.keys()",
        ]
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


# --- without IPython --------------------------------------------------------------------------------------------------


def test_a_plain_script_can_put_a_team_to_work(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio\n"
        "from agentnb import Agent, Team\n"
        "from agentnb.testing import ScriptedModel\n"
        "data = [1, 2, 3]\n"
        "model = ScriptedModel(['<code>\\nprint(sum(data))\\n</code>', '<code>\\nfinal_answer(data)\\n</code>'])\n"
        "async def main():\n"
        "    run = await Team(model=model).run('Add up.', namespace=globals())\n"
        "    assert run.result is data, run.record.reason\n"
        "    print('status', run.status)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "status done" in done.stdout


async def test_a_teams_agents_may_be_asked_without_a_namespace():
    run = await Team([Agent("quant", "fits")], model=acting(quant=[final("6 * 7")])).run(
        "Do.", agents=("quant",), show=False
    )
    assert run.result == 42
