"""Records of runs as they come out of practice: done, failed, ended by a limit, still running, waiting."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from agentnb.record.document import (
    Change,
    Error,
    Member,
    Message,
    RunRecord,
    Step,
    StepTiming,
    Task,
    Timing,
    Usage,
)
from tests.support.asking import asking

TABLE_HTML = """<div>
<style scoped>
    .dataframe tbody tr th:only-of-type { vertical-align: middle; }
    .dataframe thead th { text-align: right; }
</style>
<table border="1" class="dataframe">
  <thead>
    <tr style="text-align: right;"><th></th><th>VaR 95%</th><th>breaches</th><th>p-value</th></tr>
  </thead>
  <tbody>
    <tr><th>historical</th><td>-0.0712</td><td>11</td><td>0.412</td></tr>
    <tr><th>normal</th><td>-0.0694</td><td>13</td><td>0.208</td></tr>
    <tr><th>EWMA</th><td>-0.0587</td><td>9</td><td>0.731</td></tr>
  </tbody>
</table>
</div>"""

TABLE_TEXT = """            VaR 95%  breaches  p-value
historical  -0.0712        11    0.412
normal      -0.0694        13    0.208
EWMA        -0.0587         9    0.731"""


def png(width: int = 320, height: int = 160) -> str:
    """A picture of two slopes, base64, as nbformat holds it."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            first, second = height - x * height // width, height - (x * x * height) // (width * width)
            colour = (51, 102, 204) if y > first else (221, 132, 82) if y > second else (255, 255, 255)
            rows += bytes(colour)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows), 9))
    return base64.b64encode(picture + chunk(b"IEND", b"")).decode()


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def display(**data: str) -> dict[str, Any]:
    kinds = {"html": "text/html", "plain": "text/plain", "markdown": "text/markdown", "png": "image/png"}
    return {"output_type": "display_data", "data": {kinds[key]: value for key, value in data.items()}, "metadata": {}}


def roster() -> list[Member]:
    return [
        Member(name="coordinator", role="", kind="coordinator", model="openai/gpt-5", mode="live"),
        Member(
            name="ingest",
            role="loads and cleans market data",
            model="openai/gpt-5-mini",
            tools=["load_prices"],
        ),
        Member(name="quant", role="fits predictive risk models", model="openai/gpt-5", mode="branch"),
        Member(
            name="reporter",
            role="writes short reports with one good chart",
            model="openai/gpt-5-mini",
            joined_at=14.2,
            left_at=31.0,
        ),
    ]


TRACEBACK = [
    "\x1b[0;31m---------------------------------------------------------------------------\x1b[0m",
    "\x1b[0;31mKeyError\x1b[0m                                  Traceback (most recent call last)",
    "Cell \x1b[0;32mquant, step 1\x1b[0m, line 2\n\x1b[1;32m      1\x1b[0m returns = data.pct_change()\n"
    "\x1b[0;32m----> 2\x1b[0m portfolio = returns[\x1b[38;5;28m'Adj Close'\x1b[39m].mean(axis=\x1b[38;5;241m1\x1b[39m)",
    "\x1b[0;31mKeyError\x1b[0m: 'Adj Close'",
]


