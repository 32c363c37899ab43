"""Exported notebooks run in a kernel that has no agentnb, and bind the result that the run had."""

from __future__ import annotations

import asyncio
import textwrap

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from agentnb.record.document import MIME_TYPE, Change, Member, Message, RunRecord, Step, StepTiming, Task
from agentnb.views.notebook import export_cells, export_notebook
from agentnb.views.notebook_source import plain_cell

BLOCK = """
import sys

class NoAgents:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"agentnb", "smolagents"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, NoAgents())
"""


def step(task: str, number: int, code: str, **more) -> Step:
    timing = StepTiming(asked_at=0.0, replied_at=1.0, code_started_at=1.0, code_ended_at=2.0)
    more = {"status": "done", "thought": f"Thought {number} of {task}.", "agent": "x"} | more
    return Step(id=f"{task}.{number}", task=task, number=number, code=textwrap.dedent(code), timing=timing, **more)


def task(name: str, agent: str, brief: str = "", parent_step: str | None = None, **more) -> Task:
    return Task(id=name, agent=agent, brief=brief, parent_step=parent_step, **({"status": "completed"} | more))


def run(cells) -> dict[str, str]:
    """Execute the cells with agentnb blocked; returns what the last cell printed, by line ``name=value``."""
    notebook = new_notebook(cells=[new_code_cell(BLOCK), *cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.validate(notebook)
    asyncio.run(NotebookClient(notebook, timeout=60).async_execute())
    text = "".join(output.get("text", "") for output in notebook.cells[-1].outputs)
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def team() -> RunRecord:
    """A run that uses everything: parallel calls, own scopes, magics, nested teams, failures, hiring, questions."""
    tasks = [
        task("t1", "coordinator", "all"),
        task("t2", "ingest", "load it", "t1.1"),
        task("t3", "quant", "second", "t1.2"),
        task("t4", "quant", "first", "t1.2"),
        task("t5", "clerk", "add up", "t4.1"),
        task("t6", "ingest", "once more", "t1.3"),
        task("t7", "broken", "cannot", "t1.4", status="failed"),
        task("t8", "writer", "note", "t1.5"),
    ]
    steps = [
        step("t1", 1, 'clean = await ingest("load it", data=raw, factor=2)\nprint(clean)'),
        step("t2", 1, 'raw = [x * factor for x in data]  # shadows the user\'s\nimport math\n"an expression"'),
        step(
            "t2",
            2,
            "def total():\n    return math.fsum(raw)\n\n%time y = 1\nkinds = !echo shell\nboom()",
            status="failed",
        ),
        step("t2", 3, "assert total() == sum(raw)\nfinal_answer(raw)\nnever()"),
        step(
            "t1",
            2,
            """
            import asyncio
            df = 0
            first, second = await asyncio.gather(
                quant("first", data=clean), quant("second", data=clean), return_exceptions=False
            )
            """,
        ),
        step("t3", 1, "await asyncio.sleep(0.02)\nmine = max(data)"),
        step("t3", 2, "final_answer(mine)"),
        step("t4", 1, "mine = await clerk('add up', numbers=data)\nif mine:\n    final_answer(mine)\nnever()"),
        step("t5", 1, "df = sum(numbers)\nfinal_answer(df)"),
        step("t1", 3, 'again = await ingest("said otherwise", data=None)'),
        step("t6", 1, "shared.append(len(raw))\nseen = total()\nfinal_answer((raw, seen))"),
        step("t1", 4, 'left = "kept"\nawait broken("cannot")', status="failed"),
        step("t7", 1, "1 / 0", status="failed"),
        step(
            "t1",
            5,
            """
            writer = hire("writer", "writes")
            note = await writer("note", about=again)
            name = await ask_user("Who?")
            """,
        ),
        step("t8", 1, "title = 'Set by the writer'\nfinal_answer(f'{about[0]} and more')"),
        step(
            "t1",
            6,
            'dismiss("writer")\nfinal_answer(\n    {"first": first, "second": second,  # both\n     "note": note}\n)',
        ),
    ]
    steps[-2].changes = [Change(name="title", kind="added", after="str", scope="user")]
    roster = [Member(name="coordinator", kind="coordinator", mode="live")]
    roster += [Member(name=name) for name in ("ingest", "quant", "clerk", "broken")]
    said = [
        Message(at=1, sender="coordinator", to="user", text="Who?"),
        Message(at=2, sender="user", to="coordinator", text="Ada"),
    ]
    return RunRecord(
        run_id="r1",
        task="Do all",
        status="done",
        roster=roster,
        tasks=tasks,
        steps=steps,
        result_name="answer",
        messages=said,
    )


def test_a_team_runs_again_without_agentnb():
    names = ("answer", "raw", "df", "again", "shared", "left", "title", "name")
    look = new_code_cell(f'for _n in {names}:\n    print(f"{{_n}}={{globals()[_n]!r}}")')
    cells = [new_code_cell("raw = [1, 2, 3]\nshared = []"), *export_cells(team()), look]
    assert run(cells) == {
        "answer": "{'first': 12, 'second': 6, 'note': '[2, 4, 6] and more'}",
        "raw": "[1, 2, 3]",
        "df": "0",
        "again": "([2, 4, 6], 12.0)",
        "shared": "[3]",
        "left": "'kept'",
        "title": "'Set by the writer'",
        "name": "'Ada'",
    }


def single() -> RunRecord:
    return RunRecord(
        run_id="r2",
        task="Count",
        status="done",
        tasks=[task("t1", "coordinator")],
        steps=[
            step("t1", 1, 'kept = """two\nlines"""\nraise KeyError("x")', status="failed"),
            step("t1", 2, "# a comment\nn = len(kept)\nfinal_answer(n)"),
        ],
    )


def test_one_agent_alone_becomes_truly_plain_cells():
    cells = export_cells(single())
    assert [cell.cell_type for cell in cells] == ["markdown", "markdown", "code", "markdown", "code"]
    assert cells[-1].source == "# a comment\nn = len(kept)\nagents_run = n\nagents_run"
    assert run([*cells, new_code_cell('print(f"n={agents_run}")')]) == {"n": "9"}


def test_a_notebook_of_the_users_runs_without_agentnb():
    bundle = {MIME_TYPE: {"run_id": "r2"}, "text/plain": ""}
    ours = new_output("display_data", data=bundle)
    nb = new_notebook(
        cells=[
            new_markdown_cell("# Mine"),
            new_code_cell("%load_ext agentnb\nfrom agentnb import Agent, Team\nbase = 1"),
            new_code_cell("desk = Team([\n    Agent('a', 'b'),\n])\nmore = 2"),
            new_code_cell("before = 5\nrun = await desk.run('Count')\nafter = before + run.result", outputs=[ours]),
            new_code_cell("%%agents\nCount once more"),
            new_code_cell("desk.hire('x', 'y')\n%agents team"),
            new_code_cell(
                'print(f"n={agents_run.result + run.result}")\nprint(f"after={after}")\nprint(f"sum={base + more}")'
            ),
        ]
    )
    second = single()
    second.run_id = "r3"
    plain = export_notebook(nb, [single(), second])
    assert run(plain.cells) == {"n": "18", "after": "14", "sum": "3"}
    assert nb.cells[1].source.startswith("%load_ext")


def test_a_run_that_failed_says_so():
    record = single()
    record.status, record.reason, record.steps = "limit", "The budget was used up.", record.steps[:1]
    assert "The budget was used up." in export_cells(record)[-1].source


def test_code_that_never_ran_is_left_out():
    record = single()
    record.steps = [step("t1", 1, "danger()", status="rejected")]
    assert not [cell for cell in export_cells(record) if cell.cell_type == "code"]


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("final_answer(1)", "r = 1\nr"),
        ("final_answer(\n  a +\n  b\n)", "r = (a +\n  b)\nr"),
        ("final_answer(answer=x)", "r = x\nr"),
        ("%time y = 2\nfinal_answer(y)", "%time y = 2\nr = y\nr"),
        ("x = 1", "x = 1"),
        ("%%bash\nls", "%%bash\nls"),
    ],
)
def test_the_answer_becomes_an_assignment(code, source):
    assert plain_cell(code, name="r").source == source


