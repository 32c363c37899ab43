"""A team of AI agents at work inside the Jupyter kernel you already have open.

``%load_ext agentnb`` gives ``%%agents`` and ``%agents``; in Python there are ``Agent`` and ``Team``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agentnb._version import __version__

if TYPE_CHECKING:
    from agentnb.errors import UserError as UserError
    from agentnb.magic import load_ipython_extension as load_ipython_extension
    from agentnb.magic import unload_ipython_extension as unload_ipython_extension
    from agentnb.run.run import Run as Run
    from agentnb.run.speculation.best_of import best_of as best_of
    from agentnb.run.team import Team as Team
    from agentnb.team.agent import Agent as Agent
    from agentnb.tools import MCPServer as MCPServer
    from agentnb.tools import tool as tool

_HOME = {
    "Agent": "agentnb.team.agent",
    "MCPServer": "agentnb.tools",
    "Run": "agentnb.run.run",
    "Team": "agentnb.run.team",
    "UserError": "agentnb.errors",
    "best_of": "agentnb.run.speculation.best_of",
    "load_ipython_extension": "agentnb.magic",
    "tool": "agentnb.tools",
    "unload_ipython_extension": "agentnb.magic",
}

__all__ = [
    "Agent",
    "MCPServer",
    "Run",
    "Team",
    "UserError",
    "__version__",
    "best_of",
    "load_ipython_extension",
    "tool",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    # names load at their first use: %load_ext is to cost next to nothing
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
