"""Rows 27, 28, 31 to 37: what code does to variables and outputs, runs within runs, agents in each other's way."""

from __future__ import annotations

import json

import pytest

from tests.faults.harness import ended
from tests.kernel.work import LOAD, reply, run_done, team, work


def member(name: str, *codes: str, mode: str = "scratch") -> str:
    """The source of a specialist that runs these codes and answers."""
    replies = [reply(code) for code in (*codes, "final_answer('ok')")]
    return f"Agent({name!r}, 'works', mode={mode!r}, model=ScriptedModel({replies!r}))"


def test_fault_27_deleted_variables_are_flagged(agents_kernel):
    agents_kernel.run("df = [1, 2, 3]", check=True)
    ran = run_done(agents_kernel, "del df", "'next'")
    assert ran.first.changes == [("deleted", "df", "user")]


def test_fault_27_reset(agents_kernel):
    agents_kernel.run("df, other = [1, 2, 3], 5", check=True)
    try:
        ran = ended(work(agents_kernel, "%reset -f", "1 + 1"), "done")
    finally:
        agents_kernel.run(LOAD, check=True)
    assert {("deleted", "df", "user"), ("deleted", "other", "user")} <= set(ran.first.changes)
    assert ran.steps[1].text == "2\n"


def test_fault_28_a_change_in_place_is_flagged(agents_kernel):
    agents_kernel.run("import pandas as pd\ndf = pd.DataFrame({'a': [1, 2], 'b': [3, 4]})", check=True)
    ran = run_done(agents_kernel, "df.drop(columns='b', inplace=True)")
    assert ran.first.changes == [("mutated", "df", "user")]
    agents_kernel.run("df = pd.DataFrame({'a': [1, 2], 'b': [3, 4]})", check=True)
    helper = member("helper", "df.drop(columns='b', inplace=True)")
    ran = run_done(agents_kernel, "await helper('look at df')", members=helper)
    (step,) = [step for step in ran.steps if step.changes]
    assert (step.agent, step.changes) == ("helper", [("mutated", "df", "user")])


FLOODS = {
    "one-print": "print('a' + 'x' * 50_000_000 + 'z')",
    "by-the-stream": "import sys\nfor _ in range(500): sys.stdout.write('a' + 'x' * 100_000 + 'z')",
    "a-process": "import os\nos.system(\"head -c 50000000 /dev/zero | tr '\\\\0' x; echo z\");",
    "a-command": "!head -c 3000000 /dev/zero | tr '\\0' x; echo z",
}


@pytest.mark.parametrize("how", FLOODS)
def test_fault_31_50_mb_on_stdout(agents_kernel, how):
    ran = run_done(agents_kernel, FLOODS[how])
    assert len(ran.first.text) < 200_000
    assert "characters left out" in ran.first.text
    assert ran.first.text.rstrip().endswith("z")
    assert len(ran.cell.text) < 200_000


def test_fault_31_what_a_child_that_was_left_running_prints_is_its_steps(agents_kernel):
    child = "import subprocess\nchild = subprocess.Popen('sleep 0.3; echo late; echo bad >&2', shell=True)"
    ran = run_done(agents_kernel, child, "import subprocess, time\nsubprocess.run(['echo', 'mine'])\ntime.sleep(0.8)")
    assert ran.first.text == "[late] late\n[late] bad\n"
    assert ran.steps[1].text.startswith("mine\n")
    assert "late" not in ran.steps[1].text


def test_fault_32_200_000_short_prints(agents_kernel):
    ran = run_done(agents_kernel, "for i in range(200_000): print(i)")
    assert ran.first.text.startswith("0\n1\n2\n")
    assert ran.first.text.endswith("199998\n199999\n")
    assert len(ran.first.outputs) == 1
    assert agents_kernel.eval("agents_run.record.seq") < 300


def test_fault_33_a_table_of_300_000_rows(agents_kernel):
    code = "import pandas as pd\nbig = pd.DataFrame({'n': range(300_000), 't': 'text'})\nbig"
    unbounded = "pd.set_option('display.max_rows', None)\nbig.head(20_000)"
    ran = run_done(agents_kernel, code, "big.head(50_000).to_string()", "print(big)", unbounded)
    agents_kernel.run("pd.reset_option('display.max_rows')\ndel big", check=True)
    assert "300000 rows" in ran.first.text.replace(",", "")
    assert "big" in [name for _, name, _ in ran.first.changes]
    for step in ran.steps:
        assert len(json.dumps(step.outputs)) < 300_000
    assert len(json.dumps(ran.cell.outputs)) < 2_000_000


