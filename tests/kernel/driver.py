"""A real kernel for tests, driven over the Jupyter protocol as a notebook page would.

One thread, no background pump: messages are taken in whenever the driver waits, so a test reads as a script.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.kernel.cells import Cell, CellResult
from tests.kernel.stacks import prepare, stacks

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$|^AGENTNB_", re.IGNORECASE)

Message = dict[str, Any]


class KernelError(Exception):
    """What ``eval`` or ``request`` raised inside the kernel: ``name`` is the exception's class there."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


@dataclass
class Comm:
    """One comm between the test (the page's side) and the kernel; ``received`` grows whenever the driver waits."""

    kernel: Kernel
    comm_id: str
    target: str
    opened_with: dict[str, Any] = field(default_factory=dict)
    subshell: str | None = None
    received: list[dict[str, Any]] = field(default_factory=list)
    buffers: list[list[bytes]] = field(default_factory=list)
    closed: bool = False

    def send(self, data: Mapping[str, Any], *, subshell: str | None = None) -> str:
        """Send ``data`` to the kernel, by default where the comm was opened, and return the message's id."""
        content = {"comm_id": self.comm_id, "data": dict(data)}
        return self.kernel.post("comm_msg", content, subshell=subshell or self.subshell)

    def close(self) -> None:
        """Close the page's end."""
        self.kernel.post("comm_close", {"comm_id": self.comm_id, "data": {}})
        self.closed = True


