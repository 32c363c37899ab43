"""Random programs over variables of many kinds, with aliases between them: after an undo all is as before."""

import textwrap
import types
import warnings
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from agentnb.kernel.undo.rollback import roll_back
from tests.unit.kernel.undo.acting import act
from tests.unit.kernel.undo.picture import Picture

PRELUDE = """
import array, collections, dataclasses, functools, random, types
import numpy as np, pandas as pd
import scipy.sparse as sp

class Point:
    made = []
    def __init__(self): self.x, self.log = 1, [1]
    def move(self): self.x += 1; self.log.append(self.x); Point.made.append(self.x)
    @functools.cached_property
    def total(self): return sum(self.log)

class Slotted:
    __slots__ = ("x", "rest")
    def __init__(self): self.x = [1]

@dataclasses.dataclass
class Record:
    n: int = 1
    tags: list = dataclasses.field(default_factory=list)

def counting():
    calls, seen = 0, []
    def count(extra=[]):
        nonlocal calls
        calls += 1; seen.append(calls); extra.append(calls)
    return count
"""


class Sort(NamedTuple):
    """How a variable is made and what is done to it; ``{x}`` is its name, ``{y}`` that of any other."""

    make: str
    ways: list[str]


FRAME = 'pd.DataFrame({"a": [1.0, 2, 3], "b": [4.0, 5, 6], "i": [1, 2, 3], "s": ["x", None, "z"]})'
MIXED = """pd.DataFrame({
    "c": pd.Categorical(["u", "v"]), "n": pd.array([1, None], "Int64"), "t": pd.date_range("2020", periods=2, tz="UTC"),
    "p": pd.period_range("2020", periods=2, freq="M"), "w": pd.array([1, None], "int64[pyarrow]"), "o": [[1], {}]})"""
