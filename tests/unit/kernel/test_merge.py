"""What a merge binds, deletes and says: nothing that somebody else changed since the fork is lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.kernel.merge import MISSING, Brought, Bundle, Merged, can_change, merge, print_of


def brought(name: str, was: Any, value: Any) -> Brought:
    kind: Any = "added" if was is MISSING else "deleted" if value is MISSING else "rebound"
    if was is MISSING:
        return Brought(name, kind, value)
    return Brought(name, kind, value, id(was), print_of(was) if can_change(was) else None)


def merged(namespace: dict[str, Any], *each: Brought, **stays: str) -> Merged:
    return merge(Bundle("quant", list(each), stays), namespace)


def test_what_nobody_else_touched_is_taken() -> None:
    was = [1]
    result = merged(
        {"x": was, "y": was}, brought("x", was, [2]), brought("new", MISSING, 3), brought("y", was, MISSING)
    )
    assert result == Merged(bind={"x": [2], "new": 3}, delete=["y"])


@pytest.mark.parametrize("change", ["rebound", "in place"])
def test_what_the_person_changed_stays_and_the_branchs_comes_beside_it(change: str) -> None:
    was = [1]
    each = brought("x", was, [2])
    if change == "in place":
        was.append(5)
    namespace = {"x": was if change == "in place" else [7]}
    result = merged(namespace, each)
    assert result.bind == {"x_quant": [2]}
    assert result.notes == ["`x` was changed meanwhile, so what quant made of it is `x_quant`"]


def test_the_name_beside_it_is_a_free_one() -> None:
    each = [brought("x", 1, 2), brought("x_quant_2", MISSING, 0)]
    result = merged({"x": 3, "x_quant": 4}, *reversed(each))
    assert result.bind == {"x_quant_2": 0, "x_quant_3": 2}


def test_both_added_one_name() -> None:
    assert merged({"x": 1}, brought("x", MISSING, 2)).bind == {"x_quant": 2}


def test_both_came_to_the_same() -> None:
    namespace = {"x": [2], "n": 5, "f": lambda: 1}
    same = [brought("x", [1], [2]), brought("n", 4, 5), brought("f", MISSING, namespace["f"])]
    assert merged(namespace, *same) == Merged()


def test_what_was_deleted_meanwhile_is_brought_back_and_said() -> None:
    assert Bundle("quant", [brought("x", [1], [2])]).changes({})[0].kind == "added"
    result = merged({}, brought("x", [1], [2]))
    assert result.bind == {"x": [2]}
    assert "`x` was deleted meanwhile; quant changed it" in result.notes[0]


def test_a_deletion_of_what_was_changed_meanwhile_is_left_undone_and_said() -> None:
    result = merged({"x": [9]}, brought("x", [1], MISSING))
    assert (result.bind, result.delete) == ({}, [])
    assert "`x` was changed meanwhile, so it stays though quant deleted it" in result.notes[0]


def test_what_both_deleted_is_no_matter() -> None:
    assert merged({}, brought("x", [1], MISSING)) == Merged()


def test_what_cannot_leave_the_branch_is_said() -> None:
    assert merged({}, gen="TypeError: no").notes == ["`gen` of quant stays behind: TypeError: no"]


def test_the_changes_are_told_before_anything_is_merged() -> None:
    namespace = {"x": [1]}
    bundle = Bundle("quant", [brought("x", namespace["x"], [1, 2]), brought("y", MISSING, 1)])
    told = [
        (change.name, change.kind, change.before is None, change.after is None) for change in bundle.changes(namespace)
    ]
    assert told == [("x", "rebound", False, False), ("y", "added", True, False)]
    assert namespace == {"x": [1]}


NAMES = st.sampled_from("abc")
SPACES = st.dictionaries(NAMES, st.integers(0, 3).map(lambda number: [number]))


@given(
    SPACES, st.dictionaries(NAMES, st.none() | st.integers(0, 3)), st.dictionaries(NAMES, st.none() | st.integers(0, 3))
)
def test_nothing_that_either_side_made_is_lost(
    base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]
) -> None:
    """``ours`` and ``theirs``: what branch and person rebind (to a new list) or delete (None)."""
    prints = [
        brought(name, base.get(name, MISSING), MISSING if to is None else [to])
        for name, to in ours.items()
        if to is not None or name in base
    ]
    now = {name: value for name, value in base.items() if theirs.get(name, 0) is not None}
    now |= {name: [to] for name, to in theirs.items() if to is not None}
    result = merged(now, *prints)
    after = {**now, **result.bind}
    for name in result.delete:
        del after[name]
    for name, to in ours.items():
        if to is not None:  # under its name or beside it
            assert any(value == [to] for key, value in after.items() if key.startswith(name))
    for name, to in theirs.items():
        if to is not None:
            assert after[name] == [to]
    untouched = base.keys() - ours.keys() - theirs.keys()
    assert all(after[name] is base[name] for name in untouched)
