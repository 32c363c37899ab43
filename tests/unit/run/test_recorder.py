"""Events get in from any thread, in one order; listeners hear of them on the loop."""

import asyncio

from agentnb.record.events import Noted, RunEnded, Said
from agentnb.record.redact import Redactor
from agentnb.run.recorder import Recorder


async def test_what_is_recorded_from_other_threads_is_in_order_and_listeners_hear_of_it_on_the_loop():
    recorder = Recorder(Redactor(namespace={}))
    tapped, heard = [], []
    here = asyncio.get_running_loop()
    recorder.tap(lambda event, record: tapped.append(event.seq))
    recorder.subscribe(lambda event, record: heard.append((event.seq, asyncio.get_running_loop() is here)))

    def emit():
        for _ in range(200):
            recorder.emit(Noted(step="s", text="x"))

    await asyncio.gather(*(asyncio.to_thread(emit) for _ in range(4)))
    recorder.emit(RunEnded(status="done"))
    assert tapped == list(range(801))
    assert heard == [(seq, True) for seq in range(801)]


async def test_an_event_that_a_listener_emits_comes_after_the_one_that_it_heard():
    recorder, heard = Recorder(Redactor(namespace={})), []

    def answer(event, record):
        if isinstance(event, Noted):
            recorder.emit(Said(sender="x", to="y", text="z"))

    recorder.subscribe(answer)
    recorder.subscribe(lambda event, record: heard.append(type(event).__name__))
    recorder.emit(Noted(step="s", text="x"))
    assert heard == ["Noted", "Said"]


async def test_events_after_the_loop_is_closed_are_recorded_all_the_same():
    def make():
        async def inner():
            return Recorder(Redactor(namespace={}))

        return asyncio.run(inner())

    recorder = await asyncio.to_thread(make)
    recorder.emit(RunEnded(status="done"))
    assert recorder.record.status == "done"
