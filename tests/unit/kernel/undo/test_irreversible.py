import sqlite3
import subprocess as sp
from pathlib import Path

import pandas as pd
import pytest

from agentnb.kernel.undo.irreversible import irreversible, uncovered
from agentnb.kernel.undo.memento import Memento

SPACE = {
    "df": pd.DataFrame({"a": [1]}),
    "sp": sp,
    "path": Path("x"),
    "pd": pd,
    "con": sqlite3.connect(":memory:"),
    "started": sp.run,
    "n": 1,
}

CASES = [
    ("df.to_csv('a.csv')", ["writes files (df.to_csv())"]),
    ("open('a').read()", []),
    ("with open('a', 'w') as f: print(1, file=f)", ["writes files (open)"]),
    ("path.write_text('x'); path.unlink()", ["writes files (path.unlink(), path.write_text())"]),
    ("import os\nos.remove('x')", ["writes files (os.remove())"]),
    ("from os import remove as away\naway('x')", ["writes files (os.remove())"]),
    ("import shutil as sh\nsh.rmtree('x')", ["writes files (shutil.rmtree())"]),
    ("fig.savefig('a.png')", ["writes files (fig.savefig())"]),
    ("sp.run(['ls'])", ["starts programs (subprocess.run())"]),
    ("started(['ls'])", ["starts programs (subprocess.run())"]),
    ("!rm -r x", ["starts programs (!)"]),
    ("%pip install x", ["installs packages (%pip)"]),
    ("import requests\nrequests.post('u')", ["uses the network (requests.post())"]),
    ("df.to_sql('t', con)", ["writes files (df.to_sql())"]),
    ("import os\nos.chdir('..')", ["changes settings (os.chdir())"]),
    ("df['x'] = df.a.sum(); print(df); df.items.append(1)", []),
    ("x = 1", []),
    ("this is no python (", []),
]


@pytest.mark.parametrize(("code", "told"), CASES, ids=[code for code, _ in CASES])
def test_what_code_does_that_no_undo_takes_back(code, told):
    import IPython.core.inputtransformer2  # noqa: F401  as in any kernel

    assert irreversible(code, SPACE) == told


def test_variables_that_keep_their_state_to_themselves():
    space = {"walk": (n for n in range(3)), "con": SPACE["con"], "rows": [1], "box": [zip([1], [2], strict=True)]}
    code = "next(walk); con; rows; box"
    told = uncovered(code, space, Memento({"rows": space["rows"], "box": space["box"]}))
    assert told == ["changes of what keeps its state to itself: con (Connection), walk (generator), box (zip)"] or set(
        told[0].split(": ")[1].split(", ")
    ) == {"con (Connection)", "walk (generator)", "box (zip)"}
    assert uncovered("rows", space, Memento({"rows": space["rows"]})) == []
