"""Forks beside threads that compute, import, log, draw numbers and allocate: run in a kernel, which imports this."""

from __future__ import annotations

import collections
import faulthandler
import importlib
import io
import json
import logging
import os
import select
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from agentnb.kernel.fork import Child, Connection, ForkRefused, fork

logger = logging.getLogger("stress")
stop = threading.Event()


def allocate() -> None:
    while not stop.is_set():
        [bytes(i * 37 % 5000) for i in range(2000)]
        {str(i): i for i in range(500)}


def log() -> None:
    while not stop.is_set():
        logger.info("hello %s", "x" * 50)


def imports() -> None:
    while not stop.is_set():
        for name in ("colorsys", "wave", "plistlib"):
            sys.modules.pop(name, None)
            importlib.import_module(name)


def multiply() -> None:
    a = np.random.rand(200, 200)
    while not stop.is_set():
        a @ a
        time.sleep(0.005)


def draw() -> None:
    while not stop.is_set():
        np.random.rand(1000)


def encode() -> None:
    while not stop.is_set():
        json.loads(json.dumps({"a": list(range(100))}))


def serve(connection: Connection) -> None:
    """Do in the child what the threads were at; where it hangs it says where, and ends."""
    faulthandler.dump_traceback_later(20, exit=True, file=2)  # not the stream of the kernel
    importlib.import_module("plistlib")
    importlib.import_module("xmlrpc.client")
    logger.info("child")
    a = np.random.rand(200, 200)
    connection.send(b"right" if float((a @ a).sum()) > 0 else b"wrong")


def stress(count: int) -> dict[str, Any]:
    """Fork ``count`` times; return how often what came, how the wrong ones died, and what is left of them."""
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    logger.setLevel(logging.INFO)
    at_work = (allocate, log, imports, multiply, draw, draw, encode)
    threads = [threading.Thread(target=work, daemon=True) for work in at_work]
    descriptors = _descriptors()
    began = time.monotonic()
    for thread in threads:
        thread.start()
    came = collections.Counter(right=0, wrong=0, refused=0)
    deaths: list[str] = []
    for number in range(count):
        try:
            child = fork(serve, label=str(number), patience=2)
        except ForkRefused:
            came["refused"] += 1
            continue
        death = _death_of(child)
        came["right" if death is None else "wrong"] += 1
        deaths += [] if death is None else [f"{number}: {death}"]
        child.kill()
    took = time.monotonic() - began
    stop.set()
    for thread in threads:
        thread.join()
    return {**came, "deaths": deaths, "seconds": took, **_left(descriptors)}


def _death_of(child: Child) -> str | None:
    """Return None where it answered right, else how it ended, or that it hangs."""
    if not select.select([child.connection], [], [], 40)[0]:
        return f"hangs at its birth: {Path(f'/proc/{child.pid}/syscall').read_text()}"
    try:
        return None if child.connection.receive().data == b"right" else "answered wrong"
    except EOFError:
        return f"{child.wait(1)}: {os.pread(child.raw, 20_000, 0).decode(errors='replace')}"


def branches(count: int) -> dict[str, Any]:
    """Fork ``count`` times in rounds of ten that live at once, as the specialists of a team do; return what is left."""
    descriptors = _descriptors()
    answered = most = 0
    for _ in range(0, count, 10):
        children = [fork(lambda connection: connection.send(connection.receive().data), patience=5) for _ in range(10)]
        for child in children:
            child.connection.send(b"x" * 100_000)
            answered += child.connection.receive().data == b"x" * 100_000
        for child in children:
            child.kill()
        most = max(most, _descriptors())
    return {"answered": answered, "most": most - descriptors, **_left(descriptors)}


def _left(descriptors: int) -> dict[str, Any]:
    for _ in range(500):
        children = [child for task in os.listdir("/proc/self/task") for child in _children(task)]
        if not children and _descriptors() <= descriptors:
            break
        time.sleep(0.01)
    return {"children": children, "descriptors": _descriptors() - descriptors}


def _children(task: str) -> list[str]:
    with suppress(FileNotFoundError), open(f"/proc/self/task/{task}/children") as children:
        return children.read().split()
    return []


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
