"""Who is told of whose changes."""

from agentnb.record.document import Change, RunRecord, Task
from agentnb.run.conflicts import Conflicts

RECORD = RunRecord(
    tasks=[
        Task(id="t1", agent="lead", brief="", started_at=0.0),
        Task(id="t2", agent="first", brief="", parent="t1", started_at=1.0),
        Task(id="t3", agent="second", brief="", parent="t1", started_at=1.0),
        Task(id="t4", agent="later", brief="", parent="t1", started_at=5.0),
        Task(id="t5", agent="child", brief="", parent="t2", started_at=2.0),
    ]
)


def change(conflicts, task, at, name="df", scope="user"):
    return conflicts.note(RECORD, task, f"{task}.1", [Change(name=name, kind="rebound", scope=scope)], at)


def test_tasks_at_the_same_time_are_in_conflict():
    conflicts = Conflicts()
    assert change(conflicts, "t2", 2.0) == []
    (told,) = change(conflicts, "t3", 3.0)
    assert told.startswith("conflict: `df` was changed by first in step t2.1, and now by this step")


def test_one_after_the_other_they_are_not():
    conflicts = Conflicts()
    change(conflicts, "t2", 2.0)
    assert change(conflicts, "t4", 6.0) == []


def test_who_asked_and_who_was_asked_know_of_each_other():
    conflicts = Conflicts()
    change(conflicts, "t5", 3.0)
    assert change(conflicts, "t2", 4.0) == []
    assert change(conflicts, "t1", 4.5) == []
    (told,) = change(conflicts, "t3", 5.0)
    assert "child in step t5.1, then first in step t2.1" in told


def test_an_agents_own_variables_and_other_names_count_for_nothing():
    conflicts = Conflicts()
    change(conflicts, "t2", 2.0)
    assert change(conflicts, "t3", 3.0, name="other") == []
    assert change(conflicts, "t3", 3.0, scope="second") == []
