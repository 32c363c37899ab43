"""What is read out of the journal of a crashed run, also of one that is damaged."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import given, settings, target
from hypothesis import strategies as st

from agentnb.errors import RecordError
from agentnb.record import events as ev
from agentnb.record.document import Usage
from agentnb.record.journal import Journal
from agentnb.record.journals import crashed_runs, find_journal
from agentnb.run.recovery.crash import Crash, is_finished, listing, summary
from agentnb.run.recovery.rehire import missing
from agentnb.run.recovery.retell import interruption, letter, turns
from agentnb.team.roster import Roster
from tests.unit.record.strategies import sequences

START = ev.RunStarted(run_id="r1", task="Count.", created="", generator="", budget="60k")


def journal(folder, *events):
    with Journal(folder / "r1.jsonl") as journal:
        for event in (START, *events):
            journal.append(event)
    return journal.path


def step(number, *, ended=True, began=True, code="x = 1", task="t1", agent="coordinator"):
    name = f"{task}.{number}"
    events = [ev.StepStarted(step=name, task=task, agent=agent, number=number, at=float(number))]
    events.append(ev.ReplyEnded(step=name, thought="Next.", code=code, usage=Usage(input_tokens=500, output_tokens=20)))
    if began:
        events.append(ev.ActionStarted(step=name, at=number + 0.5))
    if ended:
        events.append(ev.StepEnded(step=name, status="done", acted=True))
    return events


ASKED = [
    ev.TaskAdded(task="t1", agent="coordinator", brief="Count."),
    ev.TaskChanged(task="t1", status="in_progress"),
]
HELP = [
    ev.TaskAdded(task="t2", agent="quant", brief="Fit.", parent="t1", parent_step="t1.2"),
    ev.TaskChanged(task="t2", status="in_progress"),
]


def test_it_tells_where_the_run_stood(tmp_path):
    path = journal(tmp_path, *ASKED, *step(1), *step(2, ended=False), *HELP, *step(1, task="t2", agent="quant"))
    assert summary(Crash.load(path)).splitlines() == [
        "run r1 crashed: Count.",
        "2 steps finished, 1.6k tokens used of a budget of 60k",
        "0 of 1 task of specialists completed",
        "interrupted: coordinator, step 2 (its code was running)",
    ]


def test_code_that_would_run_again_is_listed_as_it_ran(tmp_path):
    specialist = step(1, task="t2", agent="quant", code="fit = 2")
    path = journal(
        tmp_path, *ASKED, *step(1), *step(2, ended=False, code="y = await quant('Fit.')"), *HELP, *specialist
    )
    crash = Crash.load(path)
    assert crash.played("no") == []
    assert listing(crash.played("finished")) == "# --- coordinator, step 1\nx = 1"
    assert [found.id for found in crash.played("all")] == ["t1.1", "t2.1", "t1.2"]
    assert "# --- coordinator, step 2, interrupted\ny = await quant('Fit.')" in listing(crash.played("all"))


def test_a_step_whose_code_had_not_begun_is_interrupted_too(tmp_path):
    path = journal(tmp_path, *ASKED, *step(1, ended=False, began=False))
    crash = Crash.load(path)
    assert [is_finished(found) for found in crash.record.steps] == [False]
    assert "Your step 1 was interrupted" in letter(crash, crash.roots[0], "no")


def test_runs_are_found_by_the_beginning_of_their_id_or_by_a_path(tmp_path):
    path = journal(tmp_path, *ASKED)
    assert find_journal("r", tmp_path) == find_journal("r1", tmp_path) == find_journal(str(path)) == path


@settings(deadline=None)
@given(sequences, st.booleans())
def test_no_journal_is_too_odd(events, torn):
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        path = journal(folder, *events)
        if torn:
            path.write_bytes(path.read_bytes()[:-3])
        assert len(crashed_runs(folder)) <= 1
        with contextlib.suppress(RecordError):
            crash = Crash.load(path)
            target(len(crash.record.steps))
            assert summary(crash)
            for rerun in ("no", "finished", "all"):
                listing(crash.played(rerun))
                missing(Roster(), crash, rerun)
                for task in crash.record.tasks:
                    letter(crash, task, rerun)
                    interruption(crash, task)
                    turns(crash.steps_of(task.id))
