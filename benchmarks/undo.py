"""What it costs that everything an action changes can be taken back: checkpoint, difference, undo, memory.

Beside deep copies and dill on the same variables, in turn, and beside Kishu where ``KISHU_PYTHON`` names a Python that
has it (its commit of the same cell, in a process of its own). Arrays of 8 GB are left out where there is no room.
"""

import asyncio
import copy
import gc
import io
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import dill
import numpy as np
import pandas as pd
import psutil
from sklearn.ensemble import RandomForestClassifier

from agentnb.kernel.namespace.changes import Watch
from agentnb.kernel.undo.frozen import Freezer
from agentnb.kernel.undo.rollback import roll_back
from benchmarks._harness import Comparison, compare, judge, show, table

ROWS = 12_500_000
MB = 1 << 20


def variables(frames: int = 1) -> dict[str, Any]:
    """A notebook with so many DataFrames of 1 GB, a fitted model and some smaller things."""
    rng = np.random.default_rng(0)
    tables = {
        f"df{n or ''}": pd.DataFrame({f"c{i}": rng.random(ROWS) for i in range(10)}, copy=False) for n in range(frames)
    }
    x, y = rng.random((5000, 20)), rng.integers(0, 2, 5000)
    model = RandomForestClassifier(100, random_state=0).fit(x, y)
    return {
        "__name__": "__main__",
        **tables,
        "x": x,
        "y": y,
        "model": model,
        "rows": [{"id": i, "value": i * 0.5} for i in range(20_000)],
        **{f"name{i}": i for i in range(200)},
    }


class Acting:
    """An action with a checkpoint before and a difference after it; keeps what each part took."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.space, self.watch = space, Watch(space)

    def act(self, code: str) -> tuple[float, float, Any]:
        gc.collect()
        start = time.perf_counter()
        before = self.watch.snapshot(code, freeze=Freezer())
        kept = time.perf_counter()
        exec(code, self.space)
        ran = time.perf_counter()
        changes = self.watch.compare(before)
        assert changes
        return kept - start, time.perf_counter() - ran, before.delta

    def undo(self, delta: Any) -> float:
        start = time.perf_counter()
        came = roll_back([delta], self.space)
        elapsed = time.perf_counter() - start
        assert came.restored
        assert not came.collisions
        delta.close()
        return elapsed

    def part(self, code: str, place: int) -> float:
        """Act and undo; return what the checkpoint (0), the difference (1) or the undo (2) took."""
        *times, delta = self.act(code)
        times.append(self.undo(delta))
        return times[place]


def one_cell(number: int) -> str:
    return f"df.iloc[{number}, 0] = -1.0"


# --- the peers --------------------------------------------------------------------------------------------------------


def data(space: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in space.items() if not name.startswith("_")}


def dilled(space: dict[str, Any]) -> None:
    dill.dump(data(space), io.BytesIO())


def kishu() -> float | None:
    """Seconds that Kishu takes to commit the same cell, None where it is not to be had."""
    python = os.environ.get("KISHU_PYTHON")
    script = Path(__file__).with_name("_kishu.py")
    if not python:
        return None
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [python, str(script), str(ROWS)],
            check=False,
            capture_output=True,
            text=True,
            cwd=home,
            env={**os.environ, "HOME": home},
        )
    words = done.stdout.split()
    if done.returncode or not words:
        print(f"Kishu failed: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return float(words[-1])


# --- all --------------------------------------------------------------------------------------------------------------


def actions() -> list[Comparison]:
    space = variables()
    acting = Acting(space)
    cell = one_cell(5)
    rows = [
        compare("checkpoint before one cell of 1 GB", lambda: acting.part(cell, 0), n=9, at_most=15e-3),
        compare("difference after it", lambda: acting.part(cell, 1), n=9, at_most=30e-3),
        compare("undo of it", lambda: acting.part(cell, 2), n=9),
    ]
    whole = judge(
        "both, against a deep copy", sum(row.ours for row in rows[:2]), _timed(lambda: copy.deepcopy(data(space)))
    )
    rows += [whole, judge("both, against dill", whole.ours, _timed(lambda: dilled(space)))]
    committed = kishu()
    rows.append(judge("both, against Kishu's commit", whole.ours, committed) if committed else _absent())
    for name, code in {
        "a new column": "df['new'] = df.c0",
        "the table times 2": "df *= 2",
        "its memory times 2": "for block in df._mgr.blocks: block.values *= 2.0",
        "a model fitted again": "model.set_params(n_estimators=10).fit(x, y)",
        "one of 20,000 dicts": "rows[5]['value'] = -1",
        "code that may reach all": "exec('df.iloc[7, 0] = 3.0')",
    }.items():
        parts = [Acting(space).part(code, 0) for _ in range(3)]
        rows.append(judge(f"checkpoint: {name}", sorted(parts)[1]))
        rows.append(judge(f"difference: {name}", sorted(acting.part(code, 1) for _ in range(3))[1]))
        rows.append(judge(f"undo: {name}", sorted(acting.part(code, 2) for _ in range(3))[1]))
    return rows


def _timed(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _absent() -> Comparison:
    return judge("Kishu (name a Python that has it in KISHU_PYTHON)", 0.0)


def among_eight() -> list[Comparison]:
    """The same undo with 1 GB held and with 8 GB: what is held must not count."""
    if psutil.virtual_memory().available < 14 * 1024 * MB:
        print("no room for 8 GB here")
        return []
    rows = []
    code = "for block in df._mgr.blocks: block.values *= 2.0"
    alone = Acting(variables())
    few = [alone.part(code, 2) for _ in range(2)][-1], alone.part(one_cell(5), 2)
    del alone
    gc.collect()
    among = Acting(variables(8))
    rows.append(judge("undo 1 GB in place, 8 GB held against 1", [among.part(code, 2) for _ in range(2)][-1], few[0]))
    rows.append(judge("undo one cell, 8 GB held against 1", among.part(one_cell(5), 2), few[1]))
    rows.append(judge("checkpoint, 8 GB held", among.part("exec('df.iloc[7, 0] = 3.0')", 0)))
    rows.append(judge("difference, 8 GB held", among.part("exec('df.iloc[7, 0] = 3.0')", 1)))
    return rows


def stacked() -> list[Comparison]:
    """Twenty checkpoints on one another, and all the way back."""
    space = variables()
    acting = Acting(space)
    gc.collect()
    before = psutil.virtual_memory().available
    deltas = [acting.act(f"df.iloc[{n}, 0] = -{n}.5; rows.append({n}); new{n} = 1")[2] for n in range(20)]
    held = (before - psutil.virtual_memory().available) / MB
    told = sum(delta.size for delta in deltas) / MB
    copied = sum(value.memory_usage().sum() for value in space.values() if isinstance(value, pd.DataFrame)) / MB
    back = _timed(lambda: roll_back(deltas, space))
    assert len(space["rows"]) == 20_000
    return [
        judge("memory of 20 checkpoints, as told", told, 20 * copied, unit="MB"),
        judge("memory of 20 checkpoints, of the machine", max(held, 0.0), 20 * copied, unit="MB"),
        judge("back over 20 steps", back),
    ]


def main() -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())
    print(table([*actions(), *stacked(), *among_eight()], "peer"))
    print(f"\nmachine: {os.cpu_count()} cores, {show(psutil.virtual_memory().total / MB, 'MB')}")


if __name__ == "__main__":
    main()
