"""What an action costs beyond its own work: `x = 1`, an expression, a print.

*An action* is all that happens to code once it is there: transform, compile, run, capture, compare the variables.
*A step* is a model's reply and what came of it, without the model's time: prompt, parsing, action, record. *Shown* is
with what both put out as they come, *silent* without.
"""

import asyncio
import io
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from typing import Any

from agentnb import Team
from agentnb.testing import ScriptedModel
from benchmarks._harness import Comparison, compare, judge, table
from benchmarks._live import Actions, live
from benchmarks._smol import code_agent, executor, smolagents

CODES = ("x = 1", "x + 1", "print(x)")
TIMES = 100
STEPS = 20


def variables() -> dict[str, Any]:
    """A notebook of some length."""
    return {"x": 1, **{f"variable_{number}": number for number in range(100)}}


# --- an action --------------------------------------------------------------------------------------------------------


def bare(code: str) -> Callable[[], float]:
    namespace = variables()

    def run() -> float:
        with redirect_stdout(io.StringIO()):
            start = time.perf_counter()
            for _ in range(TIMES):
                exec(compile(code, "<cell>", "exec"), namespace)
            return (time.perf_counter() - start) / TIMES

    return run


def ours(actions: Actions, code: str) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        actions.run(code, TIMES)
        return (time.perf_counter() - start) / TIMES

    return run


def theirs(code: str) -> Callable[[], float]:
    run_code = executor(variables())

    def run() -> float:
        start = time.perf_counter()
        for _ in range(TIMES):
            run_code(code)
        return (time.perf_counter() - start) / TIMES

    return run


def overhead(side: Callable[[], float], code: str) -> Callable[[], float]:
    """What ``side`` takes beyond bare ``exec``, measured right after it."""
    plain = bare(code)
    return lambda: side() - plain()


# --- a step -----------------------------------------------------------------------------------------------------------


def script(code: str) -> list[str]:
    """Each reply differs a little from the one before, since an agent that repeats itself is stopped."""
    steps = [f"Step {number}.\n<code>\n{code}  # {number}\n</code>" for number in range(STEPS - 1)]
    return [*steps, "Done.\n<code>\nfinal_answer(1)\n</code>"]


def our_step(code: str, *, shown: bool) -> float:
    async def run() -> float:
        team = Team(model=ScriptedModel(script(code)))
        namespace = variables()
        start = time.perf_counter()
        done = await team.run("count", namespace=namespace, show=shown)
        elapsed = time.perf_counter() - start
        assert done.status == "done", done.record.reason
        return elapsed / STEPS

    with redirect_stdout(io.StringIO()):
        return asyncio.run(run())


def their_step(code: str, *, shown: bool) -> float:
    settings = {"verbosity_level": smolagents.LogLevel.INFO} if shown else {}
    agent = code_agent(ScriptedModel(script(code)), **settings)
    with redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        result = agent.run("count", additional_args={"x": 1})
        elapsed = time.perf_counter() - start
    assert result == 1
    return elapsed / STEPS


# --- all --------------------------------------------------------------------------------------------------------------


def compare_actions() -> list[Comparison]:
    with live(variables()) as actions:
        return [
            compare(
                f"action over exec: {code}",
                overhead(ours(actions, code), code),
                overhead(theirs(code), code),
                n=9,
                at_most=0.3e-3,
            )
            for code in CODES
        ]


def compare_steps(code: str, action: Comparison) -> list[Comparison]:
    """An action against the peer's step, which is what it replaces there, and step against step."""
    rows = []
    for shown, how in ((True, "shown"), (False, "silent")):
        step = compare(
            f"step, {how}: {code}", partial(our_step, code, shown=shown), partial(their_step, code, shown=shown)
        )
        target = 0.2 if shown else None  # shown is how its steps come unless one asks for silence
        rows += [judge(f"action over exec, its step {how}: {code}", action.ours, step.peer, at_most_ratio=target), step]
    return rows


def main() -> None:
    actions = compare_actions()
    print(table(actions, "its executor"))
    print()
    rows = [row for code, action in zip(CODES, actions, strict=True) for row in compare_steps(code, action)]
    print(table(sorted(rows, key=lambda row: row.name), "its step"))


if __name__ == "__main__":
    main()
