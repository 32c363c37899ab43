"""The comm target ``agentnb.run``: a page opens a comm for one run, or without a run id for the list of them."""

from __future__ import annotations

from typing import Any

TARGET = "agentnb.run"


def register() -> None:
    """Let pages open comms to this kernel. Loads nothing heavy: that comes with the first comm."""
    from comm import get_comm_manager

    get_comm_manager().register_target(TARGET, _open)


def unregister() -> None:
    """Take the target back."""
    from comm import get_comm_manager

    get_comm_manager().targets.pop(TARGET, None)


def _open(comm: Any, message: dict[str, Any]) -> None:
    from agentnb.page.channel import open_channel

    open_channel(comm, message["content"].get("data") or {})
