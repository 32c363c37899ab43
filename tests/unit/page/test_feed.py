"""A feed sends all that happens, once, in order; its snapshot is the fold of what it has sent."""

import contextvars
import threading

from hypothesis import given
from hypothesis import strategies as st

from agentnb.page.feed import Feed
from agentnb.record.codec import decode_event, to_dict
from agentnb.record.document import RunRecord
from agentnb.record.events import OutputAdded, ReplyDelta, RunEnded, RunStarted, StepStarted
from agentnb.record.fold import Folder, fold
from agentnb.record.read import read_record
from tests.unit.record.strategies import sequences, timed

HEAD = [
    RunStarted(run_id="r", task="t", created="", generator=""),
    StepStarted(step="s", task="t", agent="a", number=1),
]


def feed():
    return Feed("r", lambda: None)


def printed(text):
    return OutputAdded(step="s", output={"output_type": "stream", "name": "stdout", "text": text})


class Page:
    """Folds what it is sent as the page does; an event that does not follow fails the test."""

    def __init__(self):
        self.kinds = []

    def __call__(self, message):
        self.kinds.append(message["kind"])
        if message["kind"] == "snapshot":
            self.folder = Folder(read_record(message["record"]))
            return
        for event in map(decode_event, message["events"]):
            assert event.seq == self.folder.record.seq
            self.folder.apply(event)

    @property
    def record(self):
        return self.folder.record


@given(sequences, st.lists(st.integers(0, 30), max_size=4), st.integers(0, 30))
def test_every_page_holds_what_happened_whenever_it_comes_and_whenever_batches_go(events, flushes, joins):
    sent, late = feed(), Page()
    pages = [Page()]
    sent.subscribe(pages[0])
    sent.flush()
    for number, event in enumerate(events):
        if number == joins:
            sent.subscribe(late)
            pages.append(late)
        sent.take(event)
        if number in flushes:
            sent.flush()
    sent.flush()
    whole = fold(events) if events else RunRecord()
    whole.run_id = whole.run_id or "r"
    assert [to_dict(page.record) for page in pages] == [to_dict(whole)] * len(pages)
    assert to_dict(read_record(sent.snapshot())) == to_dict(whole)


def test_a_batch_is_one_message_and_nothing_is_sent_twice():
    sent, page = feed(), Page()
    sent.subscribe(page)
    for event in timed([*HEAD, printed("a")]):
        sent.take(event)
    assert sent.flush() == 1
    assert sent.flush() == 0
    sent.take(OutputAdded(seq=3, step="s", output={"output_type": "stream", "name": "stdout", "text": "b"}))
    sent.take(ReplyDelta(seq=4, step="s", text="x"))
    assert sent.flush() == 1
    assert page.kinds == ["snapshot", "events"]


def test_resync_sends_another_snapshot_and_the_events_go_on_from_there():
    sent, page = feed(), Page()
    subscription = sent.subscribe(page)
    for event in timed(HEAD):
        sent.take(event)
    sent.flush()
    sent.resync(subscription)
    for seq in (2, 3):
        sent.take(OutputAdded(seq=seq, step="s", output={"output_type": "stream", "name": "stdout", "text": "b"}))
        sent.flush()
    assert page.kinds == ["snapshot", "snapshot", "events"]
    assert page.record.seq == 4


def test_an_output_that_the_code_goes_on_to_change_is_sent_as_it_was():
    held = {"rows": [1]}
    sent, page = feed(), Page()
    sent.subscribe(page)
    shown = {"output_type": "display_data", "data": {"application/json": held}, "metadata": {}}
    for event in timed([*HEAD, OutputAdded(step="s", output=shown)]):
        sent.take(event)
    held["rows"].append(2)
    sent.flush()
    assert page.record.steps[0].outputs[0]["data"]["application/json"] == {"rows": [1]}


def test_a_page_that_cannot_be_reached_is_let_go_and_the_others_are_told():
    def away(message):
        raise OSError("closed")

    sent, page = feed(), Page()
    sent.subscribe(away)
    sent.subscribe(page)
    for event in timed(HEAD):
        sent.take(event)
    assert sent.flush() == 2
    sent.take(printed("a"))
    assert sent.flush() == 1
    assert page.kinds == ["snapshot", "events"]


def test_messages_go_out_in_the_context_of_the_cell_that_began_the_run():
    cell = contextvars.ContextVar("cell", default="none")
    cell.set("first")
    sent, seen = feed(), []
    sent.subscribe(lambda message: seen.append(cell.get()))
    thread = threading.Thread(target=sent.flush)
    thread.start()
    thread.join()
    assert seen == ["first"]


def test_snapshots_from_many_threads_are_never_torn():
    sent = feed()
    taken, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            taken.append(sent.snapshot())

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for event in timed([*HEAD, *(printed(f"{n:05} ") for n in range(1500))]):
        sent.take(event)
    stop.set()
    for thread in threads:
        thread.join()
    for snapshot in taken[:: max(1, len(taken) // 50)]:
        texts = "".join(output["text"] for step in snapshot["steps"] for output in step["outputs"])
        assert texts == "".join(f"{n:05} " for n in range(max(0, snapshot["seq"] - 2)))


def test_a_run_has_ended_for_the_pages_once_they_were_told():
    sent = feed()
    for event in timed([*HEAD, RunEnded(status="done")]):
        sent.take(event)
    assert not sent.ended
    sent.flush()
    assert sent.ended
    assert sent.is_final
