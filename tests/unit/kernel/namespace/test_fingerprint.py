import collections
import copy
import functools
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.kernel.namespace import tables
from agentnb.kernel.namespace.fingerprint import fingerprint, sketch


class Slotted:
    __slots__ = ("a", "lock")


class Lazy:
    def __init__(self):
        self.data = [1]

    @functools.cached_property
    def total(self):
        return sum(self.data)


class Reduces:
    def __reduce_ex__(self, protocol):
        raise SystemExit


Reduces.__module__ = "__main__"

atoms = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
nested = st.recursive(atoms, lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(), inner, min_size=1))


def containers(value):
    if isinstance(value, (list, dict)):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from containers(item)


@given(st.lists(nested, min_size=1), st.data())
def test_any_container_inside_that_changes_is_noticed(value, data):
    before = fingerprint(value)
    assert fingerprint(value) == before
    assert before.exact
    chosen = data.draw(st.sampled_from(list(containers(value))))
    if isinstance(chosen, list):
        chosen.append("new")
    else:
        chosen["\0new"] = 1
    assert fingerprint(value) != before


def arrays():
    return {
        "plain": np.arange(1000.0),
        "strided": np.ones((400, 300))[::2, ::3],
        "fortran": np.asfortranarray(np.ones((50, 60))),
        "swapped": np.zeros((5, 6, 7)).swapaxes(0, 2),
        "large strided": np.ones((3000, 3000))[:, ::2],
        "objects": np.array([1, "a", None], dtype=object),
        "masked": np.ma.array([1, 2], mask=[0, 1]),
        "records": np.zeros(3, dtype=[("a", "i4"), ("b", "f8")]),
        "days": np.array(["2020"], "M8[D]"),
        "scalar": np.array(3),
    }


@pytest.mark.parametrize("name", arrays())
def test_arrays(name):
    array = arrays()[name]
    before = fingerprint(array)
    assert before.exact
    assert fingerprint(array) == before
    array[(-1,) * array.ndim] = 7 if array.dtype.kind != "V" else (7, 7)
    assert fingerprint(array) != before


def test_a_mask_counts():
    array = np.ma.array([1, 2], mask=[0, 0])
    before = fingerprint(array)
    array[0] = np.ma.masked
    assert fingerprint(array) != before


def columns():
    return {
        "int": [1, 2, 3],
        "str": pd.array(["a", "b", None], dtype="string"),
        "default str": ["a", "b", "c"],
        "object": pd.Series([1, "x", None], dtype=object),
        "category": pd.Categorical(["u", "v", "u"]),
        "naive time": pd.date_range("2020", periods=3),
        "aware time": pd.date_range("2020", periods=3, tz="UTC"),
        "nullable": pd.array([1, None, 3], dtype="Int64"),
        "period": pd.period_range("2020", periods=3, freq="M"),
        "interval": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3]),
    }


@pytest.mark.parametrize("kind", columns())
def test_a_cell_of_any_kind_of_column(kind):
    frame = pd.DataFrame({"other": [1.0, 2, 3], "c": columns()[kind]})
    before = fingerprint(frame)
    assert before.exact
    assert fingerprint(frame) == before
    assert fingerprint(frame.copy()).digest == before.digest
    frame.loc[0, "c"] = frame.loc[1, "c"]
    assert fingerprint(frame) != before


@pytest.mark.parametrize(
    "act",
    [
        lambda df: df.insert(0, "z", 1),
        lambda df: df.rename(columns={"a": "A"}, inplace=True),
        lambda df: df.sort_values("b", inplace=True),
        lambda df: df.drop(index=0, inplace=True),
        lambda df: df.set_index("a", inplace=True),
        lambda df: df.attrs.update(unit="m"),
        lambda df: df.index.__class__ and setattr(df.index, "name", "i"),
        lambda df: df.mul(1) is not df and df.__setitem__("a", df.a * 2),
    ],
)
def test_what_changes_a_frame(act):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [3.0, 2.0, 1.0]})
    before = fingerprint(frame)
    act(frame)
    assert fingerprint(frame) != before


