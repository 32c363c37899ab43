"""What the person did since to what an action made: an undo would lose it, so it is left alone and named."""

import numpy as np
import pandas as pd
import pytest

from agentnb.kernel.undo.rollback import roll_back
from tests.unit.kernel.undo.acting import act


@pytest.fixture
def space():
    return {"__name__": "__main__", "np": np, "pd": pd, "cfg": {"a": 1}, "rows": [1], "df": pd.DataFrame({"a": [1, 2]})}


MADE = {  # what the action makes, what the person does with it, the variables concerned
    "a new list": ("z = [1]", "z.append(2)", ["z"]),
    "a new table": ("z = df.copy()", "z['mine'] = 1", ["z"]),
    "a cell of a table that took another's place": ("df = df.dropna()", "df.loc[0, 'a'] = 7", ["df"]),
    "an element of a new array": ("z = np.zeros(10)", "z[3] = 1", ["z"]),
    "a new entry's content": ("cfg['new'] = []", "cfg['new'].append(1)", ["cfg"]),
    "a new column's content": ("df['new'] = 1.5", "df.loc[0, 'new'] = 2", ["df"]),
    "a large array": ("z = np.zeros(3_000_000)", "z[0] = 1", ["z"]),
}


@pytest.mark.parametrize(("code", "by_hand", "names"), MADE.values(), ids=MADE)
def test_it_is_left_alone_and_named(space, code, by_hand, names):
    delta, _ = act(space, f"{code}; rows.append(2)")
    exec(by_hand, space)
    came = roll_back([delta], space)
    assert (came.restored, came.collisions) == (["rows"], names)


@pytest.mark.parametrize("code", [code for code, _, _ in MADE.values()])
def test_what_was_only_looked_at_goes(space, code):
    delta, _ = act(space, code)
    for value in [value for name, value in space.items() if not name.startswith("_")]:
        repr(value), value.sum() if isinstance(value, np.ndarray | pd.DataFrame) else len(str(value))
    assert roll_back([delta], space).collisions == []
    assert (list(space["cfg"]), list(space["df"]), "z" in space) == (["a"], ["a"], False)


def test_what_later_steps_did_to_it_is_theirs(space):
    first, _ = act(space, "z = [1]; cfg['new'] = []; y = [z]")
    second, _ = act(space, "z.append(2); cfg['new'].append(3); y[0].append(4)")
    assert roll_back([first, second], space).collisions == []
    assert ("z" in space, space["cfg"]) == (False, {"a": 1})


def test_a_name_bound_to_something_else_since_is_said(space):
    delta, _ = act(space, "rows.append(2); cfg['b'] = 1")
    space["rows"] = ["mine"]
    del space["cfg"]
    came = roll_back([delta], space)
    assert (came.restored, came.collisions, came.rebound) == ([], [], ["cfg", "rows"])
    assert space["rows"] == ["mine"]


def test_a_table_that_was_copied_onto_itself_since_goes_back(space):
    """As pandas does where it joins the memory of columns on a read: the step wrote into memory no longer in use."""
    delta, _ = act(space, "df.loc[0, 'a'] = 9")
    space["df"]["a"] = space["df"]["a"].copy()
    assert roll_back([delta], space).restored == ["df"]
    assert space["df"]["a"].tolist() == [1, 2]
