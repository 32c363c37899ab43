"""Undo in a real kernel: after each kind of action the variables are as before, types, dtypes and aliases included."""

import pytest

from tests.kernel.work import reply, run_done, work

SETUP = """
import array, collections, random, threading
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier

rng = np.random.default_rng(0)
df = pd.DataFrame({f"c{i}": rng.random(1_000_000) for i in range(4)})      # large: held by a frozen fork
small = pd.DataFrame({"a": range(1000), "s": [f"x{i}" for i in range(1000)],
                      "c": pd.Categorical(["u", "v"] * 500), "n": pd.array([1, None] * 500, dtype="Int64"),
                      "t": pd.date_range("2020", periods=1000)})
ser = small["a"].copy()
arr = rng.random(2_000_000)
view = arr[10:20]
grid = np.arange(12.0).reshape(3, 4)
words = np.array(["a", ["b"], None], dtype=object)
masked = np.ma.masked_array([1.0, 2, 3], mask=[False, True, False])
lst = [{"id": i, "v": i * .5} for i in range(20_000)]
cfg = {"a": {"b": [1, 2, 3]}, "s": {1, 2}, "t": (1, [2])}
inner = cfg["a"]["b"]
holder = {"ref": df, "n": 1}
X = rng.random((500, 5)); y = (X[:, 0] > .5).astype(int)
model = RandomForestClassifier(5, random_state=0).fit(X, y)
order = collections.OrderedDict(a=1, b=2); counts = collections.Counter("aab")
queue = collections.deque([1, 2], maxlen=3)
raw = bytearray(b"abc"); typed = array.array("d", [1.0, 2.0]); dice = random.Random(1)

class Tank:
    made = []
    __slots__ = ("level", "log", "lock")
    def __init__(self):
        self.level, self.log, self.lock = 1, [1], threading.Lock()
    def fill(self):
        with self.lock:
            self.level += 1; self.log.append(self.level); Tank.made.append(self.level)
tank = Tank()

def counter():
    seen = []
    def count(x):
        seen.append(x)
        count.calls += 1
        return len(seen)
    count.calls = 0
    return count
count = counter()

def helper():
    cfg["a"]["b"].append(99)

def picture():
    import hashlib
    def sha(a): return hashlib.sha1(np.ascontiguousarray(a).tobytes()).hexdigest()[:8]
    def frame(f): return (f.shape, str(dict(f.dtypes)), str(f.columns), str(f.index),
                          [sha(f[c].to_numpy()) if f[c].dtype.kind == "f" else f[c].astype(str).tolist() for c in f])
    own = globals()
    return {
        "df": frame(df), "small": frame(small), "ser": (ser.name, str(ser.dtype), ser.tolist()),
        "arr": (arr.shape, str(arr.dtype), sha(arr)), "view": view.tolist(), "grid": (grid.shape, grid.tolist()),
        "words": repr(words), "masked": (masked.data.tolist(), masked.mask.tolist()), "lst": repr(lst),
        "cfg": repr(cfg),
        "model": (model.n_estimators, len(model.estimators_), float(model.predict_proba(X).sum())), "n": holder["n"],
        "more": repr((order, counts, queue, raw, typed, dice.getstate(), rng.bit_generator.state)),
        "tank": repr((tank.level, tank.log, Tank.made, Tank.fill, hasattr(Tank, "size"))),
        "count": repr((count.calls, [c.cell_contents for c in count.__closure__ if c.cell_contents is not count])),
        "types": [type(own[n]).__name__ for n in ("df", "small", "arr", "lst", "cfg", "order", "counts", "queue")],
        "aliases": (holder["ref"] is df, inner is cfg["a"]["b"], view.base is arr, np.shares_memory(view, arr)),
        "names": sorted(n for n in own if not n.startswith("_") and n != "agents_run"),
    }
"""