def done() -> RunRecord:
    """A coordinator with three specialists, two of them at work at once, one hired on the way, one error mended."""
    tasks = [
        Task(
            id="t1",
            agent="coordinator",
            brief="What is the one-month 95% value at risk of an equal-weight portfolio?",
            status="completed",
            started_at=0.0,
            ended_at=33.4,
            usage=Usage(input_tokens=9_100, output_tokens=1_240, calls=3),
        ),
        Task(
            id="t2",
            agent="ingest",
            brief="Load the monthly closes, drop rows that are not numbers, return a DataFrame",
            status="completed",
            parent="t1",
            parent_step="s1",
            started_at=3.1,
            ended_at=12.9,
            result={"text/plain": "DataFrame 388x10"},
            usage=Usage(input_tokens=3_000, output_tokens=410, calls=2),
        ),
        Task(
            id="t3",
            agent="quant",
            brief="Fit three one-month 95% VaR models and back-test them out of sample",
            status="completed",
            parent="t1",
            parent_step="s4",
            started_at=16.0,
            ended_at=27.5,
            result={"text/plain": TABLE_TEXT, "text/html": TABLE_HTML},
            usage=Usage(input_tokens=5_200, output_tokens=980, calls=2),
        ),
        Task(
            id="t4",
            agent="reporter",
            brief="Draw one chart of the monthly returns with the VaR line",
            status="completed",
            parent="t1",
            parent_step="s4",
            started_at=16.1,
            ended_at=24.0,
            result={"text/plain": "Figure(640x320)"},
            usage=Usage(input_tokens=2_100, output_tokens=350, calls=1),
        ),
    ]
    steps = [
        Step(
            id="s1",
            task="t1",
            agent="coordinator",
            number=1,
            thought="The prices are **not clean yet**. I ask `ingest` first, and look at what comes back.",
            code='clean = await ingest("Load the monthly closes, drop rows that are not numbers, return a DataFrame")\n'
            "clean.tail(3)",
            status="done",
            outputs=[
                {
                    "output_type": "execute_result",
                    "data": {"text/plain": "            AAPL   IBM\n2022-03-31  174.6  130.0"},
                    "metadata": {},
                    "execution_count": None,
                }
            ],
            changes=[Change(name="clean", kind="added", after="DataFrame 388x10")],
            usage=Usage(input_tokens=2_400, output_tokens=180, calls=1),
            timing=StepTiming(asked_at=0.0, replied_at=3.0, code_started_at=3.0, code_ended_at=13.0),
        ),
        Step(
            id="s2",
            task="t2",
            agent="ingest",
            number=1,
            thought="First look at the raw rows.",
            code='raw = load_prices("all")\nprint(raw.shape, "rows with text:", raw.isna().any(axis=1).sum())',
            status="done",
            outputs=[stream("\x1b[32m(391, 10)\x1b[0m rows with text: \x1b[1;31m3\x1b[0m\n")],
            changes=[Change(name="raw", kind="added", after="DataFrame 391x10", scope="ingest")],
            notes=["The model's endpoint answered 429; tried again after 3 s."],
            usage=Usage(input_tokens=1_300, output_tokens=160, calls=1),
            timing=StepTiming(asked_at=3.1, replied_at=8.0, code_started_at=8.0, code_ended_at=8.4),
        ),
        Step(
            id="s3",
            task="t2",
            agent="ingest",
            number=2,
            thought="Three messy rows; drop them.",
            code="# keep only rows in which every price is a number\nfinal_answer(raw.dropna())",
            status="done",
            usage=Usage(input_tokens=1_700, output_tokens=250, calls=1),
            timing=StepTiming(asked_at=8.5, replied_at=12.7, code_started_at=12.7, code_ended_at=12.8),
            final=True,
        ),
        Step(
            id="s4",
            task="t1",
            agent="coordinator",
            number=2,
            thought="Model and chart are independent of each other: both at once. I hire a *reporter* for the chart.",
            code="import asyncio\n\n"
            'reporter = hire("reporter", "writes short reports with one good chart")\n'
            "table, chart = await asyncio.gather(\n"
            '    quant("Fit three one-month 95% VaR models and back-test them out of sample", data=clean),\n'
            '    reporter("Draw one chart of the monthly returns with the VaR line", data=clean),\n'
            ")",
            status="done",
            changes=[
                Change(name="table", kind="added", after="DataFrame 3x3"),
                Change(name="chart", kind="added", after="Figure"),
                Change(name="clean", kind="mutated", before="DataFrame 388x10", after="DataFrame 388x11"),
            ],
            usage=Usage(input_tokens=3_100, output_tokens=420, calls=1),
            timing=StepTiming(asked_at=13.0, replied_at=15.9, code_started_at=15.9, code_ended_at=27.6),
        ),
        Step(
            id="s5",
            task="t3",
            agent="quant",
            number=1,
            thought="Returns first.",
            code="returns = data.pct_change()\nportfolio = returns['Adj Close'].mean(axis=1)",
            status="failed",
            changes=[Change(name="returns", kind="added", after="DataFrame 388x10", scope="quant")],
            error=Error(name="KeyError", message="'Adj Close'", traceback=TRACEBACK),
            usage=Usage(input_tokens=2_300, output_tokens=380, calls=1),
            timing=StepTiming(asked_at=16.0, replied_at=20.0, code_started_at=20.0, code_ended_at=20.2),
        ),
        Step(
            id="s6",
            task="t3",
            agent="quant",
            number=2,
            thought="The columns are tickers; take the mean over all of them.",
            code="portfolio = returns.mean(axis=1).dropna()\ntable = back_test(portfolio)\n"
            "display(table)\nfinal_answer(table)",
            status="done",
            outputs=[display(html=TABLE_HTML, plain=TABLE_TEXT)],
            changes=[
                Change(name="portfolio", kind="added", after="Series 387", scope="quant"),
                Change(name="returns", kind="deleted", before="DataFrame 388x10", scope="quant"),
            ],
            usage=Usage(input_tokens=2_900, output_tokens=600, calls=1),
            timing=StepTiming(asked_at=20.2, replied_at=26.0, code_started_at=26.0, code_ended_at=27.4),
            final=True,
        ),
        Step(
            id="s7",
            task="t4",
            agent="reporter",
            number=1,
            thought="One chart, the loss threshold as a line.",
            code="import matplotlib.pyplot as plt\n\nfig, ax = plt.subplots(figsize=(6, 3))\n"
            "data.mean(axis=1).plot(ax=ax)\nfinal_answer(fig)",
            status="done",
            outputs=[display(png=png(), plain="<Figure size 640x320 with 1 Axes>")],
            usage=Usage(input_tokens=2_100, output_tokens=350, calls=1),
            timing=StepTiming(asked_at=16.1, replied_at=23.0, code_started_at=23.0, code_ended_at=23.9),
            final=True,
        ),
        Step(
            id="s8",
            task="t1",
            agent="coordinator",
            number=3,
            thought="All there. The EWMA model holds up best in the back-test.",
            code='dismiss("reporter")\nfinal_answer(table)',
            status="done",
            usage=Usage(input_tokens=3_600, output_tokens=640, calls=1),
            timing=StepTiming(asked_at=27.7, replied_at=33.2, code_started_at=33.2, code_ended_at=33.3),
            final=True,
        ),
    ]
    return RunRecord(
        run_id="r-done",
        generator="agentnb 0.1.0",
        task="What is the one-month 95% value at risk of an equal-weight portfolio?",
        team="desk",
        status="done",
        roster=roster(),
        tasks=tasks,
        steps=steps,
        messages=[Message(at=9.0, sender="you", to="coordinator", text="Use only data until March 2022.")],
        result={"text/plain": TABLE_TEXT, "text/html": TABLE_HTML},
        result_name="var_table",
        budget="60k, 5m",
        usage=Usage(input_tokens=19_400, output_tokens=2_980, cached_tokens=6_000, calls=8, cost=0.0412),
        timing=Timing(created="2025-03-04T10:15:00Z", elapsed=33.4),
    )


