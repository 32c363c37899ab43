"""Large arrays: the frozen fork, and what serves where it or the page table is not to be had."""

import mmap

import numpy as np
import pytest

from agentnb.kernel.namespace.changes import Watch
from agentnb.kernel.undo import frozen, memento, memory
from agentnb.kernel.undo.frozen import CannotFork, Freezer, Frozen
from agentnb.kernel.undo.memory import INLINE, Memory
from agentnb.kernel.undo.pages import PAGE, PagesUnknown, differing, view, written
from agentnb.kernel.undo.rollback import roll_back
from tests.unit.kernel.undo.acting import act

LARGE = 3_000_000  # elements, 24 MB: more than what is copied


@pytest.fixture
def space():
    return {"__name__": "__main__", "np": np, "arr": np.arange(float(LARGE)), "small": np.zeros(3)}


def check(space, code="arr[5] = -1; arr[2_000_000:2_000_010] = -2; small[1] = 1"):
    delta, changes = act(space, code)
    assert {"arr", "small"} == changes.keys()
    assert changes["arr"].detail == ["11 of 3,000,000 elements (5 … 2.00001e+06 → -2 … -1)"]
    assert delta.size < 100_000
    assert roll_back([delta], space).restored == ["arr", "small"]
    assert np.array_equal(space["arr"], np.arange(float(LARGE)))
    assert space["small"].tolist() == [0, 0, 0]


def test_a_frozen_fork_holds_what_was_written(space):
    check(space)


def test_without_a_page_table_bytes_are_compared(space, monkeypatch):
    def refused(*_):
        raise PagesUnknown("permission denied")

    monkeypatch.setattr(frozen, "written", refused)
    check(space)


def test_a_page_table_that_tells_nothing_is_not_believed(space, monkeypatch):
    monkeypatch.setattr(frozen, "written", lambda start, size: [])
    check(space)


def test_without_leave_to_read_other_processes_the_child_sends_it(space, monkeypatch):
    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(frozen, "read_other", refused)
    check(space)


def test_where_no_fork_is_to_be_had_arrays_are_copied(space, monkeypatch):
    def refused(*_):
        raise CannotFork("a thread computes")

    monkeypatch.setattr(frozen, "_fork", refused)
    check(space)


def test_what_is_too_large_to_be_copied_is_noticed_and_said(space, monkeypatch):
    monkeypatch.setattr(memento, "COPY_AT_MOST", 1 << 20)
    delta, changes = act(space, "arr[5] = -1; small[1] = 1", freeze=False)
    assert changes.keys() == {"arr", "small"}
    assert delta.lost == ["arr"]
    came = roll_back([delta], space)
    assert (came.lost, came.restored) == (["arr"], ["small"])
    assert space["arr"][5] == -1


def test_a_fork_inside_the_action_hides_no_writes(space):
    code = "arr[5] = -1\npid = os.fork()\nif not pid: time.sleep(60)\nsmall[1] = 1"
    import os
    import signal
    import time

    space |= {"os": os, "time": time, "signal": signal}
    delta, changes = act(space, code)
    assert {"arr", "small"} <= changes.keys()
    os.kill(space["pid"], signal.SIGKILL)
    os.waitpid(space["pid"], 0)
    roll_back([delta], space)
    assert space["arr"][5] == 5


