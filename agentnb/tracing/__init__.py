"""Runs as OpenTelemetry traces, by the semantic conventions for generative AI, where the person has set tracing up.

Set up means that this kernel has a tracer provider (``opentelemetry.trace.set_tracer_provider``, or the agent of
``opentelemetry-instrument``). agentnb makes none of its own, and without one loads nothing of OpenTelemetry.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from agentnb.record.document import RunRecord
from agentnb.record.events import AnyEvent

Listener = Callable[[AnyEvent, RunRecord], None]
ToolSpan = Callable[[str, str, str], AbstractContextManager[None]]
"""Takes a tool's name, its agent and the step; the call of the tool happens in the block."""


def trace_run(subscribe: Callable[[Listener], Any]) -> ToolSpan | None:
    """Let a run that is about to begin be traced, where tracing is set up; ``subscribe`` takes a listener of it.

    Returns what traces the calls of tools, None where nothing is traced.
    """
    if "opentelemetry.trace" not in sys.modules:  # nobody can have set a provider
        return None
    from agentnb.tracing.spans import run_spans

    spans = run_spans()
    if spans is None:
        return None
    subscribe(spans.on_event)
    return spans.tool_call