ODD = {
    "nan": "float('nan')",
    "infinite": "[float('inf'), {float('nan'): 1}]",
    "cyclic": "cycle = []\ncycle.append(cycle)\ncycle",
    "surrogate": "'\\ud800 alone'",
    "unpicklable": "(lambda: 1, open('/dev/null'), (n for n in ()), __import__('threading').Lock())",
    "nul": "'\\0'",
    "big-int": "10 ** 5000",
    "json-display": "from IPython.display import display\n"
    "display({'application/json': {'a': float('nan'), 'b': {1: {2}}}}, raw=True)\n'\\udfff'",
}


@pytest.mark.parametrize("what", ODD)
def test_fault_34_the_record_is_valid_json(agents_kernel, tmp_path, what):
    value = ODD[what].rpartition("\n")[2]
    agents_kernel.run(team("_team", ODD[what], f"final_answer({value})"), check=True)
    cell = agents_kernel.run("%%agents -t _team --new\nDo it.")
    path = tmp_path / "record.json"
    agents_kernel.run(f"%agents record {path}", check=True)
    record = json.loads(path.read_bytes().decode("utf-8"), parse_constant=_refuse)
    assert record["status"] == "done"
    assert len(record["steps"]) == 2
    json.dumps(cell.outputs, allow_nan=False).encode()


def _refuse(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


def test_fault_35_a_run_within_a_run(agents_kernel):
    ran = ended(work(agents_kernel, "%%agents\nmore", "await Team().run('more')", "Team().start('more')"), "done")
    assert "agents cannot start runs" in ran.first.failure + ran.first.text
    assert "agents cannot start runs" in ran.steps[1].failure
    assert "agents cannot start runs" in ran.steps[2].failure


@pytest.mark.parametrize("call", ["asyncio.run(asyncio.sleep(0))", "asyncio.get_event_loop().run_until_complete(f())"])
def test_fault_36_asyncio_run(agents_kernel, call):
    ran = ended(work(agents_kernel, f"async def f(): pass\n{call}", "'next'"), "done")
    assert any("write `await ...` at top level" in note for note in ran.first.notes)
    assert "'next'\n" in ran.steps[1].text


def test_fault_37_two_agents_write_one_name(agents_kernel):
    agents_kernel.run("total = 0", check=True)
    first = member("first", "await asyncio.sleep(0.1)\ntotal = 'of first'", mode="live")
    second = member("second", "await asyncio.sleep(0.4)\ntotal = 'of second'", mode="live")
    code = "await asyncio.gather(first('count'), second('count'))"
    ran = run_done(agents_kernel, code, members=f"{first}, {second}")
    notes = {step.agent: step.notes for step in ran.steps if step.changes}
    assert notes["first"] == []
    assert any("conflict: `total` was changed by first in step" in note for note in notes["second"])
    assert agents_kernel.eval("total") == "of second"


def test_fault_37_one_object_changed_in_place_by_two(agents_kernel):
    agents_kernel.run("shared = []", check=True)
    members = ", ".join(
        member(name, f"await asyncio.sleep({wait})\nshared.append({name!r})")
        for name, wait in (("first", 0.1), ("second", 0.4))
    )
    ran = run_done(agents_kernel, "await asyncio.gather(first('add'), second('add'))", members=members)
    told = [note for step in ran.steps for note in step.notes if "conflict: `shared`" in note]
    assert len(told) == 1
    assert agents_kernel.eval("shared") == ["first", "second"]


def test_fault_37_work_that_is_handed_on_is_no_conflict(agents_kernel):
    agents_kernel.run("total = 0", check=True)
    members = ", ".join(member(name, f"total = {name!r}", mode="live") for name in ("first", "second"))
    ran = run_done(agents_kernel, "await first('count')\nawait second('count')\ntotal = 'mine'", members=members)
    assert not [note for step in ran.steps for note in step.notes if "conflict" in note]
