"""What is sent to the model over a run: the same replies, and the same outputs, on both sides.

Tokens are characters by 4, for both. *Trivial* steps print a number; *realistic* ones say two sentences, run some lines
of pandas that make three variables, and print two tables. A reply counts as sent each time it is in a later prompt.
"""

import asyncio
import contextlib
import io
import itertools
import statistics
from typing import Any

import pandas as pd

from agentnb import Team
from agentnb.testing import ScriptedModel
from benchmarks._harness import Comparison, judge, table
from benchmarks._smol import code_agent

CHARS_PER_TOKEN = 4
TASK = "Find out how the monthly prices of the three shares move together, and say which of them is the riskiest."

THOUGHT = (
    "Step {number}: the risk need not be the same at all times, so I look at window {number} of the data by itself. "
    "I take its monthly returns, describe them, and see how the three shares hang together."
)
CODE = """import pandas as pd

window_{number} = prices.iloc[{number} : {number} + 36]
returns_{number} = window_{number}.pct_change().dropna()
print("window {number}:", len(returns_{number}), "months, from", window_{number}.index[0].date())
print(returns_{number}.describe().round(4).to_string())
print(returns_{number}.corr().round(3).to_string())
worst_{number} = returns_{number}.min().idxmin()
print("the worst month had", worst_{number}, returns_{number}[worst_{number}].min().round(4))"""


def prices() -> pd.DataFrame:
    """Ten years of monthly prices, the same each time."""
    months = pd.date_range("2010-01-31", periods=140, freq="ME")
    walk = {name: [100 + (7 * step * seed) % 23 + step / seed for step in range(140)] for seed, name in SHARES}
    return pd.DataFrame(walk, index=months)


SHARES = ((2, "alpha"), (3, "beta"), (5, "gamma"))


def trivial(number: int) -> str:
    return f"Thought: next.\n<code>\nvalue = {number}\nprint(value)\n</code>"


def realistic(number: int) -> str:
    return f"{THOUGHT.format(number=number)}\n<code>\n{CODE.format(number=number)}\n</code>"


def script(steps: int, reply: Any) -> list[str]:
    return [*map(reply, range(steps - 1)), "That is all.\n<code>\nfinal_answer('gamma')\n</code>"]


def sizes(model: ScriptedModel) -> list[int]:
    """Tokens of each prompt of a run."""
    return [sum(len(message["content"]) for message in call) // CHARS_PER_TOKEN for call in model.calls]


def ours(steps: int, reply: Any) -> list[int]:
    async def run() -> list[int]:
        model = ScriptedModel(script(steps, reply))
        team = Team(model=model, max_steps=steps)
        done = await team.run(TASK, namespace={"prices": prices()}, show=False)
        assert done.result == "gamma", done.record.reason
        assert not any(step.error for step in done.steps), done.steps
        return sizes(model)

    return asyncio.run(run())


def theirs(steps: int, reply: Any) -> list[int]:
    model = ScriptedModel(script(steps, reply))
    agent = code_agent(model, max_steps=steps, additional_authorized_imports=["*"])
    with contextlib.redirect_stdout(io.StringIO()):
        assert agent.run(TASK, additional_args={"prices": prices()}) == "gamma"
    assert not any(getattr(step, "error", None) for step in agent.memory.steps)
    return sizes(model)


def growth(prompts: list[int]) -> list[int]:
    return [after - before for before, after in itertools.pairwise(prompts)]


def rows(name: str, our: list[int], their: list[int]) -> list[Comparison]:
    grown, peer = growth(our), growth(their)
    even = max(grown) / statistics.median(grown), max(peer) / statistics.median(peer)
    return [
        judge(f"{name}: all 10 prompts", sum(our), sum(their), unit="tokens", at_most_ratio=0.5),
        judge(f"{name}: the first prompt", our[0], their[0], unit="tokens"),
        judge(f"{name}: a step adds", statistics.median(grown), statistics.median(peer), unit="tokens"),
        judge(f"{name}: most that a step adds, over the median", *even, unit="", at_most=1.1),
    ]


def main() -> None:
    shown = [row for reply in (trivial, realistic) for row in rows(reply.__name__, ours(10, reply), theirs(10, reply))]
    our, their = ours(100, realistic), theirs(100, realistic)
    shown += [
        judge("realistic, 100 steps: the largest prompt", max(our), max(their), unit="tokens", at_most=20_000),
        judge("realistic, 100 steps: all prompts", sum(our), sum(their), unit="tokens", at_most_ratio=0.5),
    ]
    print(table(shown))


if __name__ == "__main__":
    main()