def failed() -> RunRecord:
    """The endpoint refused the key; nothing ran."""
    error = Error(name="PermanentModelError", message="OpenAI refused the key: set OPENAI_API_KEY to a valid one.")
    return RunRecord(
        run_id="r-failed",
        task="Plot the prices",
        status="failed",
        roster=[Member(name="coordinator", kind="coordinator", model="openai/gpt-5", mode="live")],
        tasks=[
            Task(
                id="t1",
                agent="coordinator",
                brief="Plot the prices",
                status="failed",
                started_at=0.0,
                ended_at=0.4,
                error=error,
            )
        ],
        steps=[
            Step(
                id="s1",
                task="t1",
                agent="coordinator",
                number=1,
                status="failed",
                error=error,
                timing=StepTiming(asked_at=0.0, replied_at=0.4),
            )
        ],
        reason="The model could not be asked: OpenAI refused the key; set OPENAI_API_KEY to a valid one.",
        error=error,
        usage=Usage(calls=1),
        timing=Timing(created="2025-03-04T10:15:00Z", elapsed=0.4),
    )


def limit() -> RunRecord:
    """The budget of tokens ended a run half-way: something was reached, and nothing looks finished."""
    record = done()
    record.run_id, record.status, record.result = "r-limit", "limit", None
    record.reason = "The budget of 20k tokens was used up; `clean` and `table` are there, the report is not."
    record.budget = "20k"
    record.steps = record.steps[:6]
    record.tasks[0].status = "cancelled"
    record.tasks[3].status = "cancelled"
    record.timing.elapsed = 27.6
    record.tasks[0].ended_at = record.tasks[3].ended_at = 27.6
    return record


def running() -> RunRecord:
    """The two specialists are at work: one's code runs, the other's model is being asked."""
    record = done()
    record.run_id, record.status, record.result = "r-running", "running", None
    record.steps = record.steps[:7]
    record.timing.elapsed = 22.0
    for task in (record.tasks[0], record.tasks[2], record.tasks[3]):
        task.status, task.ended_at, task.result = "in_progress", None, None
    record.steps[3].status, record.steps[3].changes = "acting", []
    record.steps[3].timing.code_ended_at = None
    quant, reporter = record.steps[5], record.steps[6]
    quant.status, quant.code, quant.outputs, quant.changes, quant.final = "thinking", None, [], [], False
    quant.timing = StepTiming(asked_at=20.2)
    reporter.status, reporter.final, reporter.timing.code_ended_at = "acting", False, None
    reporter.timing.replied_at = reporter.timing.code_started_at = 21.0
    return record


def huge(steps: int = 10_000, tasks: int = 200) -> RunRecord:
    """Many steps over many tasks of one coordinator."""
    record = RunRecord(run_id="r-huge", task="Do it 10,000 times", status="done", roster=roster())
    record.tasks = [Task(id="t0", agent="coordinator", brief="all", status="completed", started_at=0.0, ended_at=1e4)]
    for index in range(1, tasks):
        start = index * 10_000 / tasks
        record.tasks.append(
            Task(
                id=f"t{index}",
                agent="ingest",
                brief=f"part {index}",
                status="completed",
                parent="t0",
                parent_step="s0",
                started_at=start,
                ended_at=start + 60,
            )
        )
    for index in range(steps):
        at = float(index * 10_000 / steps)
        record.steps.append(
            Step(
                id=f"s{index}",
                task=f"t{index % tasks}",
                agent="ingest" if index % tasks else "coordinator",
                number=index // tasks + 1,
                thought=f"Step *{index}*.",
                code=f"x_{index} = sum(range({index}))\nprint(x_{index})",
                status="done",
                outputs=[stream(f"{index}\n" * 5)],
                timing=StepTiming(asked_at=at, replied_at=at + 0.4, code_started_at=at + 0.4, code_ended_at=at + 0.9),
            )
        )
    record.timing.elapsed = 10_000.0
    record.result = {"text/plain": "42"}
    return record


ALL = {"done": done, "failed": failed, "limit": limit, "running": running, "asking": asking}
