"""Comms that work while a cell runs."""

from __future__ import annotations

from typing import Any


def tame(comm: Any) -> None:
    """Let messages of ``comm`` arrive on the subshell that the page sent them to, without side effects.

    ipykernel 7.4 and later hand them to the shell that last published on the comm, which is the busy one. And the comm
    package calls ``pre_execute`` and ``post_execute`` hooks around each, upon which matplotlib closes the figure that
    a running cell is drawing. Both are private hooks: where they are missing nothing is done.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, default: default
    if hasattr(comm, "_msg_callback") and hasattr(comm, "handle_msg"):
        comm.handle_msg = lambda message: comm._msg_callback and comm._msg_callback(message)
