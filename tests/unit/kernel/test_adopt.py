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
    assert delta.mutated == {"x"}
    assert roll_back([delta], namespace).restored == ["x"]
    assert namespace["x"] is holder[0]
    assert seen(holder[0]) == seen(was())


def test_views_of_an_array_see_it_too() -> None:
    namespace = {"x": np.arange(6.0)}
    view = namespace["x"][2:4]
    merged_into(namespace, bundle_of(namespace, x=np.full(6, 7.0)))
    assert view.tolist() == [7.0, 7.0]


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


def test_what_the_person_changed_since_is_a_collision_of_the_undo() -> None:
    namespace = {"x": [1]}
    delta = merged_into(namespace, bundle_of(namespace, x=[1, 2]))
    namespace["x"].append(3)
    assert roll_back([delta], namespace).collisions == ["x"]
    assert namespace["x"] == [1, 2, 3]
