"""Read-only actions: an audit hook that refuses writes, the network and other programs while such an action runs.

It sees what Python itself reports (PEP 578). Code that was made to get around it can: it keeps mistakes and plain
attempts from having effects, and is no sandbox.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar, copy_context
from typing import Any

from agentnb.errors import Correction

_wanted: ContextVar[bool] = ContextVar("agentnb_read_only", default=False)
_lifted: ContextVar[bool] = ContextVar("agentnb_read_only_lifted", default=False)
_held: ContextVar[bool] = ContextVar("agentnb_read_only_held", default=False)
"""Whether a read-only action asked for this: its context goes with the work that it hands to other threads."""
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FILES = ["remove", "rename", "mkdir", "rmdir", "link", "symlink", "truncate", "chmod", "chown", "chflags", "utime"]
_PROCESSES = ["system", "exec", "fork", "forkpty", "posix_spawn", "spawn", "startfile", "startfile/2", "kill", "killpg"]
_SOCKETS = ["connect", "bind", "sendto", "sendmsg", "getaddrinfo", "gethostbyname"]
_FORBIDDEN: dict[str, str] = {
    **{f"os.{name}": "changes files" for name in [*_FILES, "setxattr", "removexattr"]},
    **{f"tempfile.{name}": "changes files" for name in ("mkstemp", "mkdtemp")},
    **{f"os.{name}": "changes settings of the process" for name in ("putenv", "unsetenv", "chdir", "fchdir")},
    **{f"os.{name}": "starts or ends programs" for name in _PROCESSES},
    **dict.fromkeys(("subprocess.Popen", "pty.spawn", "signal.pthread_kill"), "starts or ends programs"),
    **{f"socket.{name}": "uses the network" for name in _SOCKETS},
    **dict.fromkeys(("ctypes.dlopen", "ctypes.call_function"), "calls the system directly"),
    **{f"_thread.{name}": "starts threads" for name in ("start_new_thread", "start_joinable_thread")},
}
_UNREPORTED = [
    ("_posixsubprocess", "fork_exec", "subprocess.Popen"),  # what multiprocessing starts
    ("os", "mkfifo", "os.mkdir"),
    ("os", "mknod", "os.mkdir"),
]
if sys.version_info < (3, 12):
    _UNREPORTED.append(("threading", "_start_new_thread", "_thread.start_new_thread"))


class ReadOnly(Correction, PermissionError):
    """An effect that a read-only action must not have. An ``OSError``, so that libraries do without their caches."""


class _State:
    installed = False
    thread: int | None = None  # that runs a read-only action now


_state = _State()


@contextmanager
def read_only(wanted: bool) -> Iterator[None]:
    """Make the actions that are started in this block read-only, where ``wanted``."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


def is_wanted() -> bool:
    """Whether an action that is started here is to be read-only."""
    return _wanted.get()


@contextmanager
def enforced() -> Iterator[None]:
    """Refuse effects on this thread, for one segment of a read-only action."""
    if not _state.installed:
        _state.installed = True
        sys.addaudithook(_audit)  # it stays for good; outside of read-only actions it does nothing
    before, _state.thread = _state.thread, threading.get_ident()
    token = _held.set(True)
    try:
        with _unreported_told(), _pools_told():
            yield
    finally:
        _held.reset(token)
        _state.thread = before


@contextmanager
def _unreported_told() -> Iterator[None]:
    """Tell the hook of what Python itself tells it nothing of."""
    with ExitStack() as stack:
        for module, name, event in _UNREPORTED:
            if (home := sys.modules.get(module)) is not None and hasattr(home, name):
                stack.enter_context(_told(home, name, event))
        yield


@contextmanager
def _told(home: Any, name: str, event: str) -> Iterator[None]:
    function = getattr(home, name)

    def tell_and_call(*args: Any, **kwargs: Any) -> Any:
        _audit(event, ())
        return function(*args, **kwargs)

    setattr(home, name, tell_and_call)
    try:
        yield
    finally:
        setattr(home, name, function)


@contextmanager
def _pools_told() -> Iterator[None]:
    """Let work that is handed to the threads of a pool, which may be there already, be done as the action's."""
    submit = ThreadPoolExecutor.submit

    def submit_as_held(pool: ThreadPoolExecutor, work: Any, /, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == _state.thread:
            return submit(pool, copy_context().run, work, *args, **kwargs)
        return submit(pool, work, *args, **kwargs)

    ThreadPoolExecutor.submit = submit_as_held  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]


@contextmanager
def lifted() -> Iterator[None]:
    """Let a tool that the person gave do its work, whatever the action may do that calls it."""
    token = _lifted.set(True)
    try:
        yield
    finally:
        _lifted.reset(token)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _state.thread != threading.get_ident() and not _is_helper():
        return
    what = _refused(event, arguments)
    if what is not None and not _lifted.get():
        raise ReadOnly(f"this action is read-only and {what} ({event}): only look at data, or hand the work back")


def _is_helper() -> bool:
    """Whether a thread beside the main one works for a read-only action."""
    return _held.get() and threading.get_ident() != threading.main_thread().ident


def _refused(event: str, arguments: tuple[Any, ...]) -> str | None:
    if event == "open":
        return "writes files" if _opens_to_write(*arguments) else None
    if event == "sqlite3.connect":
        return None if arguments[0] == ":memory:" else "may change a database"
    return _FORBIDDEN.get(event)


def _opens_to_write(path: Any, mode: Any, flags: Any) -> bool:
    if path == os.devnull:
        return False
    by_mode = isinstance(mode, str) and not set(mode).isdisjoint("wax+")
    return by_mode or (isinstance(flags, int) and bool(flags & _WRITE_FLAGS))
