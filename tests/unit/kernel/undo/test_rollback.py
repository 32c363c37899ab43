import copy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentnb.kernel.undo.rollback import roll_back
from tests.unit.kernel.undo.acting import act

# --- undo(mutate(x)) == x ---------------------------------------------------------------------------------------------

leaves = st.integers() | st.floats() | st.text(max_size=3) | st.none() | st.booleans()
trees = st.recursive(
    leaves,
    lambda t: (
        st.lists(t, max_size=4)
        | st.dictionaries(st.text(max_size=2), t, max_size=4)
        | st.tuples(t, t)
        | st.builds(lambda values: np.array(values, dtype=float), st.lists(st.floats(width=16), max_size=4))
    ),
    max_leaves=12,
)


def containers(value, found):
    """All mutable objects below a value, each once, the value itself among them."""
    if any(value is known for known in found):
        return found
    if isinstance(value, list | dict | np.ndarray):
        found.append(value)
    if isinstance(value, list | tuple):
        for item in value:
            containers(item, found)
    elif isinstance(value, dict):
        for item in value.values():
            containers(item, found)
    return found


def picture(roots):
    """Values, types and aliases: each object by the order in which it is found first, with its content."""
    numbers, told = {}, []

    def tell(value):
        if id(value) in numbers:
            return ("again", numbers[id(value)])
        if isinstance(value, list | dict | np.ndarray | tuple):
            numbers[id(value)] = len(numbers), type(value).__name__, id(value)
        if isinstance(value, dict):
            return [("key", key, tell(item)) for key, item in value.items()]
        if isinstance(value, list | tuple):
            return [tell(item) for item in value]
        if isinstance(value, np.ndarray):
            return (str(value.dtype), value.shape, value.tobytes())
        return (type(value).__name__, repr(value))

    told = [tell(root) for root in roots]
    return told, list(numbers.values())


def mutate(target, other, how):
    if isinstance(target, list):
        [target.append, lambda v: target.insert(0, v), lambda _: target.clear(), lambda _: target.reverse()][how % 4](
            other
        )
    elif isinstance(target, dict):
        if how % 3 == 2:
            target.clear()
        else:
            target[["new", next(iter(target), "x")][how % 3]] = other
    elif target.size:
        target[how % target.size] += 1 + how


@settings(deadline=None, max_examples=150)
@given(st.lists(trees, min_size=1, max_size=3), st.data())
def test_nested_containers_with_aliases_are_as_before(values, data):
    found = [each for value in values for each in containers(value, [])]
    if not found:
        found.append(values)
    shared = data.draw(st.sampled_from(found))
    space = {"__name__": "__main__", **{f"v{i}": value for i, value in enumerate(values)}, "shared": shared}
    space["box"] = [shared, {"again": shared}]
    space["todo"] = mutations = tuple(
        (data.draw(st.sampled_from(found)), data.draw(st.sampled_from([*found, 1, "x"])), data.draw(st.integers(0, 11)))
        for _ in range(data.draw(st.integers(1, 4)))
    )
    names = [name for name in space if not name.startswith("_")]
    roots = [space[name] for name in names]
    before = picture(roots)
    space["mutate"] = mutate
    delta, _ = act(space, f"{'; '.join(names)}\nfor one in todo: mutate(*one)\ndel one")
    assert mutations is space["todo"]
    roll_back([delta], space)
    assert picture([space[name] for name in names]) == before
    assert all(space[name] is root for name, root in zip(names, roots, strict=True))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(["x.append(len(x))", "x.clear()", "y = len(x)", "d[len(d)] = x", "x = list(x)", "del d"]))
)
def test_steps_are_taken_back_one_by_one_or_all_at_once(codes):
    space = {"__name__": "__main__", "x": [1], "d": {}}
    start = space["x"], space["d"]
    states, deltas = [], []
    for code in codes:
        states.append(copy.deepcopy({k: v for k, v in space.items() if k != "__builtins__"}))
        try:
            deltas.append(act(space, code)[0])
        except NameError:
            states.pop()
    together = len(codes) % 2
    if together:
        roll_back(deltas, space)
    else:
        for delta, state in zip(reversed(deltas), reversed(states), strict=True):
            came = roll_back([delta], space)
            assert not came.collisions
            assert {k: v for k, v in space.items() if k != "__builtins__"} == state
    assert (space["x"], space["d"]) == ([1], {})
    assert space["x"] is start[0]
    assert space["d"] is start[1]
    assert "y" not in space


# --- what was changed since -------------------------------------------------------------------------------------------


