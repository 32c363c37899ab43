"""What comes out of a parcel: values, types and aliases as they went in; what both sides have goes by name."""

import datetime
import os
import pickle
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from agentnb.kernel.branch.travel import Call, Ground, pack, unpack

ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes()
VALUES = st.recursive(
    ATOMS, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner), max_leaves=20
)
DTYPES = npst.scalar_dtypes() | npst.byte_string_dtypes(max_len=5) | npst.unicode_string_dtypes(max_len=5)
ARRAYS = npst.arrays(DTYPES, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))


def ground(**names: Any) -> Ground:
    return Ground({"__name__": "__main__", **names})


def sent(value: Any, here: Ground | None = None, same: Any = frozenset()) -> Any:
    here = here or ground()
    return unpack(pack(value, here, same=same), here)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@given(VALUES)
def test_values_come_out_as_they_went_in(value: Any) -> None:
    assert repr(sent(value)) == repr(value)


@given(ARRAYS, st.booleans())
def test_arrays_keep_dtype_shape_and_every_byte(array: Any, by_columns: bool) -> None:
    array = np.asfortranarray(array) if by_columns else array
    came = sent(array)
    assert (came.dtype, came.shape) == (array.dtype, array.shape)
    assert came.tobytes() == array.tobytes()
    assert came.flags.writeable


@given(st.lists(VALUES, min_size=1, max_size=4), st.data())
def test_what_was_one_object_is_one_object(values: list[Any], data: st.DataObject) -> None:
    objects = [[value] for value in values]
    chosen = data.draw(st.lists(st.integers(0, len(objects) - 1), max_size=8))
    came = sent([objects[at] for at in chosen])
    pairs = [(i, j) for i in range(len(chosen)) for j in range(i)]
    assert all((came[i] is came[j]) == (chosen[i] == chosen[j]) for i, j in pairs)


FRAMES = {
    "numbers": pd.DataFrame({"a": np.arange(5), "b": np.linspace(0, 1, 5)}),
    "text": pd.DataFrame({"a": ["x", None, "z"]}),
    "categories": pd.DataFrame({"a": pd.Categorical(["u", "v", "u"], ordered=True)}),
    "times with a zone": pd.DataFrame({"a": pd.date_range("2024", periods=3, tz="Europe/Vienna")}),
    "integers that may be missing": pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int8")}),
    "levels": pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", "n"])),
    "objects": pd.DataFrame({"a": [{"k": 1}, [1, 2]]}),
    "nothing": pd.DataFrame(),
}


@pytest.mark.parametrize("name", FRAMES)
def test_tables_keep_types_index_and_content(name: str) -> None:
    came = sent(FRAMES[name])
    pd.testing.assert_frame_equal(came, FRAMES[name], check_exact=True, check_freq=True)


def test_large_buffers_go_beside_the_pickle_and_can_be_written() -> None:
    big, small = np.arange(100_000), np.arange(10)
    parcel = pack({"big": big, "again": big, "small": small}, ground())
    assert parcel.fd is not None
    assert len(parcel.data) < 2000
    assert parcel.size == len(parcel.data) + big.nbytes
    came = unpack(parcel, ground())
    assert parcel.fd is None
    assert came["again"] is came["big"]
    came["big"][0] = 7
    assert (big[0], came["again"][0], came["big"][1:].tolist()) == (0, 7, big[1:].tolist())
    assert came["small"].tolist() == small.tolist()


def test_so_do_times() -> None:
    times = pd.DataFrame({"at": np.arange(100_000).astype("M8[ns]"), "took": np.arange(100_000).astype("m8[s]")})
    parcel = pack(times, ground())
    assert len(parcel.data) < 3000
    pd.testing.assert_frame_equal(unpack(parcel, ground()), times)


def test_no_descriptor_is_left_of_a_parcel_that_arrived_or_was_given_up() -> None:
    before = descriptors()
    for _ in range(20):
        sent(np.arange(100_000))
        pack(np.arange(100_000), ground()).close()
    assert descriptors() == before


def test_what_cannot_be_pickled_raises_and_leaves_no_descriptor() -> None:
    before = descriptors()
    with pytest.raises((TypeError, pickle.PicklingError)):
        pack([np.arange(100_000), threading.Lock()], ground())
    assert descriptors() == before


def notebook(source: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace


def test_classes_and_functions_of_the_notebook_stay_themselves() -> None:
    namespace = notebook(
        "class Point:\n    class Unit: pass\n    def __init__(self, x): self.x = x\n"
        "def double(x): return x * factor\nfactor = 2"
    )
    here = Ground(namespace)
    point, unit, double, module = sent(
        (namespace["Point"](3), namespace["Point"].Unit, namespace["double"], datetime), here
    )
    assert type(point) is namespace["Point"]
    assert point.x == 3
    assert unit is namespace["Point"].Unit
    assert double is namespace["double"]
    assert module is datetime


def test_a_new_function_has_the_notebooks_namespace_and_its_closure() -> None:
    namespace = notebook("factor = 2")
    here = Ground(namespace)
    exec("def made(x, *, more=1):\n    'Doc.'\n    return x * factor + more\nmade.note = [1]", namespace)
    exec("def outer(step):\n    def inner(n): return n if n <= 0 else inner(n - step)\n    return inner", namespace)
    made, inner = sent((namespace.pop("made"), namespace.pop("outer")(2)), here)
    assert made.__globals__ is namespace
    assert (made(3), made(3, more=0), made.__doc__, made.note) == (7, 6, "Doc.", [1])
    namespace["factor"] = 10
    assert made(3) == 31
    assert inner(5) == -1


def test_objects_of_the_fork_that_did_not_change_go_by_name() -> None:
    table = [1, 2]
    here = ground(table=table)
    assert sent({"inside": table}, here, {id(table)})["inside"] is table
    copied = sent({"inside": table}, here)["inside"]
    assert copied == table
    assert copied is not table


def test_the_namespace_itself_and_calls_under_way_stand_for_themselves() -> None:
    here = ground()

    class Asked(Call):
        number = 5

    space, call = unpack(pack((here.namespace, Asked()), here), here, {5: "the call"})
    assert space is here.namespace
    assert call == "the call"


def test_a_name_that_no_side_knows_is_an_error() -> None:
    class Strange(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return ("strange",) if obj == "x" else None

    import io

    stream = io.BytesIO()
    Strange(stream).dump("x")
    from agentnb.kernel.branch.travel import Parcel

    with pytest.raises(pickle.UnpicklingError, match="strange"):
        unpack(Parcel(stream.getvalue()), ground())
