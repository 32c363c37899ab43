"""The runs of a process: found by id, listed as they change, forgotten when they are many and over."""

import threading
import time

from agentnb.page import hub as module
from agentnb.page.hub import Hub
from agentnb.page.publisher import Publisher
from agentnb.record.document import Usage
from agentnb.record.events import ReplyEnded, RunEnded, RunStarted, StepStarted
from agentnb.record.redact import Redactor
from agentnb.run.recorder import Recorder


class Run:
    def __init__(self, run_id):
        self.id, self.recorder = run_id, Recorder(Redactor(namespace={}))

    @property
    def status(self):
        return self.recorder.record.status

    def tap(self, listener):
        return self.recorder.tap(listener)

    def begin(self):
        self.recorder.emit(RunStarted(run_id=self.id, task=f"task {self.id}", created="", generator=""))

    def end(self):
        self.recorder.emit(RunEnded(status="done"))


def quiet():
    """A hub whose rounds the test makes itself."""
    hub = Hub()
    hub._publisher.start = lambda: None
    return hub


async def test_runs_are_found_by_their_ids_until_many_others_have_ended(monkeypatch):
    monkeypatch.setattr(module, "KEPT", 2)
    hub = quiet()
    runs = [Run(str(n)) for n in range(4)]
    for run in runs:
        hub.add(run)
        run.begin()
        if run is not runs[0]:
            run.end()
        hub.publish()
    hub.add(Run("last"))
    assert [run.id for run in runs if hub.find(run.id)] == ["0", "2", "3"]
    assert hub.find("nobody") is None


async def test_the_list_is_sent_at_once_and_at_every_change_of_state():
    hub, told = quiet(), []
    end = hub.follow(told.append)
    assert hub.publish() == 1
    assert told == [{"kind": "runs", "runs": []}]
    run = Run("a")
    hub.add(run)
    run.begin()
    hub.publish()
    (entry,) = told[-1]["runs"]
    assert (entry["run_id"], entry["task"], entry["status"], entry["tokens"]) == ("a", "task a", "running", 0)
    assert hub.publish() == 0
    run.end()
    hub.publish()
    assert told[-1]["runs"][0]["status"] == "done"
    end()
    hub.add(Run("b"))
    hub.publish()
    assert len(told[-1]["runs"]) == 1


async def test_tokens_alone_change_the_list_rarely(monkeypatch):
    hub, told = quiet(), []
    hub.follow(told.append)
    run = Run("a")
    hub.add(run)
    run.begin()
    run.recorder.emit(StepStarted(step="s", task="t", agent="a", number=1))
    hub.publish()
    for _ in range(20):
        run.recorder.emit(ReplyEnded(step="s", thought="", usage=Usage(input_tokens=5)))
        hub.publish()
    assert len(told) == 1
    monkeypatch.setattr(module, "LIST_INTERVAL", 0.0)
    hub.publish()
    assert told[-1]["runs"][0]["tokens"] == 100


def test_the_publisher_keeps_its_pace_and_goes_on_after_a_fault(monkeypatch):
    rounds, slept = [], []

    def publish():
        rounds.append(time.perf_counter())
        if len(rounds) == 1:
            raise RuntimeError("once")
        return 60

    publisher = Publisher(publish, lambda: True)
    sleep = time.sleep

    def pace(seconds):
        if threading.current_thread() is not publisher._thread:  # of another test's
            return sleep(seconds)
        slept.append(seconds)
        return sleep(0.001)

    monkeypatch.setattr("agentnb.page.publisher.time.sleep", pace)
    publisher.start()
    publisher.start()
    publisher.wake()
    while len(slept) < 3:
        sleep(0.01)
    assert slept[:2] == [1 / 30, 60 / 120]
