import textwrap

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentnb.kernel.namespace.changes import Watch
from agentnb.kernel.namespace.reach import mentioned


def act(space, code, watch=None, **options):
    """Run code in the namespace and return its changes as ``{name: kind}``."""
    code = textwrap.dedent(code)
    watch = watch or Watch(space)
    before = watch.snapshot(code)
    exec(code, space)
    return {change.name: change.kind for change in watch.compare(before, **options)}


@pytest.fixture
def space():
    names = {"__name__": "__main__", "np": np, "pd": pd, "In": [], "_": 1}
    exec(
        textwrap.dedent(
            """
            import functools, threading
            df = pd.DataFrame({"a": [1.0, 2, 3], "s": ["x", "y", "x"], "o": [1, "z", None],
                               "c": pd.Categorical(["u", "v", "u"]), "n": pd.array([1, None, 2], dtype="Int64")},
                              index=pd.date_range("2020", periods=3, name="day"))
            same = df
            arr = np.arange(12.0).reshape(3, 4)
            view = arr[1:, ::2]
            rows = [{"k": i} for i in range(500)]
            box = {"df": df, "rows": rows}
            unrelated = [1]
            n = 70000

            def touch():
                rows[0]["k"] += 1

            def outer():
                return touch()

            class Model:
                def fit(self, x):
                    self.coef_ = np.ones(3)
                    return self
                def predict(self, x):
                    return self.coef_ * x
                def secretly(self):
                    unrelated.append(1)
                @functools.cached_property
                def cached(self):
                    return 5
            model = Model().fit(1)
            later = functools.partial(outer)
            """
        ),
        names,
    )
    return names


READS = [
    "x0 = df.describe()",
    "df.groupby('s').a.mean(); df.groupby('c', observed=True).size()",
    "df.index.is_unique; df.index.get_loc('2020-01-02'); df.loc['2020-01-01']; df.sort_index()",
    "df.sum(numeric_only=True); df.values; df.T; df.isna(); df.to_dict(); repr(df); df._repr_html_()",
    "df.s.str.upper(); df.s.unique(); df.s.value_counts(); df.c.cat.codes; df.n.sum(); df.o.map(str)",
    "df.memory_usage(deep=True); df.corr(numeric_only=True); df.query('a > 1'); df.eval('a * 2')",
    "df.merge(df.reset_index(), on='s'); pd.concat([df, df]); df.pivot_table(index='s', values='a')",
    "arr.sum(); arr @ arr.T; np.sort(arr); arr.T.copy(); repr(arr); view.mean()",
    "sorted(rows, key=lambda r: r['k']); len(rows); rows[0]; {**box}; list(box)",
    "model.predict(2); model.cached; repr(model)",
    "touch; outer; later; Model; box['rows'][0]['k']",
    "[r for r in rows if r['k']]; sum(r['k'] for r in rows); (lambda: rows)()",
    "globals()['df'].mean(numeric_only=True)",
]


@pytest.mark.parametrize("code", READS)
def test_reading_is_no_change(space, code):
    changed = act(space, code)
    assert set(changed.values()) <= {"added"}, changed


@pytest.mark.parametrize("code", READS)
def test_nor_with_samples(space, code):
    changed = act(space, code, Watch(space, budget=-1))
    assert set(changed.values()) <= {"added"}, changed


WRITES = [
    ("df.iloc[0, 0] = 99", {"df", "same"}),
    ("same.loc[same.index[0], 's'] = 'q'", {"df", "same"}),
    ("df['new'] = 1", {"df", "same"}),
    ("box['df'].drop(columns='o', inplace=True)", {"df", "same", "box"}),
    ("arr[0, 0] = 5", {"arr"}),
    ("view *= 2", {"arr", "view"}),
    ("arr += 1", {"arr", "view"}),
    ("rows.append(1)", {"rows"}),
    ("rows[450]['k'] = 'z'", {"rows"}),
    ("rows += [1]", {"rows"}),
    ("del rows[3]", {"rows"}),
    ("for r in rows: r['k'] = None", {"rows"}),
    ("touch()", {"rows"}),
    ("outer()", {"rows"}),
    ("later()", {"rows"}),
    ("model.fit(2); model.extra = 1", {"model"}),
    ("model.secretly()", {"unrelated"}),
    ("getattr(model, 'secret' + 'ly')()", {"unrelated"}),
    ("eval('rows.pop()')", {"rows", "box"}),
    ("globals()['unrelated'].clear()", {"unrelated"}),
    ("exec('unrelated.clear()')", {"unrelated"}),
    ("fs = {'f': touch}\nfs['f']()", {"rows"}),
    ("@functools.wraps(touch)\ndef g():\n    return outer()\ng()", {"rows"}),
    ("box['rows'].clear()", {"rows", "box"}),
]


@pytest.mark.parametrize(("code", "names"), WRITES)
def test_changes_in_place(space, code, names):
    changed = act(space, code)
    assert {name for name, kind in changed.items() if kind == "mutated"} == names


def test_names(space):
    changed = act(space, "fresh = 1\nn = 5\ndel model\n_private = 2\nIn.append(1)\nexit = 3")
    assert changed == {"fresh": "added", "n": "rebound", "model": "deleted"}


