"""Objects of libraries and of the user's in a line: what they were made with, or what they show."""

import argparse
import dataclasses
import logging
import types

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from agentnb.kernel.namespace.summary import summarize

mpl.use("agg")
FRAME = pd.DataFrame({"city": ["a", "b", "a"], "n": [1, 2, 3]})


@dataclasses.dataclass
class Config:
    rate: float = 0.1
    name: str = "base"
    tags: list = dataclasses.field(default_factory=list)
    api_key: int = 7
    _inner: int = 1


class Client:
    """Of a library, as far as can be seen."""

    def __init__(self, url, retries=3, timeout=10, *, token=None):
        self.url, self.retries, self.timeout, self.token, self.pool = url, retries, timeout, token, object()


def drawn():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 3))
    axes = figure.add_subplot()
    axes.plot([1, 2, 3], label="sales")
    axes.bar([1, 2], [3, 4])
    axes.set_title("By month")
    return figure, axes


FIGURE, AXES = drawn()
CASES = [
    (Config(), "Config(rate=0.1, name=str, tags=list of 0, api_key=(hidden))"),
    (types.SimpleNamespace(a=1, df=FRAME), "SimpleNamespace(a=1, df=DataFrame)"),
    (argparse.Namespace(lr=0.1, name="sk-secret"), "Namespace(lr=0.1, name=str)"),
    (Client("postgres://u:pw@x", timeout=60, token=5), "Client(timeout=60, token=(hidden))"),
    (logging.getLogger("some.where"), "Logger"),
    (FIGURE, "Figure 4 × 3 in, 1 axes"),
    (AXES, "Axes 'By month': 1 line, 2 patches"),
    (AXES.lines[0], "Line2D of 3 'sales'"),
    (type(AXES)(FIGURE, [0, 0, 1, 1]), "Axes (empty)"),
    (np.array([AXES, AXES], dtype=object), "ndarray (2,) object of Axes"),
    (FRAME.groupby("city"), "DataFrameGroupBy by 'city' of 3 × 2"),
    (FRAME.n.rolling(2), "Rolling(window=2)"),
    (KFold(3), "KFold(n_splits=3)"),
    (
        DecisionTreeClassifier(max_depth=3, criterion="entropy"),
        "DecisionTreeClassifier(criterion='entropy', max_depth=3) (not fitted)",
    ),
    (LinearRegression().fit([[1], [2]], [1, 2]), "fitted LinearRegression on 1 features"),
    (make_pipeline(StandardScaler(), LinearRegression()), "Pipeline(StandardScaler, LinearRegression) (not fitted)"),
    (
        make_pipeline(StandardScaler(), LinearRegression()).fit([[1], [2]], [1, 2]),
        "fitted Pipeline(StandardScaler, LinearRegression)",
    ),
    (np.polynomial.Polynomial([1, 2]), "Polynomial"),
    (FRAME.style, "Styler"),
]


@pytest.mark.parametrize(("value", "text"), CASES, ids=[text for _, text in CASES])
def test_one_line(value, text):
    assert summarize(value) == text


def test_of_many_attributes_the_first_are_shown():
    thing = types.SimpleNamespace(**{f"a{n}": n for n in range(9)})
    assert summarize(thing) == "SimpleNamespace(a0=0, a1=1, a2=2, a3=3, a4=4, a5=5, …)"
