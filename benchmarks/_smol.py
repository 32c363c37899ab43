"""smolagents as its own documentation sets it up, quiet, and with the same scripted replies as the other side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentnb._smolagents import import_smolagents
from agentnb.testing import ScriptedModel

smolagents = import_smolagents()


def code_agent(model: ScriptedModel, **settings: Any) -> Any:
    """A ``CodeAgent`` that asks ``model`` and prints nothing."""
    quiet = smolagents.LogLevel.OFF
    return smolagents.CodeAgent(model=model, **{"tools": [], "max_steps": 200, "verbosity_level": quiet, **settings})


def executor(variables: dict[str, Any]) -> Callable[[str], Any]:
    """Its own Python executor, as a ``CodeAgent`` makes it, with ``variables`` in it."""
    local = smolagents.LocalPythonExecutor([])
    local.send_tools({})
    local.send_variables(variables)
    return local
