"""The record of a run that waits for the person."""

from __future__ import annotations

from agentnb.record.document import (
    Change,
    Limits,
    Member,
    PlanItem,
    Request,
    RunRecord,
    Step,
    Task,
    Timing,
    Usage,
)


def asking() -> RunRecord:
    """A run with limits that waits for the person: one answer was given, one action edited, one step undone."""
    plan = [
        PlanItem(agent="quant", brief="Fit three models", tokens=12_000, cost=0.05),
        PlanItem(agent="ingest", brief="Load"),
    ]
    requests = [
        Request(
            id="q1",
            kind="plan",
            agent="coordinator",
            task="t1",
            text="Two specialists, one after the other.",
            plan=plan,
            asked_at=2.0,
            status="allowed",
            edited=True,
            by="user",
            answered_at=4.0,
        ),
        Request(
            id="q2",
            kind="action",
            agent="coordinator",
            task="t1",
            step="s1",
            text="",
            code="clean = prices.dropna()\nprices.clear()",
            touches=["clean", "prices"],
            asked_at=5.0,
            status="allowed",
            answer="keep my prices",
            edited=True,
            for_run=True,
            by="user",
            answered_at=9.0,
        ),
        Request(
            id="q3",
            kind="action",
            agent="coordinator",
            task="t1",
            step="s2",
            text="It writes a file.",
            code="clean.to_csv('clean.csv')",
            touches=["clean.csv"],
            asked_at=12.0,
            expires_at=612.0,
        ),
        Request(id="q4", kind="question", agent="quant", text="Which **currency**?", asked_at=12.5),
    ]
    changes = [
        Change(
            name="clean",
            kind="rebound",
            before="DataFrame 391x10",
            after="DataFrame 388x10",
            detail=["column `price`: 3 cells changed", "3 rows fewer"],
        )
    ]
    steps = [
        Step(
            id="s1",
            task="t1",
            agent="coordinator",
            number=1,
            thought="Clean the prices.",
            code="clean = prices.dropna()",
            status="done",
            changes=changes,
            undone=True,
        ),
        Step(
            id="s2",
            task="t1",
            agent="coordinator",
            number=2,
            thought="Save them.",
            code="clean.to_csv('clean.csv')",
            status="waiting",
        ),
    ]
    return RunRecord(
        run_id="r-asking",
        task="Clean the prices and save them.",
        status="running",
        approve="ask",
        roster=[
            Member(name="coordinator", kind="coordinator", model="openai/gpt-5", mode="live"),
            Member(name="ingest", role="loads and cleans market data", model="openai/gpt-5-mini"),
        ],
        tasks=[Task(id="t1", agent="coordinator", brief="Clean the prices and save them.", status="in_progress")],
        steps=steps,
        requests=requests,
        budget="60k, $0.50, 5m, 20 steps, 3 agents",
        limits=Limits(tokens=60_000, money=0.5, seconds=300.0, steps=20, agents=3),
        usage=Usage(input_tokens=9_000, output_tokens=800, calls=2, cost=0.021),
        timing=Timing(created="2025-03-04T10:15:00Z", elapsed=13.0),
        seq=30,
    )
