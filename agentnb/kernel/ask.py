"""A line from the person at the cell's own prompt; listening can be given up when the answer comes from elsewhere."""

from __future__ import annotations

import asyncio
import contextvars
import select
import sys
import threading
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentnb.kernel.shell import is_attended, kernel_of

_POLL = 0.02
"""Seconds between two looks at whether the prompt is given up."""
_one_at_a_time = threading.Lock()


def can_prompt(shell: InteractiveShell) -> bool:
    """Whether somebody sits at a prompt of the current cell. Not so in a headless kernel, or off a terminal."""
    if kernel_of(shell) is not None:
        return is_attended(shell)
    return sys.stdin is not None and sys.stdin.isatty()


async def read_line(shell: InteractiveShell, prompt: str) -> str:
    """Return the line that the person types at the prompt of the cell that this is called from.

    Other work goes on meanwhile. Cancelling it stops listening: what is typed later at this prompt counts for nothing.
    Raises ``EOFError`` where the person closes the prompt.
    """
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    stop, line = threading.Event(), loop.create_future()
    kernel, stream = kernel_of(shell), sys.stdout  # an agent's action may have another one in its place later

    def read() -> None:
        with _one_at_a_time:
            try:
                text = _at_kernel(kernel, prompt, stop) if kernel is not None else _at_terminal(stream, prompt, stop)
            except BaseException as error:
                _tell(loop, line, line.set_exception, error)
            else:
                _tell(loop, line, line.set_result, text)

    # a thread of its own, in the cell's context: the kernel finds by it the page to ask
    threading.Thread(target=context.run, args=(read,), name="agentnb-prompt", daemon=True).start()
    try:
        text: str = await line
        return text
    finally:
        stop.set()


def _tell(loop: asyncio.AbstractEventLoop, line: asyncio.Future[str], settle: Callable[[Any], None], how: Any) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: None if line.done() else settle(how))


def _at_kernel(kernel: Any, prompt: str, stop: threading.Event) -> str:
    """As the kernel's own ``raw_input``, but it can be given up, and a reply to a former prompt is not taken."""
    session, socket = kernel.session, kernel.stdin_socket
    while socket.poll(0):
        socket.recv_multipart()
    content = {"prompt": prompt, "password": False}
    sent = session.send(socket, "input_request", content, kernel.get_parent("shell"), ident=_asking_page(kernel))
    while not stop.is_set():
        if not socket.poll(_POLL * 1000):
            continue
        _, reply = session.recv(socket)
        if reply is None or (reply.get("parent_header") or {}).get("msg_id", sent["msg_id"]) != sent["msg_id"]:
            continue
        text = str(reply["content"].get("value", ""))
        if text == "\x04":
            raise EOFError
        return text
    raise EOFError


def _asking_page(kernel: Any) -> Any:
    """Return the address of the page whose cell is running."""
    if hasattr(kernel, "_shell_parent_ident"):  # ipykernel 7
        return kernel._get_shell_context_var(kernel._shell_parent_ident)
    return kernel._parent_ident["shell"]


def _at_terminal(stream: Any, prompt: str, stop: threading.Event) -> str:
    if sys.platform == "win32":  # select works on sockets only
        return input(prompt)
    print(prompt, end="", file=stream, flush=True)
    while not stop.is_set():
        if select.select([sys.stdin], [], [], _POLL)[0]:
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            return line.rstrip("\n")
    raise EOFError
