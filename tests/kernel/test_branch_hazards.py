"""Libraries whose threads, pools and connections are alive in the kernel when a branch is opened: the right result in
the branch or a stated way round, never a hang, and the kernel goes on.
"""

import pytest

from tests.kernel.driver import Kernel
from tests.kernel.hazards import in_branch
from tests.kernel.work import LOAD, reply, work

FRAME = (
    "import numpy as np, pandas as pd; df = pd.DataFrame({'a': np.arange(300_000) % 7, 'b': np.random.rand(300_000)})\n"
)
DUCK = FRAME + "import duckdb; con = duckdb.connect(); con.execute('create table t as select * from df')\n"
DUCK += "con.execute('select a, avg(b) from t group by a').fetchall(); duckdb.sql('select count(*) from df').fetchall()"
SERVER = """
import http.server, socketserver, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        body = self.path.encode()
        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Handler); server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f'http://127.0.0.1:{server.server_address[1]}'
"""
X = "import numpy as np; X = np.random.rand(3000, 10); y = np.random.randint(0, 2, 3000)\n"
POLARS = "import polars as pl; P = pl.DataFrame({'a': [1, 2, 1] * 1000, 'b': [0.5] * 3000})\n"
HELD = (
    "import threading, time\nheld = {make}\nthreading.Thread(target=held.acquire, daemon=True).start()\ntime.sleep(.2)"
)

RIGHT = {  # what is done before, in the branch, and in the kernel afterwards
    "matrix product": ("import numpy as np; A = np.random.rand(1500, 1500); (A @ A).sum()", "(A @ A).sum() > 0"),
    "svd": (
        "import numpy as np; A = np.random.rand(400, 400); np.linalg.svd(A)",
        "len(np.linalg.svd(A)[1]) == 400 and np.linalg.solve(A, A).shape == (400, 400)",
    ),
    "forest": (
        X + "from sklearn.ensemble import RandomForestClassifier as R; R(10, n_jobs=2).fit(X, y)",
        "R(10, n_jobs=2).fit(X, y).score(X, y) > .5",
    ),
    "loky": (
        X + "from sklearn.model_selection import cross_val_score as cv\n"
        "from sklearn.linear_model import LogisticRegression as L; cv(L(), X, y, n_jobs=2)",
        "len(cv(L(), X, y, n_jobs=2)) == 5",
    ),
    "openmp": (
        X + "from sklearn.ensemble import HistGradientBoostingClassifier as H; H(max_iter=5).fit(X, y)",
        "H(max_iter=5).fit(X, y).score(X, y) > .5",
    ),
    "kmeans": (
        X + "from sklearn.cluster import KMeans as KM; KM(4, n_init=1).fit(X)",
        "KM(4, n_init=1).fit(X).inertia_ > 0",
    ),
    "polars, not used before": (
        "import polars as pl",
        "pl.DataFrame({'a': [2, 1]}).sort('a')['a'].to_list() == [1, 2]",
    ),
    "arrow": (
        "import pyarrow as pa, numpy as np; T = pa.table({'a': np.arange(300_000) % 7, 'b': np.random.rand(300_000)})\n"
        "T.group_by('a').aggregate([('b', 'mean')])",
        "T.group_by('a').aggregate([('b', 'mean')]).num_rows == 7 and T.sort_by('b').num_rows == 300_000",
    ),
    "pandas strings and parquet": (
        "import pandas as pd; S = pd.Series([f'n{i % 100}' for i in range(50_000)]); S.str.upper().value_counts()\n"
        "pd.DataFrame({'s': S}).to_parquet('s.pq'); pd.read_parquet('s.pq')",
        "len(S.str.upper().value_counts()) == 100 and len(pd.read_parquet('s.pq')) == 50_000",
    ),
    "duckdb, a new connection": (
        DUCK,
        "len(duckdb.connect(config={'threads': 1}).execute('select a, avg(b) from df group by a').fetchall()) == 7",
    ),
    "duckdb, a new connection with threads": (
        DUCK,
        "len(duckdb.connect().execute('select a, avg(b) from df group by a').fetchall()) == 7",
    ),
    "progress bars": (
        "from tqdm.auto import tqdm; sum(1 for _ in tqdm(range(10)))",
        "sum(1 for _ in tqdm(range(10))) == 10",
    ),
    "figures": (
        "%matplotlib inline\nimport matplotlib.pyplot as plt; plt.plot([1]); plt.show()",
        "bool(plt.plot([1, 2]))",
    ),
    "requests": (
        SERVER + "import requests; s = requests.Session(); s.get(url + '/0').text",
        "s.get(url + '/1').text == '/1'",
    ),
    "httpx": (SERVER + "import httpx; s = httpx.Client(); s.get(url + '/0').text", "s.get(url + '/1').text == '/1'"),
    "await": ("import asyncio; await asyncio.sleep(0)", "await asyncio.sleep(0.01, True)"),
    "a logging lock held": (
        "import logging\nhandler = logging.StreamHandler(); logging.getLogger().addHandler(handler)\n"
        + HELD.format(make="handler"),
        "logging.warning('said') is None",
    ),
    "a pool of threads": (
        "from concurrent.futures import ThreadPoolExecutor as TP; pool = TP(2); list(pool.map(abs, [1, 2, 3]))",
        "pool.submit(abs, -1).result() == 1",
    ),
    "a pool of processes": (
        "import multiprocessing as mp",
        "mp.get_context('fork').Pool(2).map(abs, [-1, -2]) == [1, 2]",
    ),
    "commands": ("1", "__import__('subprocess').run(['echo', 'x'], capture_output=True).stdout == b'x\\n'"),
    "widgets": (
        "import ipywidgets as W; w = W.IntSlider()",
        "setattr(w, 'value', 5) is None and W.IntSlider() is not None",
    ),
}


