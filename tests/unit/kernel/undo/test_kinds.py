"""Objects of kinds that are kept in a way of their own: changed in place, and as before after an undo."""

import warnings

import pytest

from agentnb.kernel.namespace.reach import may_draw
from agentnb.kernel.undo.rollback import roll_back
from tests.unit.kernel.undo.acting import act
from tests.unit.kernel.undo.picture import Picture
from tests.unit.kernel.undo.test_programs import variables

IMPORTS = "import array, collections, functools, random, sys, types\nimport numpy as np, pandas as pd\n"
TABLE = 'df = pd.DataFrame({"a": [1.0, 2, 3], "c": pd.Categorical(["u", "v", "u"]), "o": [1, "x", None]})'

# what there is, what is done
CASES = {
    "a column written to, then replaced by a copy": (TABLE, "df.loc[0, 'a'] = 9; df['a'] = df['a'].copy()"),
    "categories written to, then replaced": (TABLE, "df.loc[0, 'c'] = 'v'; df['c'] = df['c'].copy()"),
    "objects written to, then replaced": (TABLE, "df.loc[0, 'o'] = 9; df['o'] = df['o'].copy()"),
    "the frequency of an index": (
        "df = pd.DataFrame({'v': [1, 2]}, index=pd.date_range('2020', periods=2))",
        "df.index.freq = None",
    ),
    "a structured array with objects": (
        'a = np.zeros(3, [("n", int), ("o", "O")]); n = a["n"]',
        "a['o'][0] = [1]; n[1] = 5",
    ),
    "a masked array of objects": ("a = np.ma.array([1, 'x'], dtype=object)", "a[0] = np.ma.masked; a[1] = 7"),
    "an array made read-only": (
        "a = np.arange(3); b = np.array([1, 'a'], dtype=object)",
        "a[0] = 9; a.flags.writeable = b.flags.writeable = False",
    ),
    "an array made writeable": ("a = np.arange(3); a.flags.writeable = False", "a.flags.writeable = True; a[0] = 4"),
    "a buffer through a view of it": ("raw = bytearray(b'abc'); seen = memoryview(raw)", "seen[0] = 1"),
    "an array through a memoryview": ("a = np.arange(3); seen = memoryview(a)", "seen[0] = 9"),
    "a mapping through a proxy": ("d = {1: [2]}; seen = types.MappingProxyType(d)", "seen[1].append(3)"),
    "a namespace": ("s = types.SimpleNamespace(a=[1])", "s.a.append(2); s.b = 1; del s.a"),
    "an exception": (
        "e = OSError(1, 'a', 'f')",
        "e.args = (2,); e.filename = 'g'; e.__cause__ = KeyError(); e.add_note('n')",
    ),
    "defaults of a function": ("def f(a=[], *, k={}): a.append(1); k[1] = 2", "f()"),
    "a function": (
        "def f(): return 1\ndef g(): return 2",
        "f.calls = 1; f.__code__ = g.__code__; f.__name__ = 'z'; f.__doc__ = 'd'",
    ),
    "a static method": ("class A:\n    @staticmethod\n    def add(to=[]): to.append(1)", "A.add()"),
    "a class": (
        "class A:\n    'doc'\nclass B: pass\nclass C(A): pass",
        "A.__name__ = 'Z'; A.__doc__ = 'q'; C.__bases__ = (B,)",
    ),
    "the class of an instance": ("class A: pass\nclass B: pass\na = A(); a.x = 1", "a.__class__ = B"),
    "a base through an instance": ("class A: n = 0\nclass B(A): pass\nb = B()", "type(b).__mro__[1].n = 5"),
    "what a cached property holds": (
        "class A:\n    @functools.cached_property\n    def v(self): return [1]\na = A(); a.v",
        "a.v.append(2)",
    ),
    "options of a partial": (
        "p = functools.partial(max, [1], key=None)",
        "p.keywords['z'] = 1; p.note = 2; p.args[0].append(2)",
    ),
    "a typed array with nan": ("a = array.array('d', [float('nan'), 2])", "a[1] += 1"),
    "a list that a module has as well": ("m = types.ModuleType('m'); m.kept = [1]; kept = m.kept", "m.kept.append(2)"),
}


def made(setup):
    space = {"__name__": "__main__"}
    exec(IMPORTS + setup, space)
    return space


@pytest.mark.parametrize(("setup", "code"), CASES.values(), ids=CASES)
def test_it_is_as_before(setup, code):
    space = made(setup)
    before = Picture(variables(space))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        delta, changes = act(space, code)
    assert changes
    assert Picture(variables(space)) != before or "freq" in code
    came = roll_back([delta], space)
    assert (came.collisions, came.lost, came.rebound) == ([], [], [])
    assert Picture(variables(space)).differing(before) == set()


