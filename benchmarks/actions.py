"""What an action costs beyond its own work: `x = 1`, an expression, a print.

*An action* is all that happens to code once it is there: transform, compile, run, capture, compare the variables.
*A step* is a model's reply and what came of it, without the model's time: prompt, parsing, action, record.
"""

import asyncio
import io
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from agentnb import Team
from agentnb.testing import ScriptedModel
from benchmarks._harness import Comparison, compare, judge, table
from benchmarks._live import Actions, live
from benchmarks._smol import code_agent, executor

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


def our_step(code: str) -> float:
    async def run() -> float:
        team = Team(model=ScriptedModel(script(code)))
        namespace = variables()
        start = time.perf_counter()
        done = await team.run("count", namespace=namespace, show=False)
        assert done.status == "done", done.record.reason
        return (time.perf_counter() - start) / STEPS

    return asyncio.run(run())


def their_step(code: str) -> float:
    agent = code_agent(ScriptedModel(script(code)))
    start = time.perf_counter()
    assert agent.run("count", additional_args={"x": 1}) == 1
    return (time.perf_counter() - start) / STEPS


def main() -> None:
    actions_rows: list[Comparison] = []
    with live(variables()) as actions:
        for code in CODES:
            side = overhead(ours(actions, code), code)
            row = compare(f"action over exec: {code}", side, overhead(theirs(code), code), n=9, at_most=0.3e-3)
            actions_rows.append(row)
    print(table(actions_rows, "its executor"))
    print()
    steps = [
        compare(
            f"step: {code}", lambda code=code: our_step(code), lambda code=code: their_step(code), n=5, at_most_ratio=1
        )
        for code in CODES
    ]
    alone = [
        judge(f"action over exec, against a step: {code}", action.ours, step.peer, at_most_ratio=0.2)
        for code, action, step in zip(CODES, actions_rows, steps, strict=True)
    ]
    print(table([*alone, *steps], "its step"))


if __name__ == "__main__":
    main()
