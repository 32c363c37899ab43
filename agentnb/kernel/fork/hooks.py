"""What libraries have run before each fork: where that waits, it is done before the process is looked at.

A wait within the fork gives the interpreter's lock away after the look, so another thread may be inside native code by
the time of the fork; and where it waits for a thread that imports, for the lock that the fork holds, it never ends.
"""

from __future__ import annotations

import sys
from typing import Any


def settle() -> None:
    """Let IPython end the thread that saves the history, as it does before a fork; it begins a new one later.

    Of the hooks of Python's and of the usual libraries this is the only one that waits.
    """
    history: Any = sys.modules.get("IPython.core.history")
    stop = getattr(getattr(history, "HistoryManager", None), "_stop_thread", None)
    if stop is not None:  # an older IPython has no such hook
        stop()
