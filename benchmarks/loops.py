"""Code that computes in pure Python: a loop and a recursion, as an action, in bare `exec`, in smolagents' executor.

Times are per iteration and per call: the interpreter in Python gets less to do than the other two, or it would take
minutes.
"""

import time
from collections.abc import Callable

from benchmarks._harness import compare, table
from benchmarks._live import Actions, live
from benchmarks._smol import executor

LOOP = """
total = 0
for i in range({n}):
    total += i * i % 7
"""
RECURSION = """
def depth(n):
    return 1 if n < 2 else depth(n - 1) + depth(n - 2)

calls = depth({n})
"""

Run = Callable[[str], object]


def timed(run: Run, code: str, units: int) -> Callable[[], float]:
    def sample() -> float:
        start = time.perf_counter()
        run(code)
        return (time.perf_counter() - start) / units

    return sample


def calls(n: int) -> int:
    """How often ``depth`` is called for ``depth(n)``."""
    before, now = 1, 1
    for _ in range(n - 1):
        before, now = now, before + now + 1
    return now


def bare() -> Run:
    namespace: dict[str, object] = {}
    return lambda code: exec(compile(code, "<cell>", "exec"), namespace)


def measure(actions: Actions) -> None:
    sizes = {"loop": (LOOP, 300_000, 10_000, lambda n: n), "recursion": (RECURSION, 28, 12, calls)}
    exec_rows, peer_rows = [], []
    for name, (code, many, few, units) in sizes.items():
        ours = timed(actions.run, code.format(n=many), units(many))
        exec_side = timed(bare(), code.format(n=many), units(many))
        peer = timed(executor({}), code.format(n=few), units(few))
        exec_rows.append(compare(name, ours, exec_side, n=41, at_most_ratio=1.05))
        peer_rows.append(compare(name, ours, peer, n=5, at_most_ratio=1 / 50))
    print(table(exec_rows, "bare exec"))
    print()
    print(table(peer_rows, "its executor"))


def main() -> None:
    with live({}) as actions:
        measure(actions)


if __name__ == "__main__":
    main()
