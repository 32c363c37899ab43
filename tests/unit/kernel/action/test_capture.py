"""What an action prints: in order, bounded, cleared as asked, and not lost when it is late."""

import re
import sys
import threading

import pytest

from agentnb.kernel.action import capture
from agentnb.kernel.action.capture import FLUSH_AT, STREAM_LIMIT, Outlet, Publisher, flush_held, stream_pair
from tests.unit.kernel.actions import Outputs


@pytest.fixture
def outputs():
    return Outputs()


@pytest.fixture
def world(outputs):
    outlet = Outlet(outputs)
    streams = stream_pair(outlet)
    return (*streams, Publisher(outlet, streams, None))


def test_order_between_streams_and_displays(world, outputs):
    out, err, publisher = world
    out.write("a")
    err.write("b")
    out.write("c")
    publisher.publish({"text/plain": "d"})
    out.write("e")
    out.finish()
    assert outputs.text == "abcde"


def test_short_writes_are_joined_and_long_ones_cut_with_the_count(world, outputs):
    out, _, _ = world
    for _ in range(200_000):
        out.write("0123456789")
    out.finish()
    assert len(outputs) < 100
    left_out = 2_000_000 - STREAM_LIMIT - FLUSH_AT
    assert f"{left_out:,} characters left out" in outputs.text
    assert out.dropped == left_out
    assert outputs.text.endswith("0123456789")


def test_clear_output_drops_what_is_held_back_too(world, outputs):
    out, _, publisher = world
    out.write("old")
    publisher.clear_output()
    out.write("new")
    out.finish()
    assert outputs.text == "new"


@pytest.mark.parametrize("next_output", ["print", "display"])
def test_clear_output_with_wait_happens_with_the_next_output(world, outputs, next_output):
    out, _, publisher = world
    out.write("old")
    publisher.clear_output(wait=True)
    assert outputs.text == "old"
    if next_output == "print":
        out.write("new")
        out.flush()
    else:
        publisher.publish({"text/plain": "new"})
    assert outputs.text == "new"


def test_a_display_is_updated_wherever_it_was_shown(world, outputs):
    _, _, publisher = world
    for text in "ab":
        publisher.publish({"text/plain": text}, transient={"display_id": "i"})
    publisher.publish({"text/plain": "z"}, transient={"display_id": "i"}, update=True)
    assert outputs.text == "zz"


def test_a_stream_that_outlives_its_action_marks_whole_lines_and_writes_them_to_the_process(world, outputs, capsys):
    out, _, _ = world
    out.finish()
    out.write("la")
    out.write("te\nand later\nmore")
    assert capsys.readouterr().out == "[late] late\n[late] and later\n"
    assert outputs == []


def test_late_text_is_bounded(world, capsys):
    out, _, _ = world
    out.finish()
    for _ in range(3):
        out.write("x" * (capture.STREAM_LIMIT // 2) + "\n")
    assert len(capsys.readouterr().out) < capture.STREAM_LIMIT


def test_an_ended_stream_left_as_stdout_swallows_late_text(world, monkeypatch):
    out, _, _ = world
    out.finish()
    monkeypatch.setattr(sys, "stdout", out)
    assert out.write("late") == 4


def test_what_is_held_too_long_goes_out_with_the_next_write(world, outputs, monkeypatch):
    out, _, _ = world
    monkeypatch.setattr(capture, "FLUSH_AFTER", 0.0)
    out.write("a")
    assert outputs.text == "a"


def test_another_thread_passes_on_what_is_held_too_long_while_code_is_busy(world, outputs, monkeypatch):
    out, err, _ = world
    err.write("a")
    out.write("b")
    flush_held()
    assert outputs.text == "a"  # the order between the streams; the rest is young
    monkeypatch.setattr(capture, "FLUSH_AFTER", -1.0)
    thread = threading.Thread(target=flush_held)
    thread.start()
    thread.join()
    assert outputs.text == "ab"


def test_nothing_is_lost_or_doubled_between_writers_and_those_who_flush(world, outputs, monkeypatch):
    out, _, _ = world
    monkeypatch.setattr(capture, "FLUSH_AFTER", -1.0)
    monkeypatch.setattr(capture, "STREAM_LIMIT", 10_000_000)
    stop = threading.Event()

    def flush():
        while not stop.is_set():
            flush_held()

    flusher = threading.Thread(target=flush)
    writers = [threading.Thread(target=lambda n=n: [out.write(f"<{n}:{i}>") for i in range(2000)]) for n in range(4)]
    for thread in (flusher, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    flusher.join()
    out.finish()
    assert sorted(re.findall(r"<\d:\d+>", outputs.text)) == sorted(f"<{n}:{i}>" for n in range(4) for i in range(2000))


def test_a_thread_that_got_the_number_of_an_ended_one_prints_where_it_belongs(world, outputs):
    out, _, _ = world
    others = Outputs()
    other, _ = stream_pair(Outlet(others))
    go_on = threading.Event()
    first = threading.Thread(target=go_on.wait)
    first.start()
    capture.claim([first], other)
    go_on.set()
    first.join()
    second = threading.Thread(target=out.write, args=("mine",))
    while second.ident != first.ident:
        second = threading.Thread(target=out.write, args=("mine",))
        second.start()
        second.join()
    out.finish()
    other.finish()
    assert ("mine" in outputs.text, others.text) == (True, "")


def test_an_ended_action_is_not_flushed_any_more(world, outputs, monkeypatch):
    out, err, _ = world
    out.finish()
    err.finish()
    assert not {out, err} & capture._open
