"""``best_of`` from the person's own cells and scripts: tries in branches of a real kernel, one of them merged."""

import subprocess
import sys

import pytest

from tests.kernel.cells import CellResult
from tests.kernel.driver import Kernel
from tests.kernel.work import reply

SETUP = """
from agentnb import best_of
import itertools
numbers = list(range(3))
of_tries = itertools.count(1)
def one_try(messages):
    if any(m['role'] == 'assistant' for m in messages):
        return '<code>\\nfinal_answer(made)\\n</code>'
    number = next(of_tries)
    if number == 4: return '<code>\\nwhile True: pass\\n</code>'
    return f'<code>\\nmade = {number % 3}\\nnumbers.append(made)\\nassert data == 7\\n</code>'
def trier(first=1, **settings):
    global of_tries
    of_tries = itertools.count(first)
    return Agent('quant', 'tries', model=ScriptedModel(one_try), **settings)
def asked(answer): return ScriptedModel([f'<code>\\nfinal_answer({answer})\\n</code>'])
"""


@pytest.fixture
def kernel(agents_kernel: Kernel):
    agents_kernel.run(SETUP, check=True)
    yield agents_kernel
    agents_kernel.run("for name in ['made', 'run']: globals().pop(name, None)", check=True)


def best(kernel: Kernel, arguments: str, **options: object) -> CellResult:
    return kernel.run(f"run = await best_of({arguments})", check=True, timeout=60, **options)


@pytest.mark.parametrize(("judge", "made"), [("lambda made: made", 2), ("lambda made: -made", 0), ("None", 1)])
def test_the_best_try_is_merged_the_others_are_dropped_and_all_are_in_the_record(kernel, judge, made):
    cell = best(kernel, f"trier(), 'try', n=3, judge={judge}, data=7")
    assert kernel.eval("run.status, run.result, made, numbers, 'data' in dir()") == (
        "done", made, made, [0, 1, 2, made], False,
    )  # fmt: skip
    assert kernel.eval("[(t.agent, t.status, t.parent) for t in run.tasks]") == [("quant", "completed", None)] * 3
    notes = kernel.eval("[(step.final, note) for step in run.steps for note in step.notes]")
    assert sorted(note.partition(":")[0] for final, note in notes if final) == ["dropped", "dropped", "kept"]
    assert kernel.eval("sorted((c.kind, c.name) for c in run.changes)") == [("added", "made"), ("mutated", "numbers")]
    kept = kernel.eval("next(s.task for s in run.steps if s.final and s.changes)")
    number = 1 + kernel.eval(f"[t.id for t in run.tasks].index({kept!r})")
    assert kernel.eval("run.record.messages[-1].text") == f"of quant's 3 tries number {number} is kept"
    assert "quant" in cell.text


def test_undo_takes_the_winner_back(kernel):
    best(kernel, "trier(), 'try', judge=lambda made: made, data=7")
    kernel.run("run.undo()", check=True)
    assert kernel.eval("numbers, 'made' in dir()") == ([0, 1, 2], False)
    assert kernel.eval("[s.notes[-1].partition(':')[0] for s in run.steps if s.undone]") == ["kept"]


@pytest.mark.parametrize(
    ("judge", "agent"),
    [("Agent('referee', 'judges', model=asked('candidates.index(0)'))", "referee"), ("'the smallest'", "quant")],
)
def test_an_agent_may_judge(kernel, judge, agent):
    if agent == "quant":  # the same agent judges: its fourth task is the judge's
        kernel.run(
            "plain = one_try\ndef one_try(messages):\n"
            "    judged = any('the smallest' in str(m['content']) for m in messages if m['role'] == 'user')\n"
            "    return '<code>\\nfinal_answer(candidates.index(0))\\n</code>' if judged else plain(messages)",
            check=True,
        )
    best(kernel, f"trier(), 'try', judge={judge}, data=7")
    assert kernel.eval("run.status, run.result, made") == ("done", 0, 0)
    assert kernel.eval("run.tasks[-1].agent") == agent


def test_what_the_person_changed_meanwhile_is_kept_under_both_names(kernel):
    best(kernel, "trier(), 'try', judge=lambda made: numbers.append('mine') or made, data=7")
    assert kernel.eval("numbers[:4], numbers_quant, made") == ([0, 1, 2, "mine"], [0, 1, 2, 2], 2)
    kernel.run("del numbers_quant", check=True)


def test_a_try_that_fails_is_left_out_and_a_budget_ends_the_run(kernel):
    best(kernel, "trier(), 'try', judge=lambda made: made, data=7, budget='4 steps'")
    assert kernel.eval("run.status, run.result, 'made' in dir()") == ("limit", None, False)
    best(kernel, "trier(first=2, timeout=1, max_steps=2), 'try', n=3, judge=lambda made: made, data=7")
    # as the person sees them: by their number, not by the ids of their tasks
    told = kernel.eval("[m.text for m in run.record.messages] + [s.notes[-1] for s in run.steps if s.notes]")
    failed = 1 + kernel.eval("[t.status for t in run.tasks].index('failed')")
    kept, dropped = (
        1 + kernel.eval(f"[t.result and t.result['text/plain'] for t in run.tasks].index({made!r})") for made in "20"
    )
    assert f"of quant's 3 tries number {kept} is kept; failed: {failed}" in told
    assert f"kept: try {kept} of 3" in told
    assert f"dropped: try {dropped} of 3, {kept} is better" in told
    assert kernel.eval("run.status, run.result, made") == ("done", 2, 2)
    assert sorted(kernel.eval("[t.status for t in run.tasks]")) == ["completed", "completed", "failed"]


