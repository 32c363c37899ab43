"""Names and values of span attributes: ``gen_ai.*`` by the conventions, ``agentnb.*`` for what these do not name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from agentnb.record.document import Member, RunRecord, Usage
from agentnb.record.limits import cut_text
from agentnb.record.outputs import text_of

Attributes = dict[str, Any]

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ON_SPANS = frozenset({"span_only", "span_and_event", "true"})
_LONGEST = 20_000  # characters of one content attribute

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "hf": "huggingface",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""What the conventions call providers that have another name in a model id."""


def wants_content(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether prompts, code and outputs may go into spans; they may not unless the environment says so."""
    return environ.get(CONTENT, "").strip().lower() in _ON_SPANS


def provider_and_model(label: str) -> tuple[str, str]:
    """Return provider and model of a label such as ``openai/gpt-5`` or ``litellm/groq/llama``."""
    provider, slash, model = label.partition("/")
    if not slash:
        return "unknown", label
    if provider == "litellm" and "/" in model:
        provider, _, model = model.partition("/")
    return _PROVIDERS.get(provider, provider), model


def of_model(member: Member | None) -> Attributes:
    """Return what is known of an agent's model."""
    if member is None or not member.model:
        return {"gen_ai.provider.name": "unknown"}
    provider, model = provider_and_model(member.model)
    return {"gen_ai.provider.name": provider, "gen_ai.request.model": model}


def of_usage(usage: Usage) -> Attributes:
    """Return tokens as the conventions name them, and the cost where it is known."""
    found: Attributes = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
    }
    if usage.estimated:
        found["agentnb.usage.estimated"] = True
    if usage.cost is not None:
        found["agentnb.usage.cost"] = usage.cost
    return found


def of_team(record: RunRecord) -> Attributes:
    """Return a run's totals over the whole team."""
    usage = record.usage
    totals: Attributes = {
        "agentnb.run.status": record.status,
        "agentnb.run.agents": len({(member.team, member.name) for member in record.roster}),
        "agentnb.run.tasks": len(record.tasks),
        "agentnb.run.steps": len(record.steps),
        "agentnb.run.calls": usage.calls,
        "agentnb.run.input_tokens": usage.input_tokens,
        "agentnb.run.output_tokens": usage.output_tokens,
        "agentnb.run.cached_tokens": usage.cached_tokens,
    }
    if usage.cost is not None:
        totals["agentnb.run.cost"] = usage.cost
    if record.budget:
        totals["agentnb.run.budget"] = record.budget
    return totals


def member_of(record: RunRecord, agent: str) -> Member | None:
    """Return the newest entry of an agent in the roster."""
    return next((member for member in reversed(record.roster) if member.name == agent), None)


def input_message(text: str) -> str:
    """Return a text as ``gen_ai.input.messages``."""
    return json.dumps([{"role": "user", "parts": [_part(text)]}], ensure_ascii=False)


def output_message(text: str) -> str:
    """Return a text as ``gen_ai.output.messages``."""
    return json.dumps([{"role": "assistant", "parts": [_part(text)], "finish_reason": "stop"}], ensure_ascii=False)


def plain(bundle: Mapping[str, Any] | None) -> str:
    """Return a result as text."""
    return cut_text(text_of((bundle or {}).get("text/plain")), _LONGEST)


def printed(outputs: Sequence[Mapping[str, Any]]) -> str:
    """Return what code put out as text."""
    parts = [text_of(output.get("text") or (output.get("data") or {}).get("text/plain")) for output in outputs]
    return cut_text("".join(part if part.endswith("\n") else f"{part}\n" for part in parts if part), _LONGEST)


def _part(text: str) -> dict[str, str]:
    return {"type": "text", "content": cut_text(text, _LONGEST)}