SORTS = [
    Sort(
        "[1, [2], 3.5]",
        ["{x}.append({y})", "{x}[0] = -1", "{x}.reverse()", "{x}[1:] = []", "{x}.clear()", "{x} += [{x}]"],
    ),
    Sort(
        '{"a": [1], "b": 0.0}',
        [
            "{x}['new'] = {y}",
            "{x}['a'] = 2",
            "{x}['a'].append(5)",
            "{x}['b'] = -0.0",
            "{x}.clear()",
            "{x}['a'] = {x}.pop('a')",
            "{x}.setdefault('q', {x})",
        ],
    ),
    Sort("{1, 2, 10**20}", ["{x}.add(3)", "{x}.discard(1)", "{x} |= {{'s'}}"]),
    Sort(
        "collections.deque([1, [2]], maxlen=3)",
        ["{x}.append({y})", "{x}.rotate(1)", "{x}.popleft()", "{x}.extend([1, 2, 3])"],
    ),
    Sort("collections.Counter('aab')", ["{x}.update('bz')", "{x}['a'] -= 5", "del {x}['b']"]),
    Sort(
        "collections.defaultdict(list, k=[1])",
        ["{x}['n'].append({y})", "{x}['k'].append(2)", "{x}.default_factory = int"],
    ),
    Sort("collections.OrderedDict(a=1, b=[2])", ["{x}.move_to_end('a')", "{x}['c'] = {y}", "{x}['b'].append(1)"]),
    Sort("bytearray(b'abc')", ["{x}[0] = 0", "{x} += b'more'", "{x}.clear()"]),
    Sort("array.array('d', [1.0, float('nan')])", ["{x}.append(3)", "{x}[1] += 1", "{x}[0] = 7"]),
    Sort(
        "np.arange(12.0).reshape(3, 4)",
        [
            "{x}[1] = 0",
            "{x} *= 2",
            "{x}.T[0, 1] = np.nan",
            "{x}.shape = (4, 3)",
            "{x}.flat[2:9] = 1",
            "{x}[:, ::2] += 1",
            "{x}.setflags(write=False)",
            "v = {x}[1:, 1]; v[:] = -1",
        ],
    ),
    Sort("np.asfortranarray(np.arange(6).reshape(2, 3))", ["{x}[0, 1] = 9", "{x}.sort(axis=0)", "{x}[...] = 3"]),
    Sort("np.arange(8)[::-2]", ["{x}[1] = 9", "{x}.base[2:6] = 7", "{x}.base[0] = 5"]),
    Sort("np.array(5.0)", ["{x}[...] = 6", "{x} += 1"]),
    Sort("np.array([1, [2], None], dtype=object)", ["{x}[0] = {y}", "{x}[1].append(3)", "{x}[::-1] = {x}.copy()"]),
    Sort('np.zeros(3, [("n", int), ("o", "O")])', ["{x}['n'][1] = 5", "{x}['o'][0] = [{y}]", "{x}[2] = (7, 'q')"]),
    Sort("np.ma.array([1.0, 2, 3])", ["{x}[0] = np.ma.masked", "{x}[1] = 9", "{x}.mask = [0, 1, 0]"]),
    Sort(
        FRAME,
        [
            "{x}.loc[0, 'a'] = 9",
            "{x}['n'] = {x}['a'] * 2",
            "{x}.loc[1, 's'] = 'q'",
            "{x}.drop(columns='b', inplace=True)",
            "{x}.sort_values('i', ascending=False, inplace=True)",
            "{x}.loc[1, 'a'] = 7; {x}['a'] = {x}['a'].copy()",
            "{x}.loc[9] = 1",
            "{x}['i'] = {x}['i'].astype('int8')",
            "{x} *= 2",
            "{x}.columns = list({x}.columns)[::-1]",
            "{x}.attrs['u'] = [1]",
            "{x}.index.name = 'k'",
            "{x}.insert(0, 'z', 1)",
            "{x}['a'] = {x}['b']",
            "{x}.iloc[0, 2] = -1",
            "del {x}['a']",
        ],
    ),
    Sort(
        MIXED,
        [
            "{x}.loc[0, 'c'] = 'v'",
            "{x}.loc[0, 'n'] = None",
            "{x}.loc[1, 't'] = pd.NaT",
            "{x}.loc[0, 'p'] = pd.NaT",
            "{x}.loc[0, 'w'] = 7",
            "{x}.loc[0, 'o'].append({y})",
            "{x}['c'] = {x}['c'].cat.add_categories(['z'])",
            "{x}.loc[0, 'c'] = 'v'; {x}['c'] = {x}['c'].copy()",
            "{x}['t'] = {x}['t'].dt.tz_convert('Asia/Tokyo')",
        ],
    ),
    Sort(
        'pd.DataFrame([[1, 2.0, "x"], [3, 4.0, "y"]], columns=["a", "a", "b"])',
        ["{x}.iloc[0, 1] = 9", "{x}['a'] = 0", "{x}.drop(columns='a', inplace=True)"],
    ),
    Sort(
        'pd.DataFrame({"v": [1, 2, 3, 4]}, index=pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", "y"]))',
        ["{x}.loc[('a', 1), 'v'] = 9", "{x}.index.names = ['p', 'q']", "{x}.reset_index(inplace=True)"],
    ),
    Sort(
        'pd.Series([1.0, 2, 3], name="s", index=pd.date_range("2020", periods=3))',
        ["{x}.iloc[0] = 5", "{x}.name = 'q'", "{x}.index.freq = None", "{x}['2021'] = 1", "{x}.iloc[:] = 0"],
    ),
    Sort('pd.Series(["a", None, "c"])', ["{x}[0] = 'q'", "{x}.iloc[1] = 'z'", "{x}.index = [5, 6, 7]"]),
    Sort('pd.array([1, None, 3], "Int64")', ["{x}[0] = None", "{x}[1] = 7"]),
    Sort("sp.csr_matrix(np.eye(3))", ["{x}.data[0] = 9", "{x}.data *= 0; {x}.eliminate_zeros()"]),
    Sort("sp.lil_matrix(np.eye(3))", ["{x}[0, 1] = 5", "{x}[2, 2] = 0"]),
    Sort(
        "Point()",
        [
            "{x}.move()",
            "{x}.x = {y}",
            "{x}.log.append(2)",
            "{x}.total; {x}.log.append(3)",
            "{x}.new = 1",
            "del {x}.x",
            "Point.made = {y}",
            "Point.extra = 1",
            "{x}.total",
        ],
    ),
    Sort("Slotted()", ["{x}.x.append(1)", "{x}.rest = {y}", "del {x}.x"]),
    Sort("Record()", ["{x}.n += 1", "{x}.tags.append({y})", "{x}.more = 2"]),
    Sort("types.SimpleNamespace(a=[1])", ["{x}.a.append(2)", "{x}.b = {y}", "del {x}.a"]),
    Sort("counting()", ["{x}()", "{x}.note = {y}", "{x}.__name__ = 'other'", "{x}.__defaults__ = None"]),
    Sort("functools.partial(sorted, [3, 1], reverse=True)", ["{x}.args[0].append(2)", "{x}.keywords['key'] = None"]),
    Sort(
        "ValueError(1, [2])",
        ["{x}.args = (3,)", "{x}.args[1].append(1)", "{x}.add_note('n')", "{x}.__cause__ = KeyError()"],
    ),
    Sort("random.Random(1)", ["{x}.random()", "{x}.seed(5)"]),
    Sort("np.random.default_rng(1)", ["{x}.random()", "{x}.shuffle([1, 2])"]),
    Sort("np.random.RandomState(1)", ["{x}.randn()"]),
    Sort("([1], {'k': {1}})", ["{x}[0].append({y})", "{x}[1]['k'].add(2)"]),
]
ANY = [
    "{x} = {y}",
    "del {x}",
    "box.append({x})",
    "box[-1] = {y}",
    "fresh = [{x}]",
    "{x} = None",
    "table[{y!r}] = {x}",
    "random.random(); np.random.rand()",
]
READS = ["repr({x})", "len(box)", "[*map(type, box)]", "import copy; copy.copy({x})"]


