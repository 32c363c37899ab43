"""The lines that tell how a variable differs."""

import array

import numpy as np
import pandas as pd
import pytest

from tests.unit.kernel.undo.acting import act


class Model:
    def __init__(self):
        self.depth, self.api_key = 3, "sk-1"

    def fit(self, x):
        self.coef_ = [x]
        return self


COUNTING = """
def counting():
    n = 0
    def count():
        nonlocal n
        n += 1
    return count
"""


@pytest.fixture
def space():
    return {
        "__name__": "__main__",
        "np": np,
        "pd": pd,
        "df": pd.DataFrame({"a": [1.0, 2, 3], "b": [1, 2, 3], "s": ["x", "y", None]}, index=["p", "q", "r"]),
        "ser": pd.Series([1, 2, 3], name="k"),
        "arr": np.arange(6.0).reshape(2, 3),
        "things": np.array([1, "x", None], dtype=object),
        "rows": [{"v": 1}, {"v": 2}],
        "cfg": {"a": {"b": [1]}, "token": "t", "n": 1},
        "seen": {1, 2},
        "model": Model(),
        "raw": [0] * 5,
        "ext": pd.DataFrame(
            {
                "n": pd.array([1, None], "Int64"),
                "c": pd.Categorical(["u", "v"]),
                "p": pd.period_range("2020", periods=2, freq="M"),
                "t": pd.date_range("2020", periods=2),
                "i": pd.interval_range(0, 2),
                "o": [[], {}],
            }
        ),
        "twins": pd.DataFrame([[1, 2.0], [3, 4.0]], columns=["a", "a"]),
        "strip": np.arange(6.0).reshape(2, 3)[:, 1],
        "numbers": array.array("d", [1, 2]),
        "packed": bytearray(b"abc"),
        "count": _counting(),
    }


def _counting():
    names = {"__name__": "__main__"}
    exec(COUNTING, names)
    return names["counting"]()