CACHING = """
class Rows:
    def __init__(self): self.rows = [1]
    @functools.cached_property
    def total(self): return sum(self.rows)
x = Rows()
@functools.cache
def total(): return sum(x.rows)
"""
TWICE = {
    "a typed array": ("x = array.array('d', [1, float('nan')])", "x[0] += 1"),
    "a sparse table": (
        "x = pd.DataFrame({'c': pd.Categorical(['u', 'v'])})",
        "x.loc[0, 'c'] = 'v'; x['c'] = x['c'].copy()",
    ),
    "labels": (
        "x = pd.DataFrame({'v': [1, 2]}, index=pd.MultiIndex.from_tuples([(1, 2), (3, 4)], names=['a', 'b']))",
        "x.index.names = x.index.names[::-1]; x.index.levels",
    ),
    "an instance with something cached": (CACHING, "x.total; x.rows = [*x.rows, 5]"),
    "reshaped, then written to": (
        "x = np.arange(12.0).reshape(3, 4)",
        "x.shape = x.shape[::-1]; v = x[1:, 1]; v[:] = -1",
    ),
}


@pytest.mark.parametrize(("setup", "code"), TWICE.values(), ids=TWICE)
@pytest.mark.parametrize("together", [True, False])
def test_two_steps_on_one_object_are_no_collision(setup, code, together):
    space = made(setup)
    before = Picture(variables(space))
    deltas = [act(space, code)[0], act(space, code)[0]]
    for chosen in [deltas] if together else [deltas[1:], deltas[:1]]:
        assert roll_back(chosen, space).collisions == []
    assert Picture(variables(space)).differing(before) == set()


def test_the_names_of_levels_go_back_with_those_of_the_index():
    space = made("m = pd.MultiIndex.from_tuples([(1, 2)], names=['a', 'b']); m.levels")
    delta, _ = act(space, "m.names = ['x', 'y']; m.levels")
    roll_back([delta], space)
    assert [level.name for level in space["m"].levels] == ["a", "b"]


def test_what_was_computed_from_what_is_taken_back_is_forgotten():
    space = made(CACHING)
    delta, _ = act(space, "x.rows.append(5); x.total; total()")
    roll_back([delta], space)
    assert (space["x"].total, space["total"]()) == (1, 1)
    assert act(space, "x.total; total()")[1] == {}  # to compute it is no change


def test_what_an_action_only_computed_is_no_collision():
    space = made(CACHING + "y = [1]")
    delta, _ = act(space, "y.append(2); x.total")
    space["x"].mine = 1
    came = roll_back([delta], space)
    assert (came.restored, came.collisions, space["x"].mine) == (["y"], [], 1)


def test_what_one_step_computed_and_the_next_changed_is_forgotten():
    space = made(CACHING + "y = [1]")
    first, _ = act(space, "y.append(2); x.rows[0] += 1; x.total")
    second, _ = act(space, "x.rows = [7]; x.note = 1")
    roll_back([first, second], space)
    assert (space["x"].total, space["x"].rows) == (1, [1])


def test_a_variable_that_a_module_beside_the_notebook_changes(tmp_path, monkeypatch):
    (tmp_path / "beside_the_notebook.py").write_text("kept = []\ndef add(value): kept.append(value)\n")
    monkeypatch.syspath_prepend(tmp_path)
    space = made("from beside_the_notebook import add, kept")
    delta, changes = act(space, "add(3)")
    assert list(changes) == ["kept"]
    roll_back([delta], space)
    assert space["kept"] == []


def test_random_numbers_are_drawn_again():
    space = made("")
    delta, changes = act(space, "one = random.random(), np.random.rand()")
    first = space["one"]
    assert list(changes) == ["one"]
    assert roll_back([delta], space).restored == ["Python's random state", "numpy's random state", "one"]
    act(space, "one = random.random(), np.random.rand()")
    assert space["one"] == first


@pytest.mark.parametrize(
    ("code", "looked"),
    [("print(len('a'))", False), ("print(f())", True), ("get_ipython().run_line_magic('time', 'print(1)')", False)],
)
def test_the_random_states_are_looked_at_where_code_may_draw(code, looked):
    assert may_draw(code, {"f": 1}) is looked
    assert may_draw(code, {"print": 1})  # the person's own


def test_random_numbers_drawn_since_are_nobodys_loss():
    space = made("n = 1")
    delta, _ = act(space, "n = 2; random.random(); np.random.rand()")
    space["random"].random(), space["np"].random.rand()
    came = roll_back([delta], space)
    assert (came.restored, came.collisions, came.rebound) == (["n"], [], [])


def test_a_locked_buffer_is_said_and_the_rest_goes_back():
    space = made("raw = bytearray(b'ab'); rows = [1]")
    delta, _ = act(space, "raw += b'c'; rows.append(2)")
    held = memoryview(space["raw"])
    came = roll_back([delta], space)
    assert (came.restored, came.lost, space["rows"]) == (["rows"], ["raw"], [1])
    held.release()


def test_a_set_that_got_equal_members_is_unchanged():
    space = made("s = {10**20, 'a long text', 1.5}; ones = {1}")
    _, changes = act(space, "s.remove(10**20); s.add(10**20); ones.clear(); ones.add(True)")
    assert list(changes) == ["ones"]
