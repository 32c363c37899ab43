"""What it costs to tell what an action changed: snapshot and compare, against copying or pickling the objects.

Run ``python benchmarks/changes.py``: a table of medians in milliseconds and their ratios, in well under a minute and
within 6 GB. ``undo`` is with a way back kept, ``told`` without, by fingerprints of the arrays; the action itself is
not run. Figures from shared machines are noisy: take the ratios.
"""

import copy
import gc
import pickle
import statistics
import time

import numpy as np
import pandas as pd
import xxhash

from agentnb.kernel.namespace.changes import Watch
from agentnb.kernel.undo.frozen import Freezer


def median_ms(act, repeats):
    times = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter()
        act()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def watched(namespace, code, *, undo):
    watch = Watch(namespace, budget=60, undo=undo)

    def act():
        changes = watch.compare(watch.snapshot(code, freeze=Freezer() if undo else None))
        assert not changes
        assert not watch.sampled

    act()
    return act


def in_band(value):
    return lambda: xxhash.xxh3_128(pickle.dumps(value, 5)).digest()


def trivial():
    namespace = {"__name__": "__main__", **{f"name{i}": [i] for i in range(300)}}
    watch = Watch(namespace)

    def cost(code):
        start = time.perf_counter()
        watch.compare(watch.snapshot(code))
        return (time.perf_counter() - start) * 1e6

    cost("x = 0")
    new = statistics.median([cost(f"x = {i}") for i in range(2000)])
    same = statistics.median([cost("x = 1") for _ in range(2000)])
    small = statistics.median([cost(f"name5.append({i})") for i in range(500)])
    print(f"300 names, `x = 1`: {new:.0f} us for new code, {same:.0f} us for code seen before (reach: 100 us)")
    print(f"300 names, `name5.append(1)`: {small:.0f} us\n")


def frame_by_columns():
    return pd.DataFrame({f"c{i}": np.random.default_rng(i).random(12_500_000) for i in range(10)})


def frame_by_rows():
    return pd.DataFrame(np.random.default_rng(0).random((12_500_000, 10)), copy=False)


def arrays():
    return [np.random.default_rng(i).random(1_250_000) for i in range(100)]


def dicts():
    return [{"id": i, "name": f"name {i}", "value": i * 0.5} for i in range(1_000_000)]


CASES = [
    ("1 GB DataFrame, by columns", frame_by_columns, "value.iloc[0, 0]", 1),
    ("1 GB DataFrame, by rows", frame_by_rows, "value.iloc[0, 0]", 1),
    ("1 GB in 100 arrays", arrays, "value[0][0]", 1),
    ("list of 1 M dicts", dicts, "value[0]", 0),
]


def main():
    start = time.perf_counter()
    trivial()
    print(f"{'':28}{'told':>8}{'undo':>8}{'GB/s':>7}{'deepcopy':>11}{'in band':>10}   ratios to `undo`")
    for name, make, code, gigabytes in CASES:
        value = make()
        namespace = {"__name__": "__main__", "value": value}
        first = median_ms(watched(namespace, code, undo=False), 3)
        following = median_ms(watched(namespace, code, undo=True), 3)
        once = 3 if gigabytes else 1
        copied, pickled = median_ms(lambda v=value: copy.deepcopy(v), once), median_ms(in_band(value), once)
        rate = f"{gigabytes / following * 1e3:.1f}" if gigabytes else "-"
        ratios = f"deepcopy {copied / following:.1f}x, in band {pickled / following:.1f}x"
        print(f"{name:28}{first:8.0f}{following:8.0f}{rate:>7}{copied:11.0f}{pickled:10.0f}   {ratios}")
        del value, namespace
    print(f"\nin milliseconds, medians; all in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
