"""Which variables a cell's code needs where it runs without the others."""

import IPython.core.inputtransformer2  # noqa: F401  # what makes calls of magics, there in any kernel
import pytest

from agentnb.kernel.namespace.reach import assigned, needed

SPACE = """
import math
K, rate, unused = 2, 0.5, 1
_hidden = 3
def scale(x): return x * K
def outer(x): return [scale(each) for each in x]
class Point:
    def __init__(self, x): self.x = math.floor(x * rate)
class Corner(Point):
    pass
corner = Corner(1)
later = [outer]
"""


@pytest.fixture
def space():
    names = {"__name__": "__main__", "In": [], "get_ipython": None}
    exec(SPACE, names)
    return names


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("1 + 1", set()),
        ("rate = 1", set()),
        ("rate += 1", {"rate"}),
        ("print(rate, _hidden, In)", {"rate", "_hidden"}),
        ("outer([1])", {"outer", "scale", "K"}),
        ("later[0]([1])", {"later", "outer", "scale", "K"}),
        ("corner.x", {"corner", "Corner", "Point", "math", "rate"}),
        ("Point(1)", {"Point", "math", "rate"}),
        ("%time scale(1)", {"scale", "K"}),
    ],
)
def test_what_the_code_reads_and_what_that_needs(space, code, names):
    assert set(needed(code, space)) == names


def test_code_that_may_reach_anything_needs_all(space):
    everything = set(needed("eval(input())", space))
    assert {"K", "rate", "unused", "Corner", "later", "math"} <= everything
    assert not {"In", "get_ipython", "__name__"} & everything


def test_classes_and_functions_come_first(space):
    names = needed("corner, later", space)
    assert names[:2] == ["Point", "Corner"]
    assert set(names[2:4]) == {"outer", "scale"}
    assert {"corner", "later"} < set(names[4:])


@pytest.mark.parametrize(
    ("code", "names"), [("a = b", {"a"}), ("for i, (j, k) in x: pass", {"i", "j", "k"}), ("(", set())]
)
def test_what_the_code_assigns_to(code, names):
    assert assigned(code) == names
