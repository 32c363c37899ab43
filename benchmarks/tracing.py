"""What a step costs where runs are traced with OpenTelemetry, beside one where they are not.

Where no tracer provider is set up, all that a run does for it is one look at which modules are loaded.
"""

import asyncio
import sys
import time

from agentnb import Team
from agentnb.testing import ScriptedModel
from agentnb.tracing import trace_run
from benchmarks._harness import compare, judge, table

STEPS = 50
LOOKS = 10_000


def seconds_a_step() -> float:
    replies = [f"Step {number}.\n<code>\nx = {number}\n</code>" for number in range(STEPS - 1)]
    team = Team(model=ScriptedModel([*replies, "Done.\n<code>\nfinal_answer(x)\n</code>"]), max_steps=STEPS)
    start = time.perf_counter()
    run = asyncio.run(team.run("count", namespace={}, show=False))
    elapsed = time.perf_counter() - start
    assert run.status == "done", run.record.reason
    return elapsed / STEPS


def look() -> float:
    start = time.perf_counter()
    for _ in range(LOOKS):
        trace_run(lambda listener: None)
    return (time.perf_counter() - start) / LOOKS


def main() -> None:
    assert "opentelemetry.trace" not in sys.modules
    rows = [compare("a run, not set up", look, at_most=10e-6)]
    plain = compare("a step, not set up", seconds_a_step, n=9)
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    traced = compare("a step, traced", seconds_a_step, n=9)
    assert exporter.get_finished_spans()
    rows += [plain, judge("a step, traced", traced.ours, plain.ours)]
    print(table(rows, "not set up"))


if __name__ == "__main__":
    main()