@pytest.fixture(scope="module")
def kernel():
    with Kernel(timeout=120) as kernel:
        kernel.run(LOAD, check=True)
        yield kernel


@pytest.mark.parametrize("name", RIGHT)
def test_it_gives_the_right_result_in_a_branch(kernel, name):
    before, code = RIGHT[name]
    step, said = in_branch(kernel, before, f"print('right', {code})")
    assert "works in scratch" not in said, said
    assert "right True" in step.text, step.failure
    assert f"in {kernel.pid}" not in step.text
    assert kernel.run("1 + 1").result["text/plain"] == "2"


@pytest.mark.parametrize(
    ("before", "code"),
    [
        (HELD.format(make="threading.Lock()"), "held.acquire()"),
        (DUCK, "con.execute('select a, avg(b) from t group by a').fetchall()"),
        (DUCK, "duckdb.sql('select a, avg(b) from df group by a').fetchall()"),
    ],
)
def test_where_a_library_waits_for_threads_that_are_not_there_the_branch_is_ended_and_said(kernel, before, code):
    step, said = in_branch(kernel, before, code)
    assert step.status == "done" or "the branch of the kernel that your code ran in is lost: it hung" in step.failure
    assert "works in scratch" not in said


def test_polars_in_use_means_no_branch_and_the_person_is_told(kernel):
    with Kernel(timeout=120) as own:
        own.run(LOAD, check=True)
        step, said = in_branch(
            own, POLARS + "P.group_by('a').agg(pl.col('b').mean())", "print(P.filter(pl.col('b') > .1).shape)"
        )
        assert "quant works in scratch, not in a branch: polars has started its threads here" in said
        assert "(3000, 2)" in step.text
        assert f"in {own.pid}" in step.text


def test_a_thread_that_computes_means_no_branch_and_the_person_is_told(kernel):
    busy = "import numpy as np, threading; big = np.random.rand(1400, 1400); stop = []\ndef compute():\n"
    busy += "    while not stop: np.linalg.eigvals(big)\n"
    busy += "thread = threading.Thread(target=compute, name='mine'); thread.start()"
    step, said = in_branch(kernel, busy, "print('went on')")
    kernel.run("stop.append(1); thread.join()", check=True)
    reason = said.partition("quant works in scratch, not in a branch: the thread ")[2]
    assert reason.startswith("mine") or "(of a native library)" in reason  # one of those that compute for it
    assert "went on" in step.text