@pytest.mark.parametrize(("answer", "merged"), [("y", True), ("n", False)])
def test_with_approval_the_winners_difference_alone_is_put_to_the_person(kernel, answer, merged):
    arguments = "trier(), 'try', n=2, judge=lambda made: made, approve='ask', data=7"
    best(kernel, arguments, stdin=["y", "y", answer])
    kinds = kernel.eval("[r.kind for r in run.record.requests]")
    assert kinds == ["action", "action", "merge"]
    assert kernel.eval("run.status, 'made' in dir()") == ("done", merged)


def test_an_interrupt_stops_all_tries(kernel):
    cell = kernel.send("run = await best_of(trier(first=4), 'try', n=3, data=7)")
    kernel.until(lambda: "while True" in cell.text, what="the endless try")
    kernel.interrupt()
    kernel.wait(cell, timeout=20)
    assert kernel.eval("'made' in dir(), numbers") == (False, [0, 1, 2])
    assert kernel.run("1 + 1").result["text/plain"] == "2"


TEAM = """
of_tries = itertools.count(1)
def say(code): return f'<code>\\n{code}\\n</code>'
helper = Agent('helper', 'helps', model=ScriptedModel(lambda messages: say('final_answer(10)')))
lead = ScriptedModel(lambda messages: say(f'made = {next(of_tries)} + await helper("go")\\nfinal_answer(made)'))
desk = Team([helper], model=lead, name='desk', role='helps')
"""


def test_a_team_can_be_tried_too(kernel):
    kernel.run(TEAM, check=True)
    best(kernel, "desk, 'try', n=2, judge=lambda made: made")
    assert kernel.eval("run.record.reason, run.status, run.result, made") == (None, "done", 12, 12)
    assert sorted(kernel.eval("[t.agent for t in run.tasks]")) == ["desk", "desk", "helper", "helper"]
    kernel.run("del helper, lead, desk", check=True)


def test_a_recording_is_played_with_the_judge_of_today(kernel):
    best(kernel, "trier(), 'try', judge=lambda made: made, data=7")
    kernel.run("import msgspec, os; open('run.json', 'wb').write(msgspec.json.encode(run.record))", check=True)
    kernel.run("os.environ['AGENTNB_REPLAY'] = 'run.json'; made = -1", check=True)
    best(kernel, "Agent('quant', 'tries'), 'try', judge=lambda made: -made, data=7")
    assert kernel.eval("run.record.replayed, run.status, run.result, made") == (True, "done", 0, 0)
    kernel.run("del os.environ['AGENTNB_REPLAY']", check=True)


def test_in_a_coordinators_code_it_is_the_coordinators_own(kernel):
    code = "got = await best_of(quant, 'try', n=3, judge=lambda made: made, data=7)"
    replies = [reply(code), reply("final_answer(got)")]
    kernel.run(f"quant = trier()\n_team = Team([quant], model=ScriptedModel({replies!r}))", check=True)
    kernel.run("%%agents -t _team --new\nDo it.", check=True)
    assert kernel.eval("agents_run.status, agents_run.result, made") == ("done", 2, 2)
    marks = kernel.eval("[n.partition(':')[0] for s in agents_run.steps for n in s.notes if s.agent == 'quant']")
    assert sorted(marks) == ["dropped", "dropped", "kept"]
    kernel.run("del quant, got, _team", check=True)


def test_a_mistake_is_one_sentence(kernel):
    for arguments, said in [
        ("'quant', 'try'", "quant is an Agent"),
        ("trier(), 'try', n=99", "from 1 to 16"),
        ("trier(), 'try', judge=3", "judge= of best_of"),
        ("Team([trier()]), 'try'", "needs a name and a role"),
        ("Team([trier()], name='desk', mode='live'), 'try'", "leave its mode='live' out"),
    ]:
        assert said in kernel.run(f"await best_of({arguments})").text


def test_where_there_can_be_no_branch_the_tries_run_in_scratch_and_a_script_can_do_it_too(tmp_path):
    script = tmp_path / "tries.py"
    # whose threads would not survive a fork
    threads = "import polars as pl, asyncio\npl.DataFrame({'a': range(3000)}).group_by('a').agg(pl.len())"
    script.write_text(
        f"{threads}\nfrom agentnb import Agent, best_of\n"
        "from agentnb.testing import ScriptedModel\nmade = 0\n"
        "model = ScriptedModel(lambda messages: '<code>\\nmade = 5\\nfinal_answer(x + made)\\n</code>')\n"
        "run = asyncio.run(best_of(Agent('quant', 'tries', model=model), 'try', n=2, x=1, show=False))\n"
        "print(run.status, run.result, made, len(run.tasks))\n"
        "print([m.text for m in run.record.messages if 'scratch' in m.text][0])\n"
    )
    came = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert came.returncode == 0, came.stderr
    assert came.stdout.startswith("done 6 0 2\n"), came.stdout + came.stderr
    assert "in scratch, not in a branch: polars" in came.stdout
