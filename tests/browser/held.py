"""A model whose reply stands still in the middle until it is let go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentnb.testing import ScriptedModel


class HeldModel(ScriptedModel):
    """Streams ``first``, then waits for the file ``held`` in the current folder, then streams ``rest``."""

    def __init__(self, first: str, rest: str) -> None:
        super().__init__(lambda messages: first + rest)
        self._first = first

    def generate_stream(self, messages: list[Any], *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Yield the reply in pieces, with the wait between two of them."""
        length = 0
        for delta in super().generate_stream(messages, *args, **kwargs):
            while length >= len(self._first) and not Path("held").exists():
                time.sleep(0.01)
            length += len(delta.content)
            yield delta
