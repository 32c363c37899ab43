"""One comm of a page: snapshots and events out, commands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentnb.page.comms import tame
from agentnb.page.desk import Desk
from agentnb.page.hub import Hub, hub


def open_channel(comm: Any, data: Mapping[str, Any], runs: Hub = hub) -> None:
    """Answer a comm that a page has opened with ``data``: its ``run_id``, or none for the list of the runs."""
    run_id = data.get("run_id")
    if not run_id:
        end = runs.follow(comm.send)
        comm.on_close(lambda message: end())
        comm.on_msg(lambda message: None)
        tame(comm)
        return
    desk = runs.find(str(run_id))
    if desk is None:
        comm.send({"kind": "gone"})
        comm.close()
        return
    _follow(comm, desk)


def _follow(comm: Any, desk: Desk) -> None:
    subscription = desk.feed.subscribe(comm.send)
    leave = desk.attend()

    def on_message(message: dict[str, Any]) -> None:
        data = message["content"].get("data") or {}
        if data.get("kind") == "command":
            desk.take(data, comm.send, subscription)

    comm.on_msg(on_message)

    def on_close(message: dict[str, Any]) -> None:
        subscription.close()
        leave()

    comm.on_close(on_close)
    tame(comm)
