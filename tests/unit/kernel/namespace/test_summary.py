import enum
import pathlib
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.kernel.namespace.summary import looks_like_credential, summarize, summarize_variable


class Hostile:
    """Every way of looking at it raises."""

    def __repr__(self):
        raise SystemExit

    __len__ = __iter__ = __str__ = __dir__ = __repr__

    def __getattr__(self, name):
        raise SystemExit

    @property
    def __class__(self):
        raise SystemExit


class HostileList(list):
    __len__ = __iter__ = __repr__ = __getitem__ = Hostile.__repr__


class Estimator:
    def fit(self):
        self.coef_ = 1


class Colour(enum.Enum):
    RED = 1

    def __repr__(self):
        raise SystemExit


async def fetch(a, /, b=1, *rest, c, d=None, **more): ...


fetch.__kwdefaults__["d"] = Hostile()  # not by a name of the module: pytest would look at it


def frame():
    return pd.DataFrame({"day": pd.date_range("2020", periods=1200), "price": np.ones(1200)})


CASES = [
    (None, "None"),
    (3, "int 3"),
    (10**5000, "int of 16,610 bits"),
    (1.5, "float 1.5"),
    ("a\nb", r"str 'a\nb'"),
    ("\ud800", r"str '\ud800'"),
    (b"ab", "bytes of 2: b'ab'"),
    ([{}] * 12, "list of 12 dict"),
    ([1, "a"], "list of 2 int | str: 1, 'a'"),
    (list(range(9)), "list of 9 int: 0, 1, 2, 3, 4, 5, …"),
    (["x"] * 0, "list of 0"),
    ({"b", "a"}, "set of 2 str: 'a', 'b'"),
    ({"a": 1, "b": [2]}, "dict of 2: 'a', 'b'"),
    ({"a": 1}, "dict of 1: 'a': 1"),
    ({"api_key": "sk-1", "n": 1}, "dict of 2: 'api_key': (hidden), 'n': 1"),
    (np.zeros((100, 3)), "ndarray (100, 3) float64"),
    (np.arange(2), "ndarray (2,) int64: 0, 1"),
    (np.float64(2.5), "float64 2.5"),
    (pd.Series([1], name="n"), "Series 1 int64 'n'"),
    (date(2020, 1, 2), "datetime.date(2020, 1, 2)"),
    (pathlib.PurePosixPath("a/b"), "PurePosixPath('a/b')"),
    (np, "module numpy"),
    (fetch, "async function fetch(a, /, b=1, *rest, c, d=…, **more)"),
    (Colour.RED, "Colour.RED"),
    (Colour, "class Colour(Enum)"),
    (ValueError("bad"), "ValueError: bad"),
    (Hostile(), "Hostile"),
    (HostileList([1]), "HostileList of 1 int: 1"),
    (Estimator(), "Estimator (not fitted)"),
]


@pytest.mark.parametrize(("value", "text"), CASES, ids=[text for _, text in CASES])
def test_one_line(value, text):
    assert summarize(value) == text


def test_a_frame_shows_its_columns():
    assert summarize(frame()) == "DataFrame 1,200 × 2: day datetime64, price float64"


def test_a_fitted_estimator_is_called_so():
    model = Estimator()
    model.fit()
    assert summarize(model) == "fitted Estimator"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
)


@given(values, st.integers(20, 300))
def test_any_value_gives_one_printable_line_within_the_limit(value, limit):
    text = summarize(value, limit=limit)
    assert 0 < len(text) <= limit
    assert text.isprintable()


def test_a_list_that_holds_itself():
    loop = []
    loop.append(loop)
    assert summarize(loop) == "list of 1 list"


@pytest.mark.parametrize(
    "name", ["api_key", "OPENAI_API_KEY", "token", "authToken", "db_password", "password2", "secrets", "aws-secret"]
)
def test_credentials_are_hidden(name):
    assert looks_like_credential(name)
    assert summarize_variable(name, "sk-123") == "str (hidden)"
    assert "sk-123" not in summarize_variable(name, {"x": "sk-123"})


@pytest.mark.parametrize("name", ["monkey", "author", "tokenizer", "compass", "keys", "passenger", "turkey"])
def test_other_names_are_not(name):
    assert summarize_variable(name, "x") == "str 'x'"


def test_numbers_are_never_hidden():
    assert summarize_variable("n_tokens", 5) == "int 5"
