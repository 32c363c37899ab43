"""The spans of runs, by the conventions, as the SDK's own exporter gets them."""

import asyncio
import json
import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from agentnb import Agent, Team
from agentnb.record.document import Usage
from agentnb.tracing import attributes, spans
from tests.support.crashes import died, step_ended
from tests.support.scripts import acting, code, final

SECRET = "what the figures say"
LEAD = [code(f"x = {SECRET!r}"), code("y = await quant('fit it', data=x)"), final("y")]
QUANT = [code("print(data)"), final("data")]


@pytest.fixture
def exporter(monkeypatch, tmp_path):
    """Catches the spans of a provider of this test's own, for the global one can be set but once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(attributes.CONTENT, raising=False)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return exporter


def desk(lead=LEAD, quant=QUANT, **settings):
    model = acting(lead=lead, desk=lead, quant=quant)
    model.model_id = "openai/gpt-5"
    return Team([Agent("quant", "fits models", model=model)], model=model, **settings)


async def spans_of(exporter, team=None, **options):
    """The run, and its spans in the order in which they began."""
    exporter.clear()
    run = await (team or desk()).run("Say what the figures say.", namespace={}, show=False, **options)
    return run, sorted(exporter.get_finished_spans(), key=lambda span: span.start_time)


def tree(found):
    """Names of the spans, indented by what they lie in."""
    by_id = {span.context.span_id: span for span in found}

    def depth(span):
        return 0 if span.parent is None else 1 + depth(by_id[span.parent.span_id])

    return [f"{'  ' * depth(span)}{span.name}" for span in found]


def named(found, name):
    return [span for span in found if span.name == name]


async def test_one_trace_a_run_with_tasks_in_the_actions_that_asked_for_them(exporter):
    _, found = await spans_of(exporter, desk(name="desk", role="works"))
    assert tree(found) == [
        "invoke_workflow desk",
        "  invoke_agent desk",
        "    chat gpt-5",
        "    execute_tool python",
        "    chat gpt-5",
        "    execute_tool python",
        "      invoke_agent quant",
        "        chat gpt-5",
        "        execute_tool python",
        "        chat gpt-5",
        "        execute_tool python",
        "    chat gpt-5",
        "    execute_tool python",
    ]
    assert len({span.context.trace_id for span in found}) == 1
    assert all(span.end_time >= span.start_time for span in found)


async def test_calls_of_tools_are_spans_within_their_actions(exporter):
    def look() -> int:
        "Looks."
        return trace.get_current_span().get_span_context().span_id

    async def fetch() -> int:
        "Fetches."
        await asyncio.sleep(0)
        raise ValueError(SECRET)

    lead = [code("seen = look()"), code("await fetch()"), final("seen")]
    team = desk(lead, name="desk", role="works", tools=[look, fetch])
    run, found = await spans_of(exporter, team)
    assert tree(found)[3:7] == [
        "    execute_tool python",
        "      execute_tool look",
        "    chat gpt-5",
        "    execute_tool python",
    ]
    (looked,), (fetched,) = named(found, "execute_tool look"), named(found, "execute_tool fetch")
    assert run.result == looked.context.span_id
    assert dict(looked.attributes) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look",
        "gen_ai.tool.type": "function",
        "gen_ai.agent.name": "desk",
        "agentnb.step.id": "t1.1",
    }
    assert (fetched.status.status_code, fetched.attributes["error.type"]) == (StatusCode.ERROR, "ToolError")
    assert SECRET not in str([span.to_json() for span in (looked, fetched)])


async def test_attributes_follow_the_conventions(exporter):
    run, found = await spans_of(exporter)
    chat = named(found, "chat gpt-5")[0]
    assert chat.kind is SpanKind.CLIENT
    known = dict(chat.attributes)
    step = run.steps[0]
    assert known.pop("gen_ai.response.time_to_first_chunk") >= 0
    assert known == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.request.stream": True,
        "gen_ai.agent.name": "coordinator",
        "gen_ai.usage.input_tokens": step.usage.input_tokens,
        "gen_ai.usage.output_tokens": step.usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "agentnb.usage.estimated": True,
        "agentnb.step.id": "t1.1",
    }
    agent = named(found, "invoke_agent quant")[0]
    assert agent.kind is SpanKind.INTERNAL
    assert agent.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert agent.attributes["gen_ai.agent.name"] == "quant"
    assert agent.attributes["gen_ai.agent.description"] == "fits models"
    assert agent.attributes["gen_ai.request.model"] == "gpt-5"
    assert agent.attributes["gen_ai.usage.input_tokens"] == run.tasks[1].usage.input_tokens
    lead = named(found, "invoke_agent coordinator")[0]
    assert lead.attributes["gen_ai.request.model"] == "gpt-5"
    action = named(found, "execute_tool python")[0]
    assert action.kind is SpanKind.INTERNAL
    assert action.attributes["gen_ai.tool.name"] == "python"
    assert action.attributes["gen_ai.tool.call.id"] == "t1.1"
    assert action.attributes["agentnb.step.changes"] == 1


async def test_the_totals_of_the_team_are_on_the_run(exporter):
    run, found = await spans_of(exporter, desk(budget="60k"))
    totals = found[0].attributes
    assert totals["agentnb.run.id"] == run.id
    assert totals["agentnb.run.status"] == "done"
    assert (totals["agentnb.run.agents"], totals["agentnb.run.tasks"], totals["agentnb.run.steps"]) == (2, 2, 5)
    assert totals["agentnb.run.input_tokens"] == run.usage.input_tokens
    assert totals["agentnb.run.calls"] == run.usage.calls == 5
    assert totals["agentnb.run.budget"] == "60,000 tokens"
    assert found[0].status.status_code is StatusCode.UNSET


async def test_nothing_that_was_said_or_done_is_in_them_unless_asked_for(exporter, monkeypatch):
    failing = [code(f"raise ValueError({SECRET!r})"), *LEAD]
    _, found = await spans_of(exporter, desk(failing))
    assert SECRET not in str([span.to_json() for span in found])
    monkeypatch.setenv(attributes.CONTENT, "SPAN_ONLY")
    _, found = await spans_of(exporter)
    run, lead, chat = found[0], *named(found, "invoke_agent coordinator"), named(found, "chat gpt-5")[0]
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Say what the figures say."}]}]
    assert json.loads(run.attributes["gen_ai.input.messages"]) == asked
    assert json.loads(lead.attributes["gen_ai.input.messages"]) == asked
    (said,) = json.loads(chat.attributes["gen_ai.output.messages"])
    assert (said["role"], said["finish_reason"]) == ("assistant", "stop")
    assert said["parts"][0]["content"] == LEAD[0]
    assert json.loads(run.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"] == SECRET
    printing = named(found, "execute_tool python")[2]
    assert printing.attributes["gen_ai.tool.call.arguments"] == "print(data)"
    assert printing.attributes["gen_ai.tool.call.result"] == f"{SECRET}\n"


async def test_secrets_are_redacted_where_content_is_asked_for(exporter, monkeypatch):
    monkeypatch.setenv(attributes.CONTENT, "span_and_event")
    monkeypatch.setenv("SOME_API_KEY", "sk-proj-Zx81LmQ07rTtYb2NcVa93Hd")
    lead = [code("import os", "print(os.environ['SOME_API_KEY'])"), final("os.environ['SOME_API_KEY']")]
    _, found = await spans_of(exporter, desk(lead))
    text = str([span.to_json() for span in found])
    assert "sk-proj-Zx81" not in text
    assert "[redacted SOME_API_KEY]" in text


async def test_errors_are_told_by_their_kind(exporter):
    _, found = await spans_of(exporter, desk([code("1 / 0"), *LEAD]))
    broken = named(found, "execute_tool python")[0]
    assert (broken.status.status_code, broken.status.description) == (StatusCode.ERROR, None)
    assert broken.attributes["error.type"] == "ZeroDivisionError"
    assert broken.attributes["agentnb.step.status"] == "failed"
    assert found[0].status.status_code is StatusCode.UNSET


async def test_a_limit_and_a_model_that_fails_are_errors_of_the_run(exporter):
    _, found = await spans_of(exporter, budget="2 steps")
    assert (found[0].status.status_code, found[0].attributes["error.type"]) == (StatusCode.ERROR, "limit")
    _, found = await spans_of(exporter, desk([code("x = 1")]))  # the script ends: the model raises
    chat = named(found, "chat gpt-5")[-1]
    assert (chat.status.status_code, chat.attributes["error.type"]) == (StatusCode.ERROR, "ModelError")
    assert named(found, "invoke_agent coordinator")[0].status.status_code is StatusCode.ERROR
    assert found[0].attributes["agentnb.run.status"] == "failed"


async def test_a_run_that_is_stopped_closes_its_spans(exporter):
    exporter.clear()
    run = desk([code("await asyncio.sleep(60)")]).start("Wait.", namespace={}, show=False)
    while not any(step.status == "acting" for step in run.steps):
        await asyncio.sleep(0.01)
    run.stop()
    await run
    names = {span.name: span for span in exporter.get_finished_spans()}
    assert set(names) == {"invoke_workflow", "invoke_agent coordinator", "chat gpt-5", "execute_tool python"}
    assert names["invoke_workflow"].attributes["agentnb.run.status"] == "cancelled"
    assert names["invoke_workflow"].status.status_code is StatusCode.UNSET


async def test_it_lies_in_a_span_of_the_persons_own(exporter):
    tracer = trace.get_tracer_provider().get_tracer("notebook")
    with tracer.start_as_current_span("my cell") as mine:
        _, found = await spans_of(exporter)
    assert found[0].parent.span_id == mine.get_span_context().span_id
    assert {span.context.trace_id for span in found} == {mine.get_span_context().trace_id}


async def test_replies_that_are_played_are_no_calls_of_a_model(exporter):
    run, _ = await spans_of(exporter)
    _, found = await spans_of(exporter, replay=run.record)
    assert named(found, "chat gpt-5") == named(found, "chat recorded") == []
    assert len(named(found, "execute_tool python")) == 5
    assert found[0].attributes["agentnb.run.replayed"] is True


async def test_a_resumed_run_has_spans_of_what_it_does_itself(exporter):
    run, _ = await spans_of(exporter)
    path = died(run, step_ended("t1.2"))
    exporter.clear()
    await desk([*LEAD[:2], final("1")]).resume(path, namespace={}, show=False)
    found = exporter.get_finished_spans()
    (whole,) = named(found, "invoke_workflow")
    assert whole.attributes["agentnb.run.resumes"] == run.id
    assert [span.attributes["agentnb.step.id"] for span in named(found, "chat gpt-5")] == ["t1.3"]


@pytest.mark.parametrize(
    ("label", "known"),
    [
        ("openai/gpt-5", ("openai", "gpt-5")),
        ("hf/Qwen/Qwen3", ("huggingface", "Qwen/Qwen3")),
        ("litellm/gemini/gemini-3", ("gcp.gemini", "gemini-3")),
        ("litellm/gpt-5", ("litellm", "gpt-5")),
        ("scripted", ("unknown", "scripted")),
    ],
)
def test_providers_have_the_names_of_the_conventions(label, known):
    assert attributes.provider_and_model(label) == known


def test_cost_is_told_where_it_is_known():
    assert attributes.of_usage(Usage(cost=0.25))["agentnb.usage.cost"] == 0.25
    assert "agentnb.usage.cost" not in attributes.of_usage(Usage())


def test_without_a_provider_there_is_no_listener_and_nothing_is_loaded():
    code = """
import asyncio, sys
from agentnb import Team
from agentnb.testing import ScriptedModel
asyncio.run(Team(model=ScriptedModel(["<code>\\nfinal_answer(1)\\n</code>"])).run("Do it.", namespace={}, show=False))
print("agentnb.tracing.spans" in sys.modules, "opentelemetry.sdk" in sys.modules)
import opentelemetry.trace
from agentnb.tracing import trace_run
trace_run(lambda listener: print("traced"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert spans.TOOL == "python"
