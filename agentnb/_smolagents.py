"""The one door to smolagents, and to litellm behind it.

Both load the working directory's ``.env`` when they are imported; in a kernel that would put a project's secrets into
``os.environ`` unasked, where every agent can read them. And litellm fetches its price map over the network.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_importing = threading.RLock()


def import_smolagents() -> ModuleType:
    """Import smolagents without side effects on the environment; cheap when it is already there."""
    return _import("smolagents")


def import_litellm() -> ModuleType:
    """Import litellm without side effects on the environment and without network.

    Raises ``ModuleNotFoundError`` where it is not installed.
    """
    with _importing, _environment("LITELLM_LOCAL_MODEL_COST_MAP", "true"):
        return _import("litellm")


def _import(name: str) -> ModuleType:
    with _importing:
        if name in sys.modules:
            return importlib.import_module(name)
        with _no_dotenv():
            return importlib.import_module(name)


@contextmanager
def _no_dotenv() -> Iterator[None]:
    """Let ``load_dotenv()`` find no file meanwhile.

    smolagents/remote_executors.py calls it at import, litellm/__init__.py too (BerriAI/litellm#4361, #12576). Both look
    the file up through ``dotenv.main.find_dotenv``; to replace that leaves no trace in the modules that import
    ``load_dotenv`` by name, and python-dotenv knows PYTHON_DOTENV_DISABLED only since 1.2.
    """
    try:
        main = importlib.import_module("dotenv.main")
    except ModuleNotFoundError:
        yield
        return
    find_dotenv = main.find_dotenv
    main.find_dotenv = lambda *args, **kwargs: ""  # type: ignore[attr-defined]
    try:
        yield
    finally:
        main.find_dotenv = find_dotenv  # type: ignore[attr-defined]


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set an environment variable meanwhile, unless the person has set it."""
    if name in os.environ:
        yield
        return
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)