@pytest.fixture
def space():
    return {"__name__": "__main__", "np": np, "pd": pd, "a": [1], "b": {"k": [2]}, "n": 1, "arr": np.zeros(5)}


def test_a_name_that_was_bound_again_is_left_alone(space):
    delta, _ = act(space, "n = 2; a.append(2)")
    space["n"] = 3
    came = roll_back([delta], space)
    assert (came.restored, came.collisions) == (["a"], ["n"])
    assert (space["n"], space["a"]) == (3, [1])


def test_a_variable_is_left_alone_as_a_whole_with_those_that_share_it(space):
    space["c"] = space["b"]["k"]
    delta, _ = act(space, "b['new'] = 1; b['k'].append(3); a.append(2)")
    space["b"]["mine"] = 1
    came = roll_back([delta], space)
    assert (came.restored, came.collisions) == (["a"], ["b", "c"])
    assert space["b"] == {"k": [2, 3], "new": 1, "mine": 1}


def test_force_overwrites(space):
    delta, _ = act(space, "n = 2; a.append(2); arr[1] = 1")
    space["n"], space["arr"][1] = 3, 4
    space["a"].append(5)
    came = roll_back([delta], space, force=True)
    assert came.collisions == ["a", "arr", "n"]
    assert (space["n"], space["a"], space["arr"].tolist()) == (1, [1], [0.0] * 5)


def test_a_change_between_two_steps_is_kept(space):
    first, _ = act(space, "a.append('one'); n = 2; arr[0] = 1")
    space["a"].append("mine")
    space["n"], space["arr"][3] = 10, 7
    second, _ = act(space, "a.append('two'); n = 3; arr[1] = 2")
    came = roll_back([first, second], space)
    assert came.collisions == ["a", "arr", "n"]
    assert (space["a"], space["n"], space["arr"].tolist()) == ([1, "one", "mine", "two"], 3, [1, 2, 0, 7, 0])
    came = roll_back([second], space)
    assert came.collisions == []
    assert (space["a"], space["n"], space["arr"].tolist()) == ([1, "one", "mine"], 10, [1, 0, 0, 7, 0])


def test_what_was_taken_back_by_hand_is_no_collision(space):
    delta, _ = act(space, "n = 2; fresh = 1; a.append(2); arr[1] = 5")
    space["n"] = 1
    del space["fresh"]
    space["a"].pop()
    space["arr"][1] = 0
    assert roll_back([delta], space).collisions == []


def test_what_an_undo_has_put_back_is_neither_a_collision_nor_put_back_again(space):
    delta, _ = act(space, "a.append(2); b['k'] = 3; arr[1] = 5")
    space["b"]["mine"] = 1
    assert roll_back([delta], space).restored == ["a", "arr"]
    del space["b"]["mine"]
    came = roll_back([delta], space)
    assert (came.collisions, "b" in came.restored, "a" in came.restored) == ([], True, False)


def test_an_array_that_was_resized_since_is_never_written_to(space):
    delta, _ = act(space, "arr[1] = 1")
    space["arr"].resize(500_000, refcheck=False)
    assert roll_back([delta], space).collisions == ["arr"]
    assert space["arr"][1] == 1


def test_an_array_that_another_step_resized_is_put_back(space):
    first, _ = act(space, "arr[1] = 1")
    second, _ = act(space, "arr.resize(400_000, refcheck=False); arr[2] = 2")
    assert roll_back([first, second], space).collisions == []
    assert space["arr"].tolist() == [0.0] * 5


def test_a_table_that_was_read_since_is_no_collision(space):
    space["df"] = pd.DataFrame({"a": [1.0, 2], "s": ["x", "y"]})
    delta, _ = act(space, "df['b'] = 1.5; df['c'] = 2.5")
    space["df"]._mgr._consolidate_inplace() if hasattr(space["df"]._mgr, "_consolidate_inplace") else None
    assert space["df"].sum(numeric_only=True)["b"] == 3
    assert roll_back([delta], space).collisions == []
    assert list(space["df"]) == ["a", "s"]


def test_views_of_a_table_made_before_are_told_apart_after_an_undo(space):
    """Copy-on-write: who shares a block must be known as before, or a write would show in the other table."""
    space["df"] = pd.DataFrame({"a": [1.0, 2], "b": [3.0, 4]})
    space["other"] = space["df"][:]
    delta, _ = act(space, "df.iloc[0, 0] = 9")
    roll_back([delta], space)
    space["df"].iloc[0, 0] = 7
    assert space["other"].iloc[0, 0] == 1
