import os
import signal
import subprocess
import sys

import pytest

from agentnb.errors import RecordError
from agentnb.record import events as ev
from agentnb.record.fold import fold
from agentnb.record.journal import KEPT, Journal, journal_folder, read_journal

START = ev.RunStarted(run_id="r", task="Do it", created="", generator="")


def test_what_is_written_is_read(tmp_path):
    with Journal.open("r/../1", tmp_path) as journal:
        journal.append(START)
        journal.append(ev.ReplyDelta(step="s", text="I"))
        journal.append(ev.Said(seq=2, at=1.0, sender="you", to="quant", text="line\nbreak \ud800"))
        journal.append(ev.RunEnded(seq=3, at=2.0, status="done"))
    assert journal.path.parent == tmp_path
    events = read_journal(journal.path)
    assert [type(event) for event in events] == [ev.RunStarted, ev.Said, ev.RunEnded]
    assert fold(events).status == "done"


@pytest.mark.skipif(os.name == "nt", reason="POSIX file modes")
def test_only_the_owner_can_read_it(tmp_path):
    with Journal(tmp_path / "r.jsonl") as journal:
        assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_and_a_missing_end_make_a_crashed_run(tmp_path):
    with Journal(tmp_path / "r.jsonl") as journal:
        journal.append(START)
        journal.append(ev.TaskAdded(seq=1, at=1.5, task="t", agent="a", brief="b"))
    with journal.path.open("ab") as file:
        file.write(b'{"type":"task_changed","task":"t","sta')
    record = fold(read_journal(journal.path))
    assert (record.status, record.tasks[0].status, record.timing.elapsed) == ("crashed", "failed", 1.5)
    assert record.reason


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_loses_nothing_that_was_appended(tmp_path):
    code = f"""
import os, signal
from agentnb.record import events as ev
from agentnb.record.journal import Journal
journal = Journal({str(tmp_path / "r.jsonl")!r})
journal.append(ev.RunStarted(run_id="r", task="t", created="", generator=""))
for number in range(100):
    journal.append(ev.Said(seq=number + 1, sender="a", to="b", text=str(number)))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert done.returncode == -signal.SIGKILL
    record = fold(read_journal(tmp_path / "r.jsonl"))
    assert (len(record.messages), record.status) == (100, "crashed")


def test_only_the_newest_are_kept(tmp_path):
    for number in range(KEPT + 5):
        path = tmp_path / f"old{number}.jsonl"
        path.write_text("")
        os.utime(path, (number, number))
    with Journal.open("new", tmp_path):
        left = {path.stem for path in tmp_path.glob("*.jsonl")}
    assert len(left) == KEPT
    assert {"new", f"old{KEPT + 4}"} <= left
    assert "old0" not in left


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_ends_the_journal_and_not_the_run():
    with Journal("/dev/full") as journal:
        journal.append(START)
        assert journal.fault is not None
        journal.append(START)
    journal.append(START)


def test_the_folder_is_here_or_in_jupyters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    assert journal_folder() == tmp_path / ".agentnb" / "runs"
    (tmp_path / ".agentnb").write_text("a file in the way")
    assert journal_folder() == tmp_path / "jupyter" / "agentnb" / "runs"


def test_no_journal(tmp_path):
    with pytest.raises(RecordError, match="cannot be read"):
        read_journal(tmp_path / "none.jsonl")
    (tmp_path / "other.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(RecordError, match="holds no run"):
        read_journal(tmp_path / "other.jsonl")