ACTIONS = {
    "a new name": "z = 1",
    "several names": "z, arr, small = 1, 2, 3",
    "a new column": "df['x'] = df.c0 * 2",
    "a column replaced": "df['c0'] = 0",
    "one cell": "df.iloc[5, 0] = 99",
    "one cell through another name": "holder['ref'].iloc[5, 0] = 7",
    "columns dropped in place": "df.drop(columns=['c3'], inplace=True)",
    "a table multiplied in place": "df *= 2",
    "the memory of a table": "for block in df._mgr.blocks: block.values.base[...] = 1",
    "rows dropped in place": "small.drop(index=range(10), inplace=True)",
    "sorted in place": "small.sort_values('a', ascending=False, inplace=True)",
    "an index set and named": (
        "small.set_index('a', inplace=True); small.index.name = 'key'; small.columns.name = 'what'"
    ),
    "a cell of each type": (
        "small.loc[3, ['a', 's', 'n']] = [-1, 'q', 7]; small.loc[3, 'c'] = 'v'; small.loc[3, 't'] = pd.NaT"
    ),
    "a category": "small['c'] = small['c'].cat.rename_categories(['w', 'x'])",
    "attributes of a table": "small.attrs['unit'] = 'm'; ser.name = 'renamed'",
    "a series": "ser.iloc[3] = -1",
    "elements of a large array": "arr[3:15] = 0",
    "elements through a view": "view[:] = 5",
    "an array multiplied in place": "arr *= 2",
    "an array reshaped": "grid.shape = (4, 3); grid[0, 0] = -1",
    "an array of objects": "words[0] = 'z'; words[1].append('c')",
    "a masked array": "masked[0] = np.ma.masked; masked[2] = 9",
    "a list of dicts": "lst.append(1); lst[5]['v'] = -1; del lst[9]; lst[0]['new'] = lst",
    "a list cleared": "lst.clear()",
    "a list deleted": "del lst",
    "nested containers": "cfg['a']['b'].append(4); cfg['s'].add(3); cfg['t'][1].append(5); cfg['me'] = cfg",
    "an inner list replaced": "cfg['a']['b'] = [0]; inner.append(7)",
    "hidden in a function": "helper()",
    "code from text": 'eval("helper()"); exec("arr[0] = 3")',
    "a model fitted again": "model.set_params(n_estimators=3).fit(X, 1 - y)",
    "collections": (
        "order.move_to_end('a'); order['c'] = 3; counts.update('bbc'); queue.extend([3, 4]); queue.rotate(1)"
    ),
    "buffers": "raw += b'def'; raw[0] = 0; typed.append(3.0)",
    "random generators": "rng.random(5); dice.random()",
    "an object with a lock": "tank.fill()",
    "what a function keeps": "count(1)",
    "a class": "Tank.fill = None; Tank.size = 3; Tank.made.append(0)",
    "a failing action": "arr[0] = 1; cfg['a'] = 2; 1 / 0",
    "nothing": "total = len(lst) + df.c1.mean() + small.describe().size",
}

CHILDREN = "[line for p in __import__('glob').glob('/proc/self/task/*/children') for line in open(p).read().split()]"


@pytest.fixture(scope="module")
def desk(agents_kernel):
    agents_kernel.run(SETUP, check=True, timeout=120)
    return agents_kernel


def undo(kernel, step="", call="%agents undo"):
    return kernel.run(f"{call} {step}".strip(), check=True).text


@pytest.mark.parametrize("code", ACTIONS.values(), ids=ACTIONS)
def test_the_variables_are_as_before(desk, code):
    desk.run("_before = picture()", check=True)
    ran = work(desk, code)
    assert ran.status == "done", ran.reason
    changed = desk.run(
        "_differs = picture() if 'lst' in globals() and 'cfg' in globals() else None\n_differs == _before"
    )
    if code != ACTIONS["nothing"]:
        assert changed.error is not None or changed.result["text/plain"] == "False"
    assert "left alone" not in undo(desk)
    assert desk.eval("[key for key, value in picture().items() if value != _before[key]]") == []
    assert desk.eval("[step.undone for step in agents_run.steps]")[0] is True


def test_back_to_before_a_step_and_then_to_before_the_run(desk):
    run_done(desk, "cfg['one'] = 1", "cfg['two'] = 2; new = 1", "cfg['three'] = 3; new = 2")
    assert "put back: cfg, new" in undo(desk, "2")
    assert desk.eval("(list(cfg), 'new' in globals())") == (["a", "s", "t", "one"], False)
    assert desk.eval("[step.undone for step in agents_run.steps]") == [False, True, True, False]
    undo(desk, call="agents_run.undo()")
    assert desk.eval("list(cfg)") == ["a", "s", "t"]
    again = desk.run("agents_run.undo()")
    assert "undone already" in again.text


def test_a_step_by_its_id_in_the_record(desk):
    run_done(desk, "cfg['one'] = 1", "cfg['two'] = 2")
    undo(desk, call="agents_run.undo('t1.2')")
    assert desk.eval("list(cfg)") == ["a", "s", "t", "one"]
    assert "there is no step" in desk.run("agents_run.undo(9)").text
    undo(desk)


