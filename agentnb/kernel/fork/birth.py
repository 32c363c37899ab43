"""What a fork does before anything else, so that the kernel is untouched by it and its libraries work."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from agentnb.kernel.fork import isolate
from agentnb.kernel.fork.imports import forget_imports
from agentnb.kernel.fork.seeds import Seeds


def be_born(parent: int, keep: Collection[int], seeds: Seeds) -> None:
    """Make this process one of its own: signals, descriptors, memory, locks, pools, random numbers."""
    os.setpgid(0, 0)  # what interrupts the kernel's group does not reach it
    isolate.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it died before that held
        os._exit(1)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    gc.freeze()  # a collection would touch, and so copy, all that is shared with the parent
    _reset_signals()
    isolate.detach_descriptors(keep)
    isolate.detach_memory()
    _become_main_thread()
    forget_imports()
    _reset_processes()
    _renew_pools()
    seeds.sow()


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)


def _become_main_thread() -> None:
    thread: Any = threading.current_thread()
    thread.name = "MainThread"
    thread._daemonic = False


def _reset_processes() -> None:
    """Forget the parent's child processes and the services that it talks to."""
    active: Any = getattr(subprocess, "_active", None)
    if active:
        active.clear()
    if (processes := sys.modules.get("multiprocessing.process")) is not None:
        vars(processes)["_children"].clear()
    if (util := sys.modules.get("multiprocessing.util")) is not None:
        vars(util)["_finalizer_registry"].clear()
        with suppress(Exception):  # hooks of libraries, meant for exactly this moment
            vars(util)["_run_after_forkers"]()
    _renew("multiprocessing.resource_tracker", "_resource_tracker", "ResourceTracker")
    _renew("multiprocessing.forkserver", "_forkserver", "ForkServer")


def _renew(module: str, name: str, cls: str) -> None:
    found: Any = sys.modules.get(module)
    if found is None:
        return
    fresh = getattr(found, cls)()
    old = getattr(found, name)
    old.__dict__.clear()  # the module's functions are bound to this very object
    old.__dict__.update(fresh.__dict__)


def _renew_pools() -> None:
    """Give pools whose threads or processes are not here new ones: joblib's, and each ``ThreadPoolExecutor``."""
    loky: Any = sys.modules.get("joblib.externals.loky.reusable_executor")
    if loky is not None:
        loky._executor = None
    pools: Any = sys.modules.get("concurrent.futures.thread")
    if pools is None:
        return
    for thread in list(pools._threads_queues):
        arguments = getattr(thread, "_args", None)
        executor: Any = arguments[0]() if arguments and callable(arguments[0]) else None
        if isinstance(executor, pools.ThreadPoolExecutor):
            executor._threads = set()
            executor._work_queue = type(executor._work_queue)()
            executor._idle_semaphore = threading.Semaphore(0)
            executor._shutdown_lock = threading.Lock()
    pools._threads_queues.clear()