def test_generators_that_threads_draw_from_all_the_time_can_be_drawn_from_in_a_branch(kernel):
    busy = "import numpy as np, threading; shared = np.random.default_rng(); drawn = []\ndef draw():\n"
    busy += "    while not drawn: np.random.rand(1000); shared.random(1000)\n"
    busy += "drawing = [threading.Thread(target=draw) for _ in range(3)]; [each.start() for each in drawing]"
    step, said = in_branch(kernel, busy, "print('right', 0 <= np.random.rand() + shared.random() < 2)")
    kernel.run("drawn.append(1); [each.join() for each in drawing]", check=True)
    assert "works in scratch" not in said, said
    assert "right True" in step.text, step.failure


def test_files_databases_and_shared_memory_of_the_kernel_are_not_written_to(kernel):
    before = """
import sqlite3, duckdb, numpy as np, os
[os.remove(p) for p in ('lite.db', 'duck.db', 'm.bin') if os.path.exists(p)]
lite = sqlite3.connect('lite.db'); lite.execute('create table t(a)'); lite.commit()
duck = duckdb.connect('duck.db'); duck.execute('create table t as select range a from range(1000)')
duck.execute('checkpoint')
memory = np.memmap('m.bin', dtype='f8', mode='w+', shape=(10,)); memory[0] = 1
file = open('notes.txt', 'w'); file.write('held')
"""
    code = """
for act in (
    lambda: lite.execute('insert into t values (1)'),
    lambda: duck.execute('insert into t select 1; checkpoint'),
    lambda: file.flush(),
):
    try: print('wrote', act())
    except Exception as error: print(type(error).__name__)
memory[0] = 99
print(memory[0])
"""
    step, _ = in_branch(kernel, before, code)
    assert "99.0" in step.text or "it hung" in step.failure
    rows = "[each.execute('select count(*) from t').fetchall() for each in (lite, duck)]"
    assert kernel.eval(rows) == [[(0,)], [(1000,)]]
    assert kernel.eval("float(np.fromfile('m.bin')[0])") == 1.0
    kernel.run(
        "duck.execute('insert into t select 5'); duck.execute('checkpoint'); duck.close(); file.close()", check=True
    )
    assert kernel.eval("duckdb.connect('duck.db').execute('select count(*) from t').fetchall()") == [(1001,)]
    assert kernel.eval("open('notes.txt').read()") == "held"


def test_ipythons_own_thread_is_ended_before_the_look_at_the_threads_and_not_within_the_fork(kernel):
    watch = """
import os
from agentnb.kernel.fork import fork
history, made, real = get_ipython().history_manager, [], os.fork
def watched():
    made.append(history.save_thread)
    return real()
"""
    kernel.run(watch, check=True)
    kernel.run(
        "history._restart_thread_if_stopped(); running = history.save_thread is not None; os.fork = watched\n"
        "try: fork(lambda connection: None, patience=5).wait(30)\nfinally: os.fork = real",
        check=True,
    )
    assert kernel.eval("running, made") == (True, [None])


def test_random_numbers_of_two_branches_differ_and_are_the_same_again(kernel):
    seen = []
    for _ in range(2):
        kernel.run("import numpy as np, random; np.random.seed(0); random.seed(0)", check=True)
        draw = [reply("final_answer((np.random.rand(), random.random()))")]
        drawer = "Agent({name!r}, 'draws', mode='branch', model=ScriptedModel({draw!r}))"
        members = ", ".join(drawer.format(name=name, draw=draw) for name in ("one", "two"))
        work(kernel, "drawn = [await one('go'), await two('go')]", members=members)
        seen.append(kernel.eval("[tuple(map(float, pair)) for pair in drawn]"))
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[0][1]
