"""The requests of a run at the prompt of the cell that waits for it, one after the other."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from agentnb.errors import UserError
from agentnb.kernel.ask import can_prompt, read_line
from agentnb.kernel.shell import Shell, kernel_of
from agentnb.record.document import Request
from agentnb.run.approvals.plan import plan_line
from agentnb.run.approvals.requests import Answer, Requests
from agentnb.views.changes import change_lines

Ask = Callable[[str], Awaitable[str]]
Check = Callable[[str], None]
"""Raises ``UserError`` where edited code cannot be allowed."""

_YES = frozenset({"y", "yes"})
_NO = frozenset({"n", "no"})
_END = "."
PAGE_COMES = 2.0
"""Seconds from the start of a cell in which its page may still be on its way to the run."""


@asynccontextmanager
async def prompting(shell: Shell, requests: Requests) -> AsyncIterator[None]:
    """Put open requests to the person at the prompt of the current cell, where it has one, until the end of the block.

    Where a view with buttons is there, that one asks: JupyterLab lets no other cell run until a prompt is answered,
    also where the answer came from elsewhere.
    """
    if not can_prompt(shell):
        yield
        return
    page_comes = PAGE_COMES if kernel_of(shell) is not None else 0.0
    task = asyncio.create_task(_serve(requests, lambda prompt: read_line(shell, prompt), page_comes))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _serve(requests: Requests, ask: Ask, page_comes: float) -> None:
    clock = asyncio.get_running_loop().time
    page_comes += clock()
    while True:
        await requests.opened()
        await requests.seen(page_comes - clock())
        request = (await requests.opened())[0]
        over = asyncio.create_task(requests.ended(request.id))
        check = functools.partial(requests.check_edit, request.id)
        talk = None if requests.viewed else asyncio.create_task(converse(request, ask, check))
        try:
            await asyncio.wait({over, talk} if talk is not None else {over}, return_when=asyncio.FIRST_COMPLETED)
            if talk is not None and talk.done():
                requests.answer(request.id, talk.result())  # where it is over already, this one does not count
        finally:
            over.cancel()
            if talk is not None:
                talk.cancel()


async def converse(request: Request, ask: Ask, check: Check) -> Answer:
    """Ask the person about one request until the answer is clear. A closed prompt is a no."""
    try:
        if request.kind == "question":
            return Answer("answered", await ask(f"{request.text} "), by="user")
        prompt = f"{describe(request)}\n{_choices(request)} "
        while True:
            said = (await ask(prompt)).strip()
            prompt = f"{_choices(request)} "
            try:
                answer = await _decision(request, said, ask, check)
            except UserError as error:
                prompt = f"{error}\n{prompt}"
            else:
                if answer is not None:
                    return answer
    except EOFError:
        return Answer("denied", by="user")


async def _decision(request: Request, said: str, ask: Ask, check: Check) -> Answer | None:
    word, _, rest = said.partition(" ")
    word = word.rstrip(":,.").lower()
    if word in _YES and not rest:
        return Answer("allowed", by="user")
    if said.lower() in ("a", "all") and request.kind == "action":
        return Answer("allowed", for_run=True, by="user")
    if said.lower() in ("e", "edit") and request.kind == "action":
        code = await _written(ask)
        if not code.strip():
            return None
        check(code)
        return Answer("allowed", code=code, by="user")
    if word in _NO:
        return Answer("denied", rest.strip(), by="user")
    return None


async def _written(ask: Ask) -> str:
    lines: list[str] = []
    prompt = f"write the code; a line with a single {_END} ends it:\n"
    while (line := await ask(prompt)) != _END:
        lines.append(line)
        prompt = ""
    return "\n".join(lines)


def _choices(request: Request) -> str:
    if request.kind == "action":
        return "allow it? y: yes, a: yes, and all like it in this run, e: edit the code, n REASON: no"
    return "allow it? y: yes, n REASON: no"


def describe(request: Request) -> str:
    """Return what is asked for, in lines for a plain prompt."""
    parts = [request.text]
    if request.code:
        parts += [f"    {line}" for line in request.code.splitlines()]
    parts += [f"  {number}. {plan_line(item)}" for number, item in enumerate(request.plan, 1)]
    if request.touches:
        parts.append(f"touches: {', '.join(request.touches)}")
    parts += [f"    {line}" for change in request.changes for line in change_lines(change)]
    return "\n".join(parts)
