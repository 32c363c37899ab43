"""Imports of other threads that are under way at a fork: those that can be forgotten in the child, those that cannot.

A module of Python code is run again in the child from its start. A native one cannot be: what its first half set up
in the process is there, and the second half never comes.
"""

from __future__ import annotations

import importlib._bootstrap
import sys
import threading
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import Any

_bootstrap: Any = importlib._bootstrap
_MAKING = {ExtensionFileLoader.create_module.__code__, ExtensionFileLoader.exec_module.__code__}


def native_import() -> str | None:
    """Return the name of a thread that is half way through a native module, or a package with one; None without."""
    me = threading.get_ident()
    known: dict[int, Any] = threading._active  # type: ignore[attr-defined]  # enumerate() might wait
    owners = _owners()
    for ident, frame in sys._current_frames().items():
        if ident != me and (_makes_native(frame) or any(map(_has_native, owners.get(ident, ())))):
            return known[ident].name if ident in known else "a thread"
    return None


def forget_imports() -> None:
    """In the child: forget imports of threads that are no more, their locks and the modules they left half made."""
    for ident, names in _owners().items():
        if ident != threading.get_ident():
            for name in names:
                sys.modules.pop(name, None)
    _bootstrap._module_locks.clear()
    _bootstrap._blocking_on.clear()
    for name, module in list(sys.modules.items()):
        if getattr(getattr(module, "__spec__", None), "_initializing", False):
            sys.modules.pop(name, None)


def _owners() -> dict[int, list[str]]:
    """Return the names of the modules that are being imported, by thread."""
    owners: dict[int, list[str]] = {}
    for name, reference in list(_bootstrap._module_locks.items()):
        lock = reference()
        if lock is not None and lock.owner is not None:
            owners.setdefault(lock.owner, []).append(name)
    return owners


def _makes_native(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code in _MAKING:
            return True
        frame = frame.f_back
    return False


def _has_native(package: str) -> bool:
    """Whether a half-made package has native modules already: run again from its start, it would set them up twice."""
    inside = package + "."
    return any(
        name.startswith(inside) and isinstance(getattr(module, "__loader__", None), ExtensionFileLoader)
        for name, module in list(sys.modules.items())
    )