def test_what_the_person_did_since_is_left_alone_and_named(desk):
    run_done(desk, "cfg['one'] = 1; arr[5] = 1; made = 1; df.iloc[0, 0] = 5; ser.iloc[0] = 7")
    desk.run("cfg['mine'] = 2; made = 'mine'; df.iloc[0, 0] = 3", check=True)
    told = undo(desk)
    assert "put back: arr, ser" in told
    assert "left alone, since changed after the step: cfg, df, holder, made" in told
    assert desk.eval("(cfg['one'], cfg['mine'], made, float(df.iloc[0, 0]))") == (1, 2, "mine", 3.0)
    assert desk.eval("float(arr[5]) != 1 and int(ser.iloc[0]) == 0")
    forced = undo(desk, call="agents_run.undo(force=True)")
    assert "overwritten though changed" in forced
    assert desk.eval("('one' in cfg, 'made' in globals(), float(df.iloc[0, 0]) < 1)") == (False, False, True)


def test_what_the_person_changed_elsewhere_in_a_table_stays(desk):
    run_done(desk, "df.iloc[0, 0] = 5")
    desk.run("df.iloc[500_000, 1] = 3", check=True)
    assert "put back: df" in undo(desk)
    assert desk.eval("(float(df.iloc[0, 0]) < 1, float(df.iloc[500_000, 1]))") == (True, 3.0)


def test_what_the_person_only_looked_at_is_put_back(desk):
    run_done(desk, "small.loc[0, 'a'] = 5; small['extra'] = 1.5")
    desk.run("small.describe(); small.values; small.sum(numeric_only=True); repr(small)", check=True)
    undo(desk)
    assert desk.eval("(int(small.loc[0, 'a']), 'extra' in small)") == (0, False)


def test_a_specialist_in_scratch_that_changes_objects_of_the_persons(desk):
    replies = [reply("cfg['q'] = arr[0] = 1; own = 2\nfinal_answer(3)")]
    members = f"Agent('quant', 'counts', model=ScriptedModel({replies!r}))"
    desk.run("_before = picture()", check=True)
    run_done(desk, "got = await quant('count')\ncfg['lead'] = got", members=members)
    assert desk.eval("(cfg['q'], cfg['lead'], got)") == (1, 3, 3)
    undo(desk)
    assert desk.eval("[key for key, value in picture().items() if value != _before[key]]") == []


def test_a_pool_inside_the_action_hides_no_writes(desk):
    desk.run("_before = picture()", check=True)
    code = (
        "import multiprocessing as mp\narr[:5] = 9\nwith mp.get_context('fork').Pool(1) as pool:\n"
        "    pool.map(abs, [1]); arr[5:9] = 9\ndel mp, pool"
    )
    run_done(desk, code)
    undo(desk)
    assert desk.eval("[key for key, value in picture().items() if value != _before[key]]") == []


def test_the_model_is_told(desk):
    replies = [reply("cfg['one'] = 1"), reply("final_answer(1)"), reply("final_answer(2)")]
    desk.run(f"_team = Team(model=ScriptedModel({replies!r}))", check=True)
    desk.run("%%agents -t _team --new\nDo it.", check=True)
    undo(desk)
    desk.run("%%agents -t _team\nGo on.", check=True)
    told = desk.eval("str(_team.model.calls[-1])")
    assert "The person has undone what your code did to their variables in step 1. Put back: cfg" in told


def test_what_cannot_be_undone_is_said_before_the_action(desk):
    desk.run("stream = (n for n in range(3))", check=True)
    ran = work(desk, "steps = list(agents_run.steps[-1].notes)\nopen('out.txt', 'w').close(); next(stream)")
    assert any("writes files (open)" in note for note in ran.first.notes)
    assert any("stream (generator)" in note for note in ran.first.notes)
    assert desk.eval("steps") == ran.first.notes  # seen by the code itself: it was said before
    undo(desk)


def test_the_overview_shows_what_can_be_undone(desk):
    run_done(desk, "cfg['one'] = 1", "arr[0] = 5")
    assert "steps that can be undone: " in desk.run("%agents", check=True).text
    assert desk.eval("[(c.step, c.size > 0) for c in agents_run.checkpoints]") == [("t1.1", True), ("t1.2", True)]
    undo(desk)
    assert desk.eval("len(agents_run.checkpoints)") == 0


def test_agents_cannot_undo(desk):
    ran = work(desk, "agents_run.undo()")
    assert "only the person can undo; go on without it" in ran.first.failure


def test_no_process_and_no_descriptor_is_left(desk):
    def settled():
        desk.until(lambda: desk.eval(CHILDREN) == [], timeout=20, what="the checkpoints' processes to be gone")
        return desk.eval("len(__import__('os').listdir('/proc/self/fd'))")

    run_done(desk, "arr[0] = 1", "df.iloc[1, 1] = 1")
    undo(desk)
    before = settled()
    run_done(desk, *[f"arr[{n}] = {n}" for n in range(15)])
    assert abs(settled() - before) < 5  # a leak would be 15
    undo(desk)
