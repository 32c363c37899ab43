"""What an action is known to do before it runs."""

import math
import os
from pathlib import Path

import IPython.core.inputtransformer2  # noqa: F401  # as in every kernel: magics are read by it
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.kernel.analysis.effects import (
    ANYTHING,
    ASSIGNS,
    CHANGES,
    DELETES,
    TEAM,
    TOOLS,
    UNKNOWN,
    effects,
    hands_over,
)
from agentnb.kernel.analysis.recognised import NETWORK, PACKAGES, PROGRAMS, READS, SETTINGS, WRITES


class Thing:
    pass


def mine():
    pass


VIEW = {
    "df": pd.DataFrame({"a": [1]}),
    "xs": [1],
    "thing": Thing(),
    "mine": mine,
    "pd": pd,
    "np": np,
    "os": os,
    "Path": Path,
    "lines": iter([1]),
}


def kinds(code):
    return {kind: set(labels) for kind, labels in effects(code, VIEW, team=["ingest"], tools=["mail"]).kinds.items()}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("df.describe()", {}),
        ("print(df['a'].mean(), len(xs))", {}),
        ("(df - df.mean()).abs().max()", {}),
        ("[x.upper() for x in 'abc']", {}),
        ("'{}'.format(df.shape)", {}),
        ("clean = df.dropna()", {ASSIGNS: {"clean"}}),
        ("for row in xs:\n    last = row", {ASSIGNS: {"row", "last"}}),
        ("def f(a):\n    b = a\nf(1)", {ASSIGNS: {"f"}}),
        ("df['b'] = 1", {CHANGES: {"df"}}),
        ("df.loc[0, 'a'] = 1", {CHANGES: {"df"}}),
        ("xs += [2]", {CHANGES: {"xs"}, ASSIGNS: {"xs"}}),
        ("xs.append(2)", {CHANGES: {"xs"}}),
        ("xs.sort()", {CHANGES: {"xs"}}),
        ("df['a'].values.sort()", {CHANGES: {"df"}}),
        ("np.sort(df.a)", {}),
        ("'a,b'.partition(',')", {}),
        ("np.sqrt(df.a, out=df.a.values)", {CHANGES: {"df"}}),
        ("df.sum(axis=0, out=None)", {}),
        ("df.to_string(buf='x')", {WRITES: {"df.to_string()"}}),
        ("df.drop(columns='a', inplace=True)", {CHANGES: {"df"}}),
        ("df.sort_values('a', inplace=False)", {}),
        ("del df", {DELETES: {"df"}}),
        ("del df['a']", {CHANGES: {"df"}}),
        ("open('x').read()", {READS: {"open", "open.read()"}}),
        ("open('x', 'w').write('y')", {WRITES: {"open", "open.write()"}}),
        ("open('x', how)", {WRITES: {"open"}}),
        ("df.to_csv('x')", {WRITES: {"df.to_csv()"}}),
        ("pd.read_csv('x')", {READS: {"pd.read_csv()"}}),
        ("np.save('x', df)", {WRITES: {"numpy.save()"}}),
        ("Path('x').unlink()", {WRITES: {"Path.unlink()"}, UNKNOWN: {"Path()"}}),
        ("os.remove('x')", {WRITES: {"os.remove()"}}),
        ("os.chdir('x')", {SETTINGS: {"os.chdir()"}}),
        ("os.environ['a'] = 'b'", {CHANGES: {"os"}, SETTINGS: {"os.environ"}}),
        ("pd.options.display.max_rows = 5", {CHANGES: {"pd"}, SETTINGS: {"pandas.options.display.max_rows"}}),
        ("os.path.seps.append('x')", {SETTINGS: {"os.path.seps.append()"}}),
        ("pd.set_option('a', 1)", {SETTINGS: {"pandas.set_option()"}}),
        ("from os import system as s\ns('ls')", {PROGRAMS: {"os.system()"}, ASSIGNS: {"s"}}),
        ("list(map(os.system, xs))", {PROGRAMS: {"os.system()"}}),
        ("import requests as r\nr.get('x')", {NETWORK: {"requests.get()"}, ASSIGNS: {"r"}}),
        ("!ls", {PROGRAMS: {"!"}}),
        ("files = !ls", {PROGRAMS: {"!"}, ASSIGNS: {"files"}}),
        ("%pip install x", {PACKAGES: {"%pip"}}),
        ("!pip install x", {PACKAGES: {"pip"}}),
        ("mine()", {UNKNOWN: {"mine()"}}),
        ("df.apply(mine)", {UNKNOWN: {"mine()", "df.apply()"}}),
        ("thing.describe()", {UNKNOWN: {"thing.describe()"}}),
        ("[thing][0].describe()", {UNKNOWN: {"….describe()"}}),
        ("thing = thing.describe()", {UNKNOWN: {"thing.describe()"}, ASSIGNS: {"thing"}}),
        ("await ingest('go')", {TEAM: {"ingest"}}),
        ("mail('hello')", {TOOLS: {"mail"}}),
        ("final_answer(df.head())", {}),
    ],
)
def test_kinds(code, expected):
    assert kinds(code) == expected


