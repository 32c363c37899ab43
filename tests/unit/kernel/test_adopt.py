"""A merge into the very objects: what else refers to them sees it, and an undo takes it back."""

import collections
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agentnb.kernel.adopt import adopt, alone, include
from agentnb.kernel.merge import Brought, Bundle, Merged, merge, print_of
from agentnb.kernel.port import Outcome
from agentnb.kernel.undo.delta import Delta, changed_names, tick
from agentnb.kernel.undo.memory import Memory
from agentnb.kernel.undo.rollback import roll_back


class Point:
    def __init__(self, x: Any) -> None:
        self.x = x


class Slotted:
    __slots__ = ("x", "y")


def slotted(x: Any) -> Slotted:
    made = Slotted()
    made.x = x
    return made


CASES: dict[str, tuple[Any, Any]] = {  # what it is, what the branch made of it
    "list": (lambda: [1, 2], lambda: [1, 2, 3]),
    "dict": (lambda: {"a": 1}, lambda: {"b": 2, "a": 0}),
    "set": (lambda: {1}, lambda: {2, 3}),
    "bytearray": (lambda: bytearray(b"ab"), lambda: bytearray(b"abc")),
    "deque": (lambda: collections.deque([1], maxlen=3), lambda: collections.deque([1, 2], maxlen=3)),
    "counter": (lambda: collections.Counter("ab"), lambda: collections.Counter("abb")),
    "array": (lambda: np.arange(4.0), lambda: np.array([9.0, 1.0, 2.0, 3.0])),
    "in pieces": (lambda: np.zeros(2_500_000), lambda: np.r_[np.zeros(2_400_000), np.arange(100_000.0)]),
    "by columns": (lambda: np.asfortranarray(np.arange(6).reshape(2, 3)), lambda: np.arange(6, 12).reshape(2, 3)),
    "view with gaps": (lambda: np.arange(8)[::2], lambda: np.array([9, 8, 7, 6])),
    "times": (lambda: np.array(["2020"], "M8[s]"), lambda: np.array(["2021"], "M8[s]")),
    "records": (lambda: np.array([(1, 2.0)], "i4,f8"), lambda: np.array([(3, 4.0)], "i4,f8")),
    "no dimension": (lambda: np.array(1.0), lambda: np.array(2.0)),
    "frame": (lambda: pd.DataFrame({"a": [1, 2]}), lambda: pd.DataFrame({"a": [1.5, 2], "b": ["x", "y"]})),
    "series": (lambda: pd.Series([1, 2], name="s"), lambda: pd.Series([3, 4, 5], name="t")),
    "instance": (lambda: Point(1), lambda: Point([2])),
    "slots": (lambda: slotted(1), lambda: slotted(2)),
}


def seen(value: Any) -> str:
    if isinstance(value, Point | Slotted):
        return repr(value.x)
    return repr(value.to_dict() if isinstance(value, pd.DataFrame | pd.Series) else value)


def bundle_of(namespace: dict[str, Any], answer: Any = None, /, **made: Any) -> Bundle:
    """What comes where a branch made ``made`` of the variables and answered, as one pickle."""
    prints = {name: (id(namespace[name]), print_of(namespace[name])) for name in made}
    outcome = Outcome()
    brought = [Brought(name, "mutated", value, *prints[name]) for name, value in made.items()]
    outcome.value, brought = pickle.loads(pickle.dumps((answer, brought)))
    only = alone(brought, outcome)
    return Bundle("quant", brought, answer=outcome.value, alone=only)


def merged_into(namespace: dict[str, Any], bundle: Bundle) -> Delta:
    """Merge as a place does; return the way back."""
    began, before = tick(), dict(namespace)
    merged = merge(bundle, namespace)
    adopted = adopt(bundle, merged, namespace)
    namespace.update(merged.bind)
    bound = [name for name in namespace if namespace[name] is not before.get(name)]
    delta = Delta(began, tick(), changed_names(before, namespace, bound))
    include(delta, adopted)
    return delta


@pytest.mark.parametrize("name", CASES)
def test_the_object_stays_and_has_the_branchs_content(name: str) -> None:
    was, made = CASES[name]
    namespace = {"x": was()}
    holder = [namespace["x"]]
    delta = merged_into(namespace, bundle_of(namespace, x=made()))
    assert namespace["x"] is holder[0]
    assert seen(holder[0]) == seen(made())
    assert delta.mutated.keys() == {"x"}
    assert roll_back([delta], namespace).restored == ["x"]
    assert namespace["x"] is holder[0]
    assert seen(holder[0]) == seen(was())


def test_views_of_an_array_see_it_too() -> None:
    namespace = {"x": np.arange(6.0)}
    view = namespace["x"][2:4]
    merged_into(namespace, bundle_of(namespace, x=np.full(6, 7.0)))
    assert view.tolist() == [7.0, 7.0]


@pytest.mark.parametrize("names", ["whole part gaps few", "few gaps part whole", "gaps few", "few gaps", "gaps part"])
def test_arrays_that_share_memory_share_it_after_the_merge_and_its_undo(names: str) -> None:
    def cut(array: Any) -> dict[str, Any]:
        every = {"whole": array, "part": array[1000:3000], "gaps": array[::2], "few": array[::4]}
        return {name: every[name] for name in names.split()}

    memory, new = np.arange(5000.0), np.arange(5000.0) * 3 + 1
    namespace = cut(memory)
    holders = dict(namespace)
    bundle = bundle_of(namespace, **cut(new))
    delta = merged_into(namespace, bundle)
    assert all(namespace[name] is holders[name] for name in holders)
    assert all(np.array_equal(namespace[name], cut(new)[name]) for name in holders)
    assert sorted(roll_back([delta], namespace).restored) == sorted(holders)
    assert np.array_equal(memory, np.arange(5000.0))