def test_much_stays_in_the_fork_until_it_is_let_go():
    space = {"__name__": "__main__", "arr": np.ones(2 * INLINE // 8)}
    delta, _ = act(space, "arr *= 2")
    assert delta.writes.source is not None
    assert delta.size >= INLINE
    assert roll_back([delta], space).collisions == []
    assert (space["arr"] == 1).all()
    delta.close()
    assert delta.writes.source is None


def test_a_checkpoint_whose_process_is_gone_changes_nothing():
    space = {"__name__": "__main__", "arr": np.ones(2 * INLINE // 8), "n": 1}
    delta, _ = act(space, "arr *= 2; n = 2")
    delta.writes.source._frozen.close()
    with pytest.raises(OSError, match=r"process|Errno|file descriptor"):
        roll_back([delta], space)
    assert space["n"] == 2


def test_one_fork_serves_all_that_is_kept_before_an_action():
    freeze = Freezer()
    one, other = freeze(), freeze()
    assert one._frozen is other._frozen
    child = one._frozen._child
    one.close()
    one.close()
    assert child.alive
    other.close()
    assert child.wait(10) is not None


def test_the_fork_holds_the_memory_as_it_was():
    array = np.arange(100_000.0)
    held = Frozen()
    try:
        array[7] = -1
        start = array.ctypes.data
        assert held.read(start + 56, 8).view(float)[0] == 7
        assert any(begin <= start + 56 < begin + size for begin, size in held.changed(start, array.nbytes))
    finally:
        held.close()


def test_shared_memory_is_no_forks_to_freeze(space, tmp_path):
    path = tmp_path / "file.bin"
    space["filed"] = np.memmap(path, dtype=float, mode="w+", shape=3)
    space["private"] = np.frombuffer(mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), float)
    assert memory.is_shared(space["filed"])
    assert not memory.is_shared(space["private"])
    delta, changes = act(space, "filed[0] = 1; private[0] = 1")
    assert changes.keys() == {"filed", "private"}
    assert (delta.lost, changes["filed"].detail) == ([], ["1 of 3 elements (0 → 1)"])
    assert roll_back([delta], space).restored == ["filed", "private"]
    assert np.fromfile(path).tolist() == [0.0] * 3


def test_of_a_large_file_only_a_fingerprint_is_taken(space, tmp_path, monkeypatch):
    monkeypatch.setattr(memento, "INLINE", 16)
    space["filed"] = np.memmap(tmp_path / "file.bin", dtype=float, mode="w+", shape=3)
    delta, changes = act(space, "filed[0] = 1")
    assert (delta.lost, list(changes)) == (["filed"], ["filed"])


def test_what_a_resized_array_held_counts_for_the_budget():
    space = {"__name__": "__main__", "arr": np.zeros(500_000)}
    delta, _ = act(space, "arr.resize(10, refcheck=False)")
    assert delta.size > 4_000_000


def test_views_that_overlap_are_kept_once():
    base = np.arange(10.0)
    watched = Memory()
    for array in (base, base[2:5], base[::2], base[::-1]):
        watched.add(array)
    assert watched.spans() == [(base.ctypes.data, base.nbytes)]


def test_only_the_elements_of_a_view_count_as_its_own():
    space = {"__name__": "__main__", "arr": np.zeros((4, 4)), "np": np}
    space["even"] = space["arr"][:, ::2]
    assert act(space, "arr[0, 1] = 1")[1].keys() == {"arr"}
    assert act(space, "arr[0, 2] = 1")[1].keys() == {"arr", "even"}


@pytest.mark.parametrize("offset", [0, 1, 100, PAGE - 1])
def test_differing_pages(offset):
    rng = np.random.default_rng(offset)
    start = 7 * PAGE + offset
    before = rng.integers(0, 255, 5 * PAGE + 17, dtype=np.uint8)
    now = before.copy()
    for place in (0, 2 * PAGE + 5, len(now) - 1):
        now[place] ^= 1
    found = differing(start, before, now)
    assert [any(a <= start + p < a + n for a, n in found) for p in (0, 2 * PAGE + 5, len(now) - 1)] == [True] * 3
    assert sum(n for _, n in found) <= 3 * PAGE
    assert differing(start, before, before) == []


def test_a_view_of_memory_is_the_memory():
    array = np.zeros(4, np.uint8)
    view(array.ctypes.data, 4)[2] = 9
    assert array.tolist() == [0, 0, 9, 0]
    assert written(array.ctypes.data, 4) == [(array.ctypes.data, 4)]


def test_where_nobody_takes_anything_back_arrays_are_not_copied():
    space = {"__name__": "__main__", "arr": np.zeros(1000), "rows": [1]}
    watch = Watch(space, undo=False)
    before = watch.snapshot("arr[3] = 1; rows.append(1)")
    assert before.memento.uncovered.keys() == {"arr"}
    exec("arr[3] = 1; rows.append(1)", space)
    assert [change.name for change in watch.compare(before)] == ["arr", "rows"]


def test_a_variable_of_too_many_objects_is_compared_but_not_kept(monkeypatch):
    monkeypatch.setattr(memento, "MOST_OBJECTS", 50)
    space = {"__name__": "__main__", "many": [[n] for n in range(100)], "few": [[1]]}
    space["part"] = space["many"][:3]
    delta, changes = act(space, "many[5].append(1); many[0].append(1); few[0].append(1); part")
    assert changes.keys() == {"many", "few", "part"}
    assert delta.lost == ["many"]
    assert roll_back([delta], space).restored == ["few", "part"]
    assert (space["many"][0], space["many"][5], space["few"]) == ([0], [5, 1], [[1]])


def test_what_was_only_sampled_before_is_only_sampled_after():
    space = {"__name__": "__main__", "arr": np.zeros(3_000_000), "rows": [1]}
    watch = Watch(space, undo=False, budget=0.0005)
    assert watch.compare(watch.snapshot("arr; rows")) == []
    before = watch.snapshot("arr; rows")
    assert watch.sampled == ["arr"]
    space["arr"][:] = 1
    assert [change.name for change in watch.compare(before)] == ["arr"]
