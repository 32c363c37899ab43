"""What the tests of undo share: run code in a namespace with a checkpoint before it."""

import textwrap

from agentnb.kernel.namespace.changes import Watch
from agentnb.kernel.undo.frozen import Freezer


def act(space, code, *, freeze=True):
    """Run code in the namespace; return its delta and its changes by name."""
    code = textwrap.dedent(code)
    watch = Watch(space)
    before = watch.snapshot(code, freeze=Freezer() if freeze else None)
    try:
        exec(code, space)
    finally:
        changes = watch.compare(before)
    return before.delta, {change.name: change for change in changes}