def test_two_names_of_one_object_stay_so() -> None:
    shared = [1]
    namespace, made, holder = {"x": shared, "y": shared}, [1, 2], (shared,)
    bundle = bundle_of(namespace, x=made, y=made)
    del made
    merged_into(namespace, bundle)
    assert namespace["x"] is namespace["y"] is holder[0]
    assert holder[0] == [1, 2]


def test_what_another_brought_object_refers_to_is_bound_and_stays_one_object_with_it() -> None:
    inner = [1]
    namespace: dict[str, Any] = {"inner": inner, "outer": {"inner": inner}}
    outer, new = namespace["outer"], [1, 2]
    merged_into(namespace, bundle_of(namespace, inner=new, outer={"inner": new}))
    assert namespace["outer"] is outer
    assert namespace["inner"] is outer["inner"]
    assert outer == {"inner": [1, 2]}


@pytest.mark.parametrize(
    ("was", "made"),
    [
        (([1],), ([1, 2],)),
        (np.arange(3), np.arange(4)),
        (np.arange(3), np.arange(3.0)),
        (np.array([[], None], dtype=object), np.array([[1], None], dtype=object)),
        (range(3), range(4)),
    ],
)
def test_what_cannot_be_written_in_place_is_bound(was: Any, made: Any) -> None:
    namespace = {"x": was}
    bundle = bundle_of(namespace, x=made)
    merged = merge(bundle, namespace)
    assert adopt(bundle, merged, namespace) == []
    assert merged.bind["x"] is bundle.brought[0].value


@pytest.mark.parametrize("name", CASES)
def test_an_answer_that_is_the_changed_object_is_the_persons_after_it(name: str) -> None:
    was, make = CASES[name]
    namespace, made = {"x": was()}, make()
    holder = [namespace["x"]]
    bundle = bundle_of(namespace, made, x=made)
    merged_into(namespace, bundle)
    assert bundle.answer is namespace["x"] is holder[0]
    assert seen(holder[0]) == seen(made)


def test_an_answer_that_only_holds_it_goes_with_the_branchs_object() -> None:
    namespace, made = {"x": [1]}, [1, 2]
    bundle = bundle_of(namespace, {"changed": made}, x=made)
    merged_into(namespace, bundle)
    assert namespace["x"] is bundle.answer["changed"] is bundle.brought[0].value
    assert namespace["x"] == [1, 2]


def test_an_answer_of_its_own_stays_what_it_is() -> None:
    namespace: dict[str, Any] = {"x": [1], "y": {"a": 1}}
    bundle = bundle_of(namespace, [7], x=[1, 2])
    answer, holder = bundle.answer, [namespace["x"]]
    merged_into(namespace, bundle)
    assert bundle.answer is answer
    assert holder == [[1, 2]]


def test_a_conflict_and_a_new_binding_are_left_to_the_merge() -> None:
    namespace = {"x": [1], "y": [1]}
    bundle = bundle_of(namespace, x=[1, 2])
    namespace["x"].append(9)
    bundle.brought.append(Brought("y", "rebound", [3], id(namespace["y"]), print_of(namespace["y"])))
    merged = merge(bundle, namespace)
    assert adopt(bundle, merged, namespace) == []
    assert merged == Merged({"x_quant": [1, 2], "y": [3]}, notes=merged.notes)


def test_what_the_action_saw_itself_of_an_array_is_not_put_back_twice() -> None:
    memory = np.arange(5000.0)
    namespace = {"whole": memory, "part": memory[1000:3000]}
    watched = Memory()
    watched.add(namespace["part"])
    watched.hold(None)
    bundle = bundle_of(namespace, whole=np.arange(5000.0) * 3 + 1)
    adopted = adopt(bundle, merge(bundle, namespace), namespace)
    delta = Delta(tick(), tick())
    delta.writes, *_ = watched.compare()
    include(delta, adopted)
    assert roll_back([delta], namespace).restored == ["whole"]
    assert np.array_equal(memory, np.arange(5000.0))


def test_so_it_is_of_memory() -> None:
    namespace = {"x": np.zeros(10)}
    delta = merged_into(namespace, bundle_of(namespace, x=np.ones(10)))
    namespace["x"][3] = 7
    assert roll_back([delta], namespace).collisions == ["x"]
    assert namespace["x"].sum() == 16


def test_only_what_differs_of_large_memory_is_kept_for_the_undo() -> None:
    namespace = {"x": np.zeros(4_000_000)}
    made = namespace["x"].copy()
    made[[5, 3_000_000]] = 1
    delta = merged_into(namespace, bundle_of(namespace, x=made))
    assert namespace["x"].sum() == 2
    assert delta.size < 20_000


def test_what_the_person_changed_since_is_a_collision_of_the_undo() -> None:
    namespace = {"x": [1]}
    delta = merged_into(namespace, bundle_of(namespace, x=[1, 2]))
    namespace["x"].append(3)
    assert roll_back([delta], namespace).collisions == ["x"]
    assert namespace["x"] == [1, 2, 3]
