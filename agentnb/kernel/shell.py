"""The IPython shell whose variables the agents work on."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

Namespace = dict[str, Any]
Shell = InteractiveShell


def current_shell() -> InteractiveShell:
    """Return the running shell; in a plain script, a headless one over the variables of ``__main__``.

    The headless shell keeps no history. It makes ``display``, magics and ``get_ipython()`` work in agents' code when a
    team runs from a script or a test.
    """
    if InteractiveShell.initialized():
        return InteractiveShell.instance()
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryAccessor.enabled = False
    return InteractiveShell.instance(config=config, user_module=sys.modules["__main__"])


def kernel_of(shell: InteractiveShell) -> Any | None:
    """Return the ipykernel behind the shell, or None in a terminal or a script."""
    return getattr(shell, "kernel", None)


def is_attended(shell: InteractiveShell) -> bool:
    """Whether the running cell comes from a page at which a person can answer, not from a program."""
    return bool(getattr(kernel_of(shell), "_allow_stdin", False))


def notebook_name(shell: InteractiveShell) -> str:
    """Return the file name of the notebook that the shell belongs to, as its front end told it when the kernel began.

    Empty where it did not (Colab, a console). A notebook that was renamed since has its former name here.
    """
    path = str(shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or "")
    return re.split(r"[/\\]", path)[-1] if path.endswith(".ipynb") else ""


class _ScopeModule(ModuleType):
    """A stand-in for ``__main__`` whose attributes are the variables of an agent's scope."""

    def __init__(self, namespace: Namespace) -> None:
        super().__init__("__main__")
        object.__setattr__(self, "_namespace", namespace)

    @property
    def __dict__(self) -> Namespace:  # type: ignore[override]  # what IPython reads as user_global_ns
        namespace: Namespace = object.__getattribute__(self, "_namespace")
        return namespace

    def __getattr__(self, name: str) -> Any:  # how pickle finds a class or function of the scope
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"module '__main__' has no attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value


@contextmanager
def user_namespace(shell: InteractiveShell, namespace: Namespace) -> Iterator[None]:
    """Make ``namespace`` what magics and ``get_ipython()`` see, for a stretch of code that does not suspend."""
    if shell.user_ns is namespace:
        yield
        return
    before = shell.user_ns, shell.user_module
    shell.user_module = scope_module(namespace)
    shell.user_ns = namespace
    try:
        yield
    finally:
        shell.user_ns, shell.user_module = before


def scope_module(namespace: Namespace) -> ModuleType:
    """Return a module object over ``namespace``."""
    return _ScopeModule(namespace)