def test_rebinding_to_an_equal_number_is_no_change_but_to_an_equal_list_is(space):
    assert act(space, "n = int('70000')\nunrelated = [1]") == {"unrelated": "rebound"}


def test_summaries_before_and_after(space):
    watch = Watch(space, scope="quant")
    before = watch.snapshot("unrelated.append(2); n = 1; del model")
    exec("unrelated.append(2); n = 1; del model", space)
    said = {c.name: (c.before, c.after, c.scope) for c in watch.compare(before)}
    assert said == {
        "unrelated": ("list of 1 int: 1", "list of 2 int: 1, 2", "quant"),
        "n": ("int 70000", "int 1", "quant"),
        "model": ("fitted Model", None, "quant"),
    }


def test_secrets_are_hidden_in_changes():
    space = {"api_key": "sk-old"}
    watch = Watch(space)
    before = watch.snapshot("")
    space["api_key"] = "sk-new"
    (change,) = watch.compare(before)
    assert (change.before, change.after) == ("str (hidden)", "str (hidden)")


def test_ignored_names(space):
    assert act(space, "rows.append(1); fresh = 1; del n", ignore={"rows", "fresh", "n"}) == {}


def test_one_action_after_another(space):
    watch = Watch(space)
    assert act(space, "rows.append(1)", watch) == {"rows": "mutated"}
    assert act(space, "rows[0]", watch) == {}
    assert act(space, "rows.append(1)", watch) == {"rows": "mutated"}


def test_another_ones_changes_between_two_actions_are_not_taken_for_ours(space):
    watch = Watch(space)
    act(space, "rows[0]", watch)
    space["rows"].append("the user's")
    assert act(space, "rows[0]", watch) == {}


def test_names_looked_up_in_an_agents_scope(space):
    scope = {**space, "df": "the agent's own"}
    watch = Watch(space, view=scope)
    code = "def mine():\n    rows.append(1)\nmine()\ndf"
    exec("def mine():\n    rows.append(1)", scope)
    before = watch.snapshot("mine()\ndf")
    assert "df" not in before.summaries
    exec("mine()", scope)
    assert [c.name for c in watch.compare(before)] == ["rows"], code


def test_out_of_budget_is_said():
    space = {"big": np.zeros(3_000_000), "small": [1]}
    watch = Watch(space, budget=-1)
    assert act(space, "big[:] = 1; small.append(1)", watch) == {"big": "mutated", "small": "mutated"}
    assert "big" in watch.sampled
    assert "big" in watch.note
    assert act(space, "y = 1", watch) == {"y": "added"}
    assert watch.note is None


def test_nothing_is_held_after_it_is_deleted(space):
    import weakref

    watch = Watch(space)
    space["thing"] = space["Model"]()
    gone = weakref.ref(space["thing"])
    act(space, "thing.x = 1", watch)
    act(space, "del thing", watch)
    assert gone() is None


def test_objects_with_broken_methods():
    space = {"__name__": "__main__"}
    code = """
    class Bad:
        def boom(self, *a): raise SystemExit
        __reduce__ = __getstate__ = __eq__ = __len__ = __iter__ = __repr__ = __hash__ = __bool__ = boom
        def __getattribute__(self, name): raise SystemExit
    bad = Bad()
    """
    assert act(space, code) == {"Bad": "added", "bad": "added"}
    assert act(space, "bad") == {}
    assert act(space, "object.__setattr__(bad, 'x', 1)") == {"bad": "mutated"}


tree = st.recursive(
    st.integers() | st.text(), lambda t: st.lists(t, max_size=4) | st.dictionaries(st.text(), t, max_size=4)
)


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"\Av[a-z]{1,3}\Z"), tree, min_size=1), st.data())
def test_exactly_the_named_lists_that_change_are_reported(names, data):
    space = {"__name__": "__main__", **names}
    lists = [name for name, value in names.items() if isinstance(value, list)]
    chosen = data.draw(st.sets(st.sampled_from(lists)) if lists else st.just(set()))
    code = "\n".join([*names, *(f"{name}.append(1)" for name in sorted(chosen))])
    assert act(space, code) == dict.fromkeys(chosen, "mutated")


@pytest.mark.parametrize(
    ("code", "names", "everything"),
    [
        ("x = 1", set(), False),
        ("x += y", {"x", "y"}, False),
        ("x[0] = 1", {"x"}, False),
        ("del x", {"x"}, False),
        ("f'{x!r}'", {"x"}, False),
        ("vars(x)", {"vars", "x"}, False),
        ("vars()", {"vars"}, True),
        ("import __main__", set(), True),
        ("%matplotlib inline", set(), False),
        ("!pip install x", set(), False),
        ("%time x.pop()", {"x"}, False),
        ("%%timeit -n 3\nx.pop()", {"x"}, False),
        ("%run x.py", {"get_ipython"}, True),
        ("get_ipython().user_ns", {"get_ipython"}, True),
        ("await f(x)", {"f", "x"}, False),
    ],
)
def test_what_code_mentions(code, names, everything):
    import IPython.core.inputtransformer2  # noqa: F401  as in any kernel

    assert mentioned(code)[:2] == (names, everything)