@pytest.mark.parametrize("code", ["eval('1')", "globals()['x'] = 1", "getattr(df, name)()", "exec(x)", "not ) python"])
def test_what_may_do_anything(code):
    assert ANYTHING in kinds(code)


def test_a_name_of_the_persons_hides_a_builtin():
    assert effects("print(1)", {"print": mine}).kinds == {UNKNOWN: {"print()"}}


def within(code, allowed):
    return effects(code, VIEW, tools=["mail", "post"]).within(effects(allowed, VIEW, tools=["mail", "post"]))


@pytest.mark.parametrize(
    ("code", "allowed", "like"),
    [
        ("b = df.head()", "a = df.mean()", True),
        ("df.head()", "a = df.mean()", True),
        ("df['b'] = 1", "a = df.mean()", False),
        ("del df", "df['b'] = 1", False),
        ("df.to_csv('b')", "df.to_csv('a')", True),
        ("open('a', 'w')", "open('a')", False),
        ("mine()", "mine()", True),
        ("thing.go()", "mine()", False),
        ("post(1)", "mail(1)", False),
        ("eval('1')", "eval('1')", False),
    ],
)
def test_the_like_has_no_kind_of_effect_and_no_unknown_call_beyond(code, allowed, like):
    assert within(code, allowed) is like


@pytest.mark.parametrize(
    ("code", "reads", "in_a_scope"),
    [
        ("df.describe()", True, True),
        ("print(df.groupby('a').size())", True, True),
        ("m = df.mean()\nprint(m)", False, True),
        ("import math\nmath.sqrt(2)", False, True),
        ("import os", False, False),
        ("df['b'] = 1", False, False),
        ("xs.append(1)", False, False),
        ("df.head().to_csv('x')", False, False),
        ("pd.read_csv('x')", False, False),
        ("thing", False, False),
        ("thing.x", False, False),
        ("df.__class__", False, False),
        ("sorted(xs, key=mine)", False, False),
        ("xs.sort()", False, False),
        ("next(lines)", False, False),
        ("sum(lines)", False, False),
        ("np.sqrt(df.a, out=df.a)", False, False),
        ("mail('x')", False, False),
        ("thing = thing.mean()", False, False),
    ],
)
def test_what_only_reads(code, reads, in_a_scope):
    found = effects(code, VIEW, tools=["mail"])
    assert found.only_reads(own_scope=False) is reads
    assert found.only_reads(own_scope=True) is in_a_scope


def test_lines_are_names_first_and_bounded():
    many = "\n".join(f"v{n} = 1" for n in range(30)) + "\nopen('x', 'w')"
    lines = effects(many, {}).lines()
    assert lines[0] == "v0"
    assert lines[20:] == ["and 10 more", "writes files: open"]


@pytest.mark.parametrize(
    ("code", "view", "handing"),
    [
        ("final_answer(x)", {}, True),
        ("final_answer({'a': x, 'b': [1, 'two']})", {}, True),
        ("final_answer(f(x))", {}, False),
        ("final_answer(x.y)", {}, False),
        ("x = 1\nfinal_answer(x)", {}, False),
        ("final_answer(x)", {"final_answer": mine}, False),
        ("final_answer(f'{x}')", {}, False),
    ],
)
def test_what_only_hands_over(code, view, handing):
    assert hands_over(code, view) is handing


@given(st.text())
def test_any_text_has_effects(code):
    found = effects(code, {"math": math})
    assert isinstance(found.lines(), list)
    assert found.within(found) is (ANYTHING not in found.kinds)
