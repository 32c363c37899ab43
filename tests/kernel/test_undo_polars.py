"""Undo of tables of polars, in a kernel of their own: polars' threads stand in the way of forks."""

import pytest

from tests.kernel.driver import Kernel
from tests.kernel.work import LOAD, run_done

SETUP = """
import polars as pl
frame = pl.DataFrame({"a": [1, 2], "s": ["x", None]}); series = pl.Series("q", [1, 2])
box = [frame]; lazy = frame.lazy(); taken = frame["a"]
def picture():
    values = frame.to_dict(as_series=False), series.to_list(), taken.to_list()
    return [values, str(frame.schema), series.name, box[0] is frame]
"""
ACTIONS = {
    "frame[0, 'a'] = 9; series[1] = 5; taken[0] = 7": {
        "frame": ["a: 1 of 2 cells (1 → 9)"],
        "series": ["values: 1 of 2 cells (2 → 5)"],
        "taken": ["values: 1 of 2 cells (1 → 7)"],
    },
    "box[0].columns = ['z', 's']": {"frame": ["column added: z", "column dropped: a"]},
    "frame.insert_column(0, pl.Series('n', [1, 2])); frame.extend(frame)": {
        "frame": ["column added: n", "rows: 2 → 4"]
    },
    "series.append(series)": {"series": ["rows: 2 → 4"]},
    "frame = frame.with_columns(pl.col('a') * 2)": {"frame": ["a: 2 of 2 cells (1 … 2 → 2 … 4)"]},
}


@pytest.fixture(scope="module")
def desk():
    with Kernel() as kernel:
        kernel.run(LOAD + SETUP, check=True)
        yield kernel


def test_a_look_at_it_starts_no_threads_of_polars(desk):
    """The first test here: whatever starts them would forbid every fork from then on."""
    run_done(desk, "frame[0, 'a'] = 3; series[0] = 3")
    desk.run("%agents undo", check=True)
    threads = "[open(f'/proc/self/task/{t}/comm').read() for t in __import__('os').listdir('/proc/self/task')]"
    assert desk.eval(f"[name for name in {threads} if name.startswith('polars-0')]") == []


@pytest.mark.parametrize(("code", "details"), ACTIONS.items(), ids=ACTIONS)
def test_it_is_told_and_taken_back(desk, code, details):
    desk.run("_before = picture()", check=True)
    ran = run_done(desk, code)
    assert ran.first.notes == []
    told = desk.eval("{c.name: c.detail for c in agents_run.changes}")
    assert {name: told[name] for name in details} == details
    assert desk.eval("picture() == _before") is False
    assert "left alone" not in desk.run("%agents undo", check=True).text
    assert desk.eval("picture() == _before") is True
