"""Models that answer by who is asked what, for whole teams in one process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from agentnb.testing import ScriptedModel

Script = Sequence[str]


def code(*lines: str, thought: str = "Next.") -> str:
    """A reply with one block of code."""
    return "\n".join([thought, "<code>", *lines, "</code>"])


def final(expression: str) -> str:
    """A reply that ends the task."""
    return code(f"final_answer({expression})")


def agent_of(messages: list[dict[str, Any]]) -> str:
    """The name of the agent that a prompt belongs to."""
    found = re.match(r"You are `(\w+)`", messages[0]["content"])
    assert found is not None, messages[0]["content"][:80]
    return found[1]


def brief_of(messages: list[dict[str, Any]]) -> str:
    """The brief of a specialist's task."""
    return str(messages[1]["content"]).rpartition("other hands:\n")[2].split("\n\n")[0]


def told(messages: list[dict[str, Any]]) -> str:
    """What the model was told last."""
    return str(messages[-1]["content"])


def acting(latency: float = 0.0, **scripts: Script | dict[str, Script]) -> ScriptedModel:
    """A model that answers each agent from its own list, one reply a step of its task.

    A dict has a list for each brief. ``lead`` stands for the coordinator.
    """
    scripts = {"coordinator" if name == "lead" else name: script for name, script in scripts.items()}

    def answer(messages: list[dict[str, Any]]) -> str:
        script = scripts[agent_of(messages)]
        if isinstance(script, dict):
            script = script[brief_of(messages)]
        return script[sum(message["role"] == "assistant" for message in messages)]

    return ScriptedModel(answer, latency=latency)
