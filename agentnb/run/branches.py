"""Branches and Dask workers in a run: opening them or saying why not, and merging what they bring back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from agentnb.kernel.adopt import Adopted
from agentnb.kernel.branch.away import Posting
from agentnb.kernel.branch.place import BranchPlace, open_branch
from agentnb.kernel.dask.cluster import Cluster, find_client
from agentnb.kernel.dask.place import DaskPlace, open_dask
from agentnb.kernel.fork import ForkRefused
from agentnb.kernel.live import LivePlace
from agentnb.kernel.merge import Bundle
from agentnb.kernel.namespace.summary import summarize_variable
from agentnb.kernel.port import Place
from agentnb.kernel.turn import Turn
from agentnb.record.document import Change, Request
from agentnb.record.events import Said
from agentnb.run.context import RunContext

PATIENCE = 2.0
"""Seconds for which a fork is tried again while other threads of the kernel are inside native code."""
_AGAIN = 0.05
LONG = 5.0
"""Seconds after which the person is told that no Dask worker has taken a task yet."""
_GB = 1 << 30


async def open_for(
    run: RunContext,
    agent: str,
    handed: Mapping[str, Any],
    task: str,
    elsewhere: Callable[[], Place] | None,
    memory: float | None = None,
) -> BranchPlace | None:
    """Open a branch for one task of ``agent``; None where there can be none, and the person is told why.

    ``elsewhere`` makes the place where the task goes on should the branch be lost. ``memory`` is its limit in GB.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    turn = Turn(run.gate)
    posting = Posting(run.shell, run.namespace, Turn(run.gate), agent, handed, elsewhere)
    while True:
        try:
            async with turn:  # none of the user's code is half way through
                return open_branch(posting, f"{agent} {task}", _bytes(memory))
        except ForkRefused as refused:
            reason, passing = str(refused), refused.passing
        except OSError as error:
            reason, passing = f"the system has no room for another process ({error.strerror})", False
        if not passing or loop.time() >= end:
            break
        await asyncio.sleep(_AGAIN)
    text = f"{agent} works in scratch, not in a branch: {reason}"
    run.recorder.emit(Said(sender="agentnb", to="user", text=text))
    return None


async def open_on_dask(
    run: RunContext,
    agent: str,
    handed: Mapping[str, Any],
    elsewhere: Callable[[], Place] | None,
    memory: float | None = None,
) -> DaskPlace:
    """Open a place on a Dask worker, as ``open_for`` does; raises ``UserError`` where there can be none."""
    if run.cluster is None:
        run.cluster = Cluster(await find_client(run.dask))
    posting = Posting(run.shell, run.namespace, Turn(run.gate), agent, handed, elsewhere)
    opening = asyncio.ensure_future(open_dask(posting, run.cluster, _bytes(memory)))
    try:
        done, _ = await asyncio.wait({opening}, timeout=LONG)
        if not done:
            run.recorder.emit(Said(sender="agentnb", to="user", text=f"{agent} waits for a Dask worker"))
        return await opening
    finally:
        opening.cancel()


def _bytes(gigabytes: float | None) -> int | None:
    return None if gigabytes is None else int(gigabytes * _GB)


async def merge_into(run: RunContext, place: Place, bundle: Bundle, task: str) -> list[str]:
    """Merge what a branch brings into the place of whoever asked for it, where the person allows it.

    Returns what there is to say about it; it is put into the record too.
    """
    if not bundle.brought and not bundle.stays:
        return []
    if bundle.ask and not await _is_allowed(run, bundle, bundle.changes(place.variables()), task):
        notes = [f"the person did not allow the changes of {bundle.agent}'s {bundle.source}; they are dropped"]
    else:
        async with Turn(run.gate):
            notes = place.receive(bundle)
    for note in notes:
        run.recorder.emit(Said(sender="agentnb", to="user", text=note))
    return notes


async def _is_allowed(run: RunContext, bundle: Bundle, changes: list[Change], task: str) -> bool:
    names = ", ".join(change.name for change in changes)
    text = f"{bundle.agent} would bring back from its {bundle.source}: {names}"
    request = Request(id="", kind="merge", agent=bundle.agent, task=task, text=text, changes=changes)
    return (await run.ask(request)).allowed


async def merge_for_user(
    run: RunContext, bundle: Bundle, task: str, adopted: list[Adopted]
) -> tuple[list[Change], list[str]]:
    """Merge a branch whose task the person gave; returns the changes of the user's variables and what to say.

    What was written into the user's objects is put into ``adopted``.
    """
    before = dict(run.namespace)
    changes = bundle.changes(before)
    place = LivePlace(run.shell, run.namespace, Turn(run.gate))
    notes = await merge_into(run, place, bundle, task)
    adopted += place.adopted
    written = {name for each in adopted for name in each.names}
    known = {change.name for change in changes}
    beside = [
        Change(name=name, kind="added", after=summarize_variable(name, value))
        for name, value in place.bound.items()
        if name not in known  # kept under another name, for a conflict
    ]
    merged = [each for each in changes if each.name in written or _was_merged(each, before, run.namespace)]
    return merged + beside, notes


def _was_merged(change: Change, before: Mapping[str, Any], namespace: Mapping[str, Any]) -> bool:
    return namespace.get(change.name, before) is not before.get(change.name, before)
