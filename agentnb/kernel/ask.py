"""Asking the person: at the cell's own prompt where it has one, else by whatever brings the answer from elsewhere."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentnb.errors import Correction
from agentnb.kernel.shell import kernel_of

UNATTENDED = "nobody can be asked here: decide yourself, and say in the answer what you assumed"


async def ask_at_prompt(shell: InteractiveShell, question: str, elsewhere: asyncio.Future[str]) -> str:
    """Return the person's answer to ``question``, from the cell's prompt or from ``elsewhere``, whichever is first.

    Raises ``Correction`` where nobody can answer (a headless kernel).
    """
    prompt = _prompt(shell)
    if prompt is None:
        raise Correction(UNATTENDED)
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()

    def ask() -> None:
        # a thread of its own: the other agents go on while the person thinks
        try:
            answer = context.run(prompt, f"{question} ")
        except BaseException as error:
            loop.call_soon_threadsafe(_settle, elsewhere, error)
        else:
            loop.call_soon_threadsafe(_settle, elsewhere, answer)

    threading.Thread(target=ask, name="agentnb-prompt", daemon=True).start()
    return await elsewhere


def _prompt(shell: InteractiveShell) -> Callable[[str], str] | None:
    kernel: Any = kernel_of(shell)
    if kernel is not None:
        return kernel.raw_input if getattr(kernel, "_allow_stdin", False) else None
    return input if sys.stdin is not None and sys.stdin.isatty() else None


def _settle(answer: asyncio.Future[str], value: str | BaseException) -> None:
    if answer.done():
        return
    if isinstance(value, str):
        answer.set_result(value)
    else:
        answer.set_exception(Correction(UNATTENDED))