class Kernel:
    """A running ipykernel of ``python``, in the folder ``cwd`` (default: one of its own, removed at the end).

    The kernel gets the environment of the tests without anything that looks like a key and without ``AGENTNB_*``,
    the repository on its path, an IPython profile of its own, and ``env`` on top (None removes a variable).
    Use it as a context manager. Everything that waits raises ``TimeoutError`` after its ``timeout`` in seconds.
    """

    def __init__(
        self,
        python: str = sys.executable,
        *,
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        timeout: float = 60,
    ) -> None:
        self.python = python
        self.comms: dict[str, Comm] = {}
        self.deaf = False  # whether what asks for input gets no answer, as from a person who is away
        self._cells: dict[str, Cell] = {}
        self._replies: dict[str, Message] = {}
        self._displays: dict[str, list[dict[str, Any]]] = {}
        self._home = Path(tempfile.mkdtemp(prefix="nb-"))  # short: a socket's path may have at most 107 characters
        self._cwd = Path(cwd) if cwd is not None else self._home
        self._env = kernel_environment(self._home, env or {})
        if sys.platform != "win32":
            prepare(self._home, Path(self._env["IPYTHONDIR"]))
        self._timeout = timeout
        self._manager = KernelManager(connection_file=str(self._home / "kernel.json"))
        if sys.platform != "win32":
            self._manager.transport = "ipc"
            self._manager.ip = str(self._home / "k")

    # --- life ---------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        spec = self._manager.kernel_spec
        assert spec is not None
        spec.argv = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        try:
            self._manager.start_kernel(env=self._env, cwd=str(self._cwd))
            self._connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> None:
        self._client: BlockingKernelClient = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=self._timeout)
        self._poller = zmq.Poller()
        self._channels = {
            channel.socket: (channel, handle)
            for channel, handle in (
                (self._client.iopub_channel, self._on_iopub),
                (self._client.shell_channel, self._on_reply),
                (self._client.control_channel, self._on_reply),
                (self._client.stdin_channel, self._on_stdin),
            )
        }
        for socket in self._channels:
            self._poller.register(socket, zmq.POLLIN)

    def close(self) -> None:
        """Kill the kernel and remove what it left on disk."""
        with suppress(AttributeError):
            self._client.stop_channels()
        if self._manager.has_kernel:
            self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The kernel's process id."""
        provisioner: Any = self._manager.provisioner
        return int(provisioner.process.pid)

    @property
    def alive(self) -> bool:
        """Whether the kernel's process runs."""
        return bool(self._manager.is_alive())

    def interrupt(self) -> None:
        """Interrupt the kernel, as the stop button of a notebook does (SIGINT)."""
        self._manager.interrupt_kernel()

    # --- cells --------------------------------------------------------------------------------------------------------

    def run(
        self, code: str, *, timeout: float | None = None, stdin: Iterable[str] = (), check: bool = False
    ) -> CellResult:
        """Run ``code`` as a cell and wait for its end; see ``send`` for ``stdin``.

        With ``check`` an error of the cell fails the test, with the kernel's traceback.
        """
        result = self.wait(self.send(code, stdin=stdin), timeout=timeout)
        if check:
            assert result.status == "ok", result.text
        return result

    def send(self, code: str, *, stdin: Iterable[str] = (), subshell: str | None = None, **options: Any) -> Cell:
        """Send ``code`` as a cell and return at once.

        ``stdin`` holds the answers to the cell's ``input()`` calls; without any, the kernel is told that nobody is
        there to answer. ``subshell`` is the id of the subshell to run on; ``options`` are further fields of the
        protocol's execute request (``silent``, ``store_history``, ``stop_on_error``, ``user_expressions``).
        """
        answers = list(stdin)
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": bool(answers),
            "stop_on_error": False,
        }
        message_id = self.post("execute_request", content | options, subshell=subshell)
        cell = Cell(code, message_id, answers, self._displays)
        self._cells[message_id] = cell
        return cell

    def wait(self, cell: Cell, *, timeout: float | None = None) -> CellResult:
        """Wait for the end of ``cell``: its reply and the kernel's idle status. Later outputs still come in."""
        self.until(lambda: cell.done, timeout=timeout, what=f"the end of the cell {cell.code[:60]!r}")
        return cell.result()

    def eval(self, expression: str, *, timeout: float | None = None) -> Any:
        """The value of ``expression`` in the kernel's namespace: any Python literal. Leaves ``In`` and ``Out`` alone.

        Raises ``KernelError`` when the expression does, ``ValueError`` when its value's repr is not a literal.
        """
        asked = {"value": f"'%r' % ((\n{expression}\n),)"}
        cell = self.send("", silent=True, store_history=False, user_expressions=asked)
        self.until(lambda: cell.done, timeout=timeout, what=f"the value of {expression!r}")
        answer = cell.reply["user_expressions"]["value"]
        if answer["status"] != "ok":
            raise KernelError(answer["ename"], answer["evalue"])
        return ast.literal_eval(ast.literal_eval(answer["data"]["text/plain"]))

    def until(
        self, condition: Callable[[], object], *, timeout: float | None = None, what: str = "the condition"
    ) -> None:
        """Take in messages until ``condition()`` is true."""
        end = time.monotonic() + (self._timeout if timeout is None else timeout)
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"waited in vain for {what}\n{stacks(self._home, self.pid)}")
            if not self.alive:
                raise KernelError("DeadKernel", f"the kernel died before {what}")
            self.pump(min(left, 0.5))

    def pump(self, timeout: float = 0) -> None:
        """Take in what has arrived; wait up to ``timeout`` seconds for the first message."""
        ready = self._poller.poll(int(timeout * 1000))
        for socket, _ in ready:
            channel, handle = self._channels[socket]
            while socket.poll(0):
                handle(channel.get_msg(timeout=0))

    # --- other messages -----------------------------------------------------------------------------------------------

    def post(
        self, kind: str, content: Mapping[str, Any], *, channel: str = "shell", subshell: str | None = None
    ) -> str:
        """Send a message of ``kind`` on ``shell`` or ``control`` and return its id."""
        message = self._client.session.msg(kind, dict(content))
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        getattr(self._client, f"{channel}_channel").send(message)
        return str(message["header"]["msg_id"])

    def request(
        self,
        kind: str,
        content: Mapping[str, Any] | None = None,
        *,
        channel: str = "shell",
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Send a request such as ``complete_request`` and return its reply's content.

        Raises ``KernelError`` when the reply's status is an error.
        """
        message_id = self.post(kind, content or {}, channel=channel)
        self.until(lambda: message_id in self._replies, timeout=timeout, what=f"the reply to {kind}")
        reply: dict[str, Any] = self._replies.pop(message_id)["content"]
        if reply.get("status") in {"error", "aborted"}:
            raise KernelError(reply.get("ename", "Error"), reply.get("evalue", str(reply)))
        return reply

    def create_subshell(self) -> str:
        """A new subshell's id (ipykernel 7 and later)."""
        return str(self.request("create_subshell_request", channel="control")["subshell_id"])

    def comm(self, target: str, data: Mapping[str, Any] | None = None, *, subshell: str | None = None) -> Comm:
        """Open a comm to ``target`` from the page's side. Those that the kernel opens are in ``comms`` by id."""
        comm = Comm(self, os.urandom(16).hex(), target, subshell=subshell)
        self.comms[comm.comm_id] = comm
        content = {"comm_id": comm.comm_id, "target_name": target, "data": dict(data or {})}
        self.post("comm_open", content, subshell=subshell)
        return comm

    # --- messages coming in -------------------------------------------------------------------------------------------

    def _on_iopub(self, message: Message) -> None:
        if message["msg_type"].startswith("comm_"):
            self._on_comm(message)
            return
        cell = self._cells.get(message["parent_header"].get("msg_id", ""))
        if cell is not None:
            cell.take(message)

    def _on_comm(self, message: Message) -> None:
        content = message["content"]
        comm_id = content["comm_id"]
        if message["msg_type"] == "comm_open":
            self.comms[comm_id] = Comm(self, comm_id, content["target_name"], content["data"])
        elif comm_id in self.comms and message["msg_type"] == "comm_msg":
            self.comms[comm_id].received.append(content["data"])
            self.comms[comm_id].buffers.append([bytes(part) for part in message.get("buffers", [])])
        elif comm_id in self.comms:
            self.comms[comm_id].closed = True

    def _on_reply(self, message: Message) -> None:
        message_id = message["parent_header"].get("msg_id", "")
        cell = self._cells.get(message_id)
        if cell is not None:
            cell.reply = message["content"]
        else:
            self._replies[message_id] = message

    def _on_stdin(self, message: Message) -> None:
        if self.deaf:
            return
        cell = self._cells[message["parent_header"]["msg_id"]]
        self._client.input(cell.answer(message["content"]["prompt"]))


def kernel_environment(home: Path, extra: Mapping[str, str | None]) -> dict[str, str]:
    """The environment for a kernel under test, see ``Kernel``; ``home`` takes its IPython profile."""
    kept = {name: value for name, value in os.environ.items() if not SECRET_NAME.search(name)}
    path = [str(REPOSITORY), *filter(None, [kept.get("PYTHONPATH")])]
    own = {"PYTHONPATH": os.pathsep.join(path), "IPYTHONDIR": str(home / "ipython")}
    merged: dict[str, str | None] = {**kept, **own, **extra}
    return {name: value for name, value in merged.items() if value is not None}