CASES = [
    ("df.loc['p', 'a'] = 9", "df", ["a: 1 of 3 cells (1 → 9)"]),
    ("df.loc[:, 'b'] = [4, 2, 6]", "df", ["b: 2 of 3 cells (1 … 3 → 4 … 6)"]),
    ("df['a'] = df['a'] * 2", "df", ["a: 3 of 3 cells (1 … 3 → 2 … 6)"]),
    ("df.loc['r', 's'] = 'z'", "df", ["s: 1 of 3 cells (nan → 'z')"]),
    ("df['new'] = 1.5; del df['a']", "df", ["column added: new float64", "column dropped: a"]),
    ("df['b'] = df['b'].astype(float)", "df", ["b: int64 → float64"]),
    ("df.drop('p', inplace=True)", "df", ["rows: 3 → 2"]),
    ("df.sort_index(ascending=False, inplace=True)", "df", None),
    ("df = df[['s', 'a', 'b']]", "df", ["columns in another order"]),
    ("df = df.dropna()", "df", ["rows: 3 → 2"]),
    ("df = df.copy()", "df", []),
    ("df.iloc[0, 0] = float('nan')", "df", ["a: 1 of 3 cells (1 → nan)"]),
    ("ser[1] = 7", "ser", ["values: 1 of 3 cells (2 → 7)"]),
    ("arr[0] = 7", "arr", ["3 of 6 elements (0 … 2 → 7)"]),
    ("arr = arr + 1", "arr", ["6 of 6 elements (0 … 5 → 1 … 6)"]),
    ("arr[:, 1] *= 2; arr[0, 0] = 0", "arr", ["2 of 6 elements (1 … 4 → 2 … 8)"]),
    ("arr.shape = (3, 2)", "arr", ["shape: (2, 3) → (3, 2)"]),
    ("things[1] = 'y'", "things", ["1 of 3 elements ('x' → 'y')"]),
    ("rows[1]['v'] = 5", "rows", ["[1]: 1 entry changed: 'v' 2 → 5"]),
    ("rows.append(1); rows.append(2)", "rows", ["2 entries added"]),
    ("del rows[0]", "rows", ["1 entry removed"]),
    ("raw[1:3] = [1, 1]", "raw", ["2 entries changed"]),
    ("cfg['a']['b'].append(2)", "cfg", ["['a']['b']: 1 entry added"]),
    (
        "cfg['new'] = 1; cfg['n'] = 2; cfg['token'] = 'u'",
        "cfg",
        ["1 entry added: 'new'", "2 entries changed: 'token', 'n' 1 → 2"],
    ),
    ("seen.add(3); seen.remove(1)", "seen", ["1 element added, 1 element removed"]),
    ("model.fit(1)", "model", ["fitted now: coef_"]),
    ("model.depth = 5; model.api_key = 'sk-2'", "model", ["2 attributes changed: depth 3 → 5, api_key"]),
    ("fresh = 1", "fresh", []),
    ("df.loc['p', 'a'] = 9; df['a'] = df['a'].copy()", "df", ["a: 1 of 3 cells (1 → 9)"]),
    ("df.loc['p', 'a'] = 9; df['a'] = [5.0, 6, 7]", "df", ["a: 3 of 3 cells (1 … 3 → 5 … 7)"]),
    ("df.columns = list('xyz')", "df", ["columns renamed: a → x, b → y, s → z"]),
    ("df.index.name = 'k'", "df", ["index named: None → k"]),
    ("df.attrs['unit'] = 'm'", "df", ["attrs: 1 entry added: 'unit'"]),
    ("ser.name = 'q'", "ser", ["name: 'k' → 'q'"]),
    ("ser = ser.astype(float)", "ser", ["dtype: int64 → float64"]),
    ("ext.loc[0, 'n'] = None; ext.loc[1, 'n'] = 7", "ext", ["n: 2 of 2 cells"]),
    ("ext['n'] = ext['n'].fillna(5)", "ext", ["n: 1 of 2 cells (<NA> → 5)"]),
    ("ext.loc[0, 'c'] = 'v'", "ext", ["c: 1 of 2 cells ('u' → 'v')"]),
    ("ext.loc[0, 'p'] = pd.NaT", "ext", ["p: 1 of 2 cells (2020-01 → NaT)"]),
    ("ext.loc[0, 't'] = pd.Timestamp('2021')", "ext", ["t: 1 of 2 cells (2020-01-01 → 2021-01-01)"]),
    ("ext['t'] = pd.NaT", "ext", ["t: 2 of 2 cells (2020-01-01 … 2020-01-02 → NaT)"]),
    ("ext.loc[0, 'i'] = pd.Interval(7, 8)", "ext", ["i: 1 of 2 cells ((0, 1] → (7, 8])"]),
    ("ext.loc[0, 'o'].append(1)", "ext", ["o: changed inside 1 cell"]),
    ("twins['b'] = 1", "twins", ["column added: b int64"]),
    ("twins.drop(columns='a', inplace=True)", "twins", ["columns dropped: a, a"]),
    ("twins.iloc[0, 1] = 9", "twins", ["a: 1 of 2 cells (2 → 9)"]),
    ("arr[0, 0] = float('nan'); arr[1, 1] = 9", "arr", ["2 of 6 elements (0 … 4 → 9 or nan)"]),
    ("strip[0] = 9", "strip", ["1 of 2 elements (1 → 9)"]),
    ("arr.flags.writeable = False", "arr", ["made read-only"]),
    ("cfg['a'] = cfg.pop('a')", "cfg", ["entries in another order"]),
    ("numbers.append(3); numbers[0] = 9", "numbers", ["1 element added, 1 element changed"]),
    ("packed += b'd'", "packed", ["1 byte added"]),
    ("count()", "count", ["1 closed-over name changed: n 0 → 1"]),
    ("count.note = 1", "count", ["1 attribute added: note"]),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("code", "name", "lines"), CASES, ids=[code for code, _, _ in CASES])
def test_details(space, code, name, lines):
    found = act(space, code)[1][name].detail
    assert found == lines if lines is not None else found


def test_fitted_again(space):
    act(space, "model.fit(1)")
    assert act(space, "model.fit(2)")[1]["model"].detail == ["fitted again: coef_"]


def test_secrets_have_no_details():
    space = {"__name__": "__main__", "api_keys": ["sk-1"]}
    assert act(space, "api_keys.append('sk-2')")[1]["api_keys"].detail == []


def test_a_large_array_is_told_as_far_as_time_goes():
    space = {"__name__": "__main__", "arr": np.zeros(8_000_000), "np": np}
    (line,) = act(space, "arr += 1")[1]["arr"].detail
    assert line.startswith("at least 2,0")
    assert line.endswith("of 8,000,000 elements")


def test_objects_in_an_array_are_not_asked_for_their_text():
    class Asked:
        asked = 0

        def __str__(self):
            Asked.asked += 1
            return "asked"

        __repr__ = __str__
        __eq__ = __ne__ = lambda self, other: Asked.__str__(self)
        __hash__ = object.__hash__

    space = {"__name__": "__main__", "x": np.array([Asked(), 1], dtype=object), "other": Asked(), "Asked": Asked}
    _, changes = act(space, "x[0] = other; x[1] = [other]")
    assert changes["x"].detail == ["2 of 2 elements"]
    _, changes = act(space, "x[0] = Asked()")
    assert changes["x"].detail == ["1 of 2 elements (Asked → Asked)"]
    assert Asked.asked == 0
