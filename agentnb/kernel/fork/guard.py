"""Looks at the process before a fork: where it is not safe, there is none, and the person is told why."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from agentnb.kernel.fork.imports import native_import
from agentnb.kernel.fork.threads import busy_thread, learn_mappings, native_names

_POLARS = re.compile(r"polars-\d")
_GPU_DEVICES = ("/dev/nvidia", "/dev/kfd")


def why_not() -> str | None:
    """Return why this process cannot be forked safely, in one sentence without its full stop; None where it can.

    The first reasons hold for good, the last (a thread that computes) may be gone in a moment.
    """
    learn_mappings()
    return never() or not_now(at_rest=True)


def never() -> str | None:
    """Return a reason that does not pass while the process lives."""
    return next((reason for look in _LOOKS if (reason := look())), None)


def not_now(*, at_rest: bool) -> str | None:
    """Return a reason that may pass: what the other threads do in this moment, see ``threads.busy_thread``."""
    if _pools_lock_is_held():
        return "a thread is starting work in a pool of threads right now"
    if (busy := busy_thread(at_rest=at_rest)) is not None:
        return f"the thread {busy} may be inside native code, which does not survive a fork"
    return importing()


def importing() -> str | None:
    """Return that another thread imports native code, which comes to its end only while that thread runs."""
    thread = native_import()
    return None if thread is None else f"the thread {thread} is half way through the import of a native library"


def _platform() -> str | None:
    if sys.platform != "linux" or not hasattr(os, "fork"):
        return "branches need Linux"
    return (
        None if getattr(sys, "_is_gil_enabled", lambda: True)() else "this Python runs without the interpreter's lock"
    )


def _polars() -> str | None:
    if "polars" in sys.modules and any(map(_POLARS.match, native_names())):
        return "polars has started its threads here, and they do not survive a fork"
    return None


def _gpu() -> str | None:
    with suppress(OSError):
        for fd in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{fd}").startswith(_GPU_DEVICES):
                    return "this process uses a GPU, and its context does not survive a fork"
    return None


def _numba() -> str | None:
    if "numba.np.ufunc.parallel" not in sys.modules:
        return None
    parallel: Any = importlib.import_module("numba.np.ufunc.parallel")
    try:
        layer = parallel.threading_layer()
    except ValueError:  # no parallel code has run
        return None
    if layer == "workqueue":
        return None
    return (
        f"numba runs its parallel code with {layer} here, which does not survive a fork; set "
        "numba.config.THREADING_LAYER = 'workqueue' before its first use"
    )


def _pools_lock_is_held() -> bool:
    """The fork would wait for it, and let the other threads go on meanwhile."""
    pools: Any = sys.modules.get("concurrent.futures.thread")
    return pools is not None and bool(pools._global_shutdown_lock.locked())


_LOOKS: tuple[Callable[[], str | None], ...] = (_platform, _polars, _gpu, _numba)