@st.composite
def programs(draw):
    """Variables by name with their sorts, and the codes of some steps."""
    sorts = draw(st.lists(st.sampled_from(SORTS), min_size=2, max_size=5))
    names = {f"v{place}": sort for place, sort in enumerate(sorts)}

    def line():
        name, other = draw(st.sampled_from(list(names))), draw(st.sampled_from(list(names)))
        way = draw(st.sampled_from([*names[name].ways * 3, *ANY]))
        return way.replace("{y!r}", repr(other)).format(x=name, y=other)

    steps = [[line() for _ in range(draw(st.integers(1, 3)))] for _ in range(draw(st.integers(1, 3)))]
    reads = [draw(st.sampled_from(READS)).format(x=draw(st.sampled_from(list(names)))) for _ in steps]
    return names, ["\n".join(lines) for lines in steps], reads


def variables(space):
    return {n: v for n, v in space.items() if not n.startswith("_") and not isinstance(v, types.ModuleType)}


def run(code, space):
    try:
        exec(code, space)
    except Exception:
        return


def acted(space, code):
    """The delta of a step, its lines one after the other as far as they go."""
    body = "".join(f"try:\n{textwrap.indent(line, '    ')}\nexcept Exception: pass\n" for line in code.split("\n"))
    return act(space, body)[0]


@settings(deadline=None, max_examples=40)
@given(programs(), st.booleans())
def test_after_an_undo_all_is_as_before(program, together):
    names, steps, reads = program
    space = {"__name__": "__main__"}
    exec(PRELUDE, space)
    for name, sort in names.items():
        space[name] = eval(sort.make, space)
    made = [space[name] for name in names]
    space["box"], space["table"] = [made[0], {"in": made[-1]}], {"k": made[0]}
    pictures, deltas = [Picture(variables(space))], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for code, read in zip(steps, reads, strict=True):
            deltas.append(acted(space, code))
            run(read, space)
            space.pop("copy", None)
            pictures.append(Picture(variables(space)))
    told = "\n--\n".join(steps)
    if together:
        came = roll_back(deltas, space)
        assert (came.collisions, came.lost) == ([], []), told
        now = Picture(variables(space))
        assert now == pictures[0], (now.differing(pictures[0]), told)
        return
    for delta, picture in zip(reversed(deltas), reversed(pictures[:-1]), strict=True):
        came = roll_back([delta], space)
        assert (came.collisions, came.lost) == ([], []), told
        now = Picture(variables(space))
        assert now == picture, (now.differing(picture), told)
