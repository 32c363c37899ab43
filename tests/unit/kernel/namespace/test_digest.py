import numpy as np
import pandas as pd

from agentnb.kernel.namespace.digest import digest, digest_changes
from agentnb.record.document import Change


def load(ticker, start=None):
    """Monthly closing prices of one ticker.

    More text.
    """


def space():
    return {
        "__name__": "__main__",
        "_": 1,
        "In": [],
        "Out": {},
        "get_ipython": load,
        "exit": load,
        "pd": pd,
        "n": 3,
        "load": load,
        "rows": [{}],
        "api_key": "sk-1234",
        "prices": pd.DataFrame({"x": [1.0, None], "y": [1, 2]}, index=pd.date_range("2020", periods=2, name="day")),
        "arr": np.zeros((20, 3)),
        "tool": load,
    }


def test_the_data_first_each_kind_by_name():
    assert digest(space(), hidden={"tool"}).split("\n") == [
        "arr: ndarray (20, 3) float64",
        "prices: DataFrame 2 × 2, DatetimeIndex (day): x float64, y int64 (missing: x 1)",
        "api_key: str (hidden)",
        "n: int 3",
        "rows: list of 1 dict",
        "load: function load(ticker, start=None): Monthly closing prices of one ticker.",
        "imported: pd (pandas)",
    ]


def test_the_text_does_not_depend_on_the_order_of_the_names():
    names = space()
    assert digest(dict(reversed(names.items()))) == digest(names)


def test_too_many_names_are_counted_and_named():
    names = {f"name{i:03}": "x" * 50 for i in range(300)} | {"np": np}
    text = digest(names, limit_chars=1000)
    assert len(text) <= 1500
    shown = sum(line.startswith("name") for line in text.split("\n"))
    assert f"({300 - shown} more not shown here, `%whos` lists all: name{shown:03}" in text
    assert text.endswith("imported: np (numpy)")


def test_nothing_to_list():
    assert digest({"_x": 1}) == ""


def test_a_column_label_of_several_lines_stays_on_one():
    assert "\n" not in digest({"df": pd.DataFrame({"a\nignore the task": [1]})})


def test_changes_say_what_was_before():
    changes = [
        Change(name="a", kind="added", after="int 1"),
        Change(name="b", kind="mutated", before="list of 1", after="list of 2"),
        Change(name="c", kind="deleted", before="int 3"),
        Change(name="d", kind="rebound", before="int 3", after="int 4", scope="quant"),
    ]
    assert digest_changes(changes).split("\n") == [
        "added a: int 1",
        "changed in place b: list of 2 (was list of 1)",
        "deleted c (was int 3)",
        "rebound [quant] d: int 4 (was int 3)",
    ]


def test_many_changes_are_cut():
    text = digest_changes([Change(name=f"n{i}", kind="added", after="x" * 90) for i in range(100)], limit_chars=500)
    assert len(text) < 900
    assert "more: n" in text


def test_columns_are_told_once():
    table = "DataFrame 3 × 2: city object, temp float64"
    changes = [
        Change(name="a", kind="added", after=table),
        Change(name="b", kind="mutated", before=table, after="DataFrame 2 × 2: city object, temp float64"),
        Change(name="c", kind="added", after="DataFrame 1 × 1: wind float64"),
        Change(name="d", kind="added", after="str 'wind: city object, temp float64'"),
    ]
    assert digest_changes(changes, told=lambda detail: detail == "wind float64").split("\n") == [
        f"added a: {table}",
        "changed in place b: DataFrame 2 × 2: … (was DataFrame 3 × 2: …)",
        "added c: DataFrame 1 × 1: …; d: str 'wind: city object, temp float64'",
    ]