def test_joining_blocks_is_no_change():
    frame = pd.DataFrame({"a": [1.0, 2]})
    for name in "bcd":
        frame[name] = [1.0, 2]
    before = fingerprint(frame)
    blocks = len(frame._mgr.blocks)
    frame._consolidate_inplace()
    assert len(frame._mgr.blocks) < blocks
    assert fingerprint(frame) == before


def test_a_table_laid_out_by_rows_gives_the_same_as_one_by_columns(monkeypatch):
    monkeypatch.setattr(tables, "_TILE", 1000)
    table = np.random.default_rng(0).random((500, 7))
    by_rows = pd.DataFrame(table, copy=False)
    by_columns = pd.DataFrame({i: table[:, i].copy() for i in range(7)})
    assert (
        fingerprint(by_rows._mgr.blocks and by_rows).digest
        == fingerprint(by_columns.set_axis(by_rows.columns, axis=1)).digest
    )


def test_cached_properties_are_no_change():
    lazy = Lazy()
    before = fingerprint(lazy)
    assert lazy.total == 1
    assert fingerprint(lazy) == before
    lazy.data.append(2)
    assert fingerprint(lazy) != before


def test_slots_and_what_cannot_be_pickled():
    thing = Slotted()
    thing.a, thing.lock = [1], threading.Lock()
    before = fingerprint([thing])
    assert before.exact
    thing.a.append(2)
    assert fingerprint([thing]) != before


def test_the_users_own_pickling_is_not_run():
    thing = Reduces()
    thing.a = 1
    before = fingerprint(thing)
    thing.a = 2
    assert fingerprint(thing) != before


@pytest.mark.parametrize(
    "value",
    [collections.deque([1]), collections.defaultdict(list), collections.OrderedDict(), collections.Counter(), set()],
)
def test_other_containers(value):
    before = fingerprint(value)
    assert fingerprint(value) == before
    {"deque": lambda: value.append(2), "set": lambda: value.add(2)}.get(
        type(value).__name__, lambda: value.__setitem__("k", 1)
    )()
    assert fingerprint(value) != before


def test_cycles_and_shared_parts():
    loop = [1]
    loop.append(loop)
    thing = Lazy()
    thing.me, thing.shared = thing, [thing.data, loop]
    before = fingerprint(thing)
    assert before.exact
    loop.append(2)
    assert fingerprint(thing) != before


def test_too_deep_a_nesting_is_sampled():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    print_ = fingerprint(deep)
    assert not print_.exact
    assert sketch(deep) == print_
    deep.append(1)
    assert sketch(deep) != print_


def test_out_of_time_means_samples():
    values = [
        np.zeros(1_000_000),
        list(range(100_000)),
        {i: i for i in range(100_000)},
        pd.DataFrame({"a": range(300_000)}),
    ]
    for value in values:
        print_ = fingerprint(value, deadline=0)
        assert not print_.exact
        assert print_ == sketch(value) == sketch(copy.copy(value))


@pytest.mark.parametrize(
    ("value", "act"),
    [
        (np.zeros(3_000_000), lambda a: a.__imul__(2) if a.any() else a.__iadd__(1)),
        (np.zeros(3_000_000), lambda a: a.__setitem__(-1, 1)),
        (np.zeros((2000, 2000))[:, ::2], lambda a: a.__iadd__(1)),
        (list(range(100_000)), lambda x: x.append(1)),
        (dict.fromkeys(range(100_000)), lambda x: x.pop(5)),
        (pd.DataFrame({"a": range(300_000), "b": ["x"] * 300_000}), lambda d: d.__setitem__("b", "y")),
    ],
)
def test_samples_notice_what_is_not_tiny(value, act):
    before = sketch(value)
    assert sketch(value) == before
    act(value)
    assert sketch(value) != before


def test_a_sample_does_not_depend_on_how_blocks_lie():
    frame = pd.DataFrame({"a": np.arange(300_000.0)})
    frame["b"] = np.arange(300_000.0)
    before = sketch(frame)
    frame._consolidate_inplace()
    assert sketch(frame) == before