@pytest.mark.parametrize("code", ["if x:\n    final_answer(1)", "a = 1; final_answer(a)", "f = final_answer\nf(1)"])
def test_an_answer_that_is_not_a_plain_statement_is_caught(code):
    cell = plain_cell(code, name="r")
    assert cell.needs_runner
    compile(cell.source, "cell", "exec")


def test_broken_code_becomes_comments():
    source = plain_cell("x = = 1\nprint(", name="r", failed=True).source
    assert all(line.startswith("#") for line in source.splitlines())


def test_asyncio_is_there_without_an_import_as_in_agents_code():
    record = single()
    record.steps = [step("t1", 1, "n = (await asyncio.gather(asyncio.sleep(0, 9)))[0]\nfinal_answer(n)")]
    assert run([*export_cells(record), new_code_cell('print(f"n={n}")')]) == {"n": "9"}


def test_of_a_run_the_result_stays_and_what_else_it_does_becomes_a_comment():
    bundle = {MIME_TYPE: {"run_id": "r2"}, "text/plain": ""}
    record = single()
    record.result_name = "answer"
    nb = new_notebook(
        cells=[
            new_code_cell("%%agents -o answer\nCount", outputs=[new_output("display_data", data=bundle)]),
            new_code_cell("agents_run.plot()"),
            new_code_cell("agents_run"),
            new_code_cell("n = agents_run.result\nagents_run = 1"),
            new_code_cell('print(f"n={n}")\nprint(f"own={agents_run}")'),
        ]
    )
    plain = export_notebook(nb, [record])
    assert run(plain.cells) == {"n": "9", "own": "1"}
    assert [cell.source for cell in plain.cells if "plot" in cell.source] == ["# agents_run.plot()"]
