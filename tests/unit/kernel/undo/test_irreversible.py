import sqlite3
import subprocess as sp
import types
from pathlib import Path

import pandas as pd
import pytest

from agentnb.kernel.undo.irreversible import irreversible, uncovered
from agentnb.kernel.undo.memento import Memento

HELPERS = "changes settings (helpers.a, helpers.cache.append(), helpers.n)"
SPACE = {
    "helpers": types.ModuleType("helpers"),
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
    ("pd.options.display.max_rows = 5", ["changes settings (pandas.options.display.max_rows)"]),
    ("pd.set_option('a', 1)", ["changes settings (pandas.set_option())"]),
    ("helpers.cache.append(1); del helpers.a; helpers.n[0] += 1", [HELPERS]),
    ("import sys\nsys.path.append('x')", ["changes settings (sys.path.append())"]),
    ("pd.concat([df]); helpers.go()", []),
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


def test_tables_with_text_or_zones_and_classes_keep_nothing_to_themselves():
    frame = pd.DataFrame({"s": ["x", None], "t": pd.date_range("2020", periods=2, tz="Europe/Paris")})
    exec(
        "import abc, collections\nclass A(abc.ABC): pass\nP = collections.namedtuple('P', 'a')",
        space := {"frame": frame},
    )
    space["__name__"] = "__main__"
    roots = {name: space[name] for name in ("frame", "A", "P")}
    assert uncovered("frame; A; P", space, Memento(roots)) == []


def test_state_in_c_whose_home_is_not_told():
    from PIL import Image

    image = Image.new("L", (2, 2))
    told = uncovered("image", {"image": image}, Memento({"image": image}))
    assert told == ["changes of what keeps its state to itself: image (ImagingCore)"]
