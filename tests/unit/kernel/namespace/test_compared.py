"""The lines on what a branch made of a variable, where its value came back as another object."""

import copy
import pickle
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from agentnb.kernel.namespace.compared import differences


class Point:
    def __init__(self) -> None:
        self.x, self.tags = 1, ["a", "b"]


def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": ["x", "y", "z"]})


def nested() -> dict[str, Any]:
    return {"rows": [0.25, "text"], "table": frame(), "point": Point(), "plain": 1}


def fitted() -> LinearRegression:
    return LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])


def lines(make: Callable[[], Any], change: Callable[[Any], Any], seconds: float = 5) -> list[str]:
    was = make()
    value = pickle.loads(pickle.dumps(copy.deepcopy(was)))
    change(value)
    return differences("x", was, value, time.perf_counter() + seconds)


@pytest.mark.parametrize(
    ("make", "change", "told"),
    [
        (frame, lambda df: df.insert(3, "d", df.a * 2), ["column added: d int64"]),
        (frame, lambda df: df.__setitem__("b", [9.0, 1.5, 2.5]), ["b: 1 of 3 cells (0.5 → 9)"]),
        (lambda: np.arange(4), lambda array: array.__setitem__(1, 7), ["1 of 4 elements (1 → 7)"]),
        (lambda: [0.1, "text"], lambda rows: rows.append(0.2), ["1 entry added"]),
        (lambda: [0.1], lambda rows: rows.append(0.2), ["1 entry added"]),
        (lambda: [[1], [2]], lambda rows: rows[1].append(3), ["[1]: 1 entry added"]),
        (lambda: {"a", "b"}, lambda names: names.add("c"), ["1 element added"]),
        (nested, lambda held: None, []),
        (nested, lambda held: held.update(plain=2), ["1 entry changed: 'plain' 1 → 2"]),
        (nested, lambda held: held["rows"].append(1), ["['rows']: 1 entry added"]),
        (nested, lambda held: held["point"].tags.pop(), ["['point'].tags: 1 entry removed"]),
        (nested, lambda held: held["table"].__setitem__("a", 0), ["['table']: a: 3 of 3 cells (1 … 3 → 0)"]),
        (nested, lambda held: held.update(plain=None), ["1 entry changed: 'plain' int 1 → None"]),
        (Point, lambda point: setattr(point, "x", 2), ["1 attribute changed: x 1 → 2"]),
        (fitted, lambda model: model.fit([[0.0], [1.0]], [1.0, 3.0]), ["fitted again: coef_, intercept_"]),
        (fitted, lambda model: model.set_params(positive=True), ["1 attribute changed: positive False → True"]),
        (lambda: list(range(30_000)), lambda rows: rows.append(1), ["entries: 30,000 → 30,001"]),
    ],
)  # fmt: skip
def test_what_changed_is_told_and_nothing_else(make: Any, change: Any, told: list[str]) -> None:
    assert lines(make, change) == told


def test_late_nothing_wrong_is_said() -> None:
    assert lines(nested, lambda held: held["rows"].append(1), seconds=-1) == []


def test_of_a_secret_nothing_is_told() -> None:
    assert differences("api_key", ["a"], ["b"], time.perf_counter() + 1) == []


def test_values_that_hold_themselves_come_to_an_end() -> None:
    one: list[Any] = [1]
    one.append(one)
    other: list[Any] = [2]
    other.append(other)
    assert differences("x", one, other, time.perf_counter() + 5)[0] == "1 entry changed"
