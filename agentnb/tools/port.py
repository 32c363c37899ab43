"""What an agent can call, whatever it was made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agentnb.record.document import Approval


@dataclass(frozen=True)
class Tool:
    """A function under its name in the agent's code.

    ``call`` takes what the agent wrote and raises ``ToolError`` with advice for the model where that does not fit;
    where ``is_async`` is true it returns an awaitable. ``signature`` and ``doc`` are what the prompt shows, for
    instance ``load_prices(ticker: str) -> DataFrame``. ``timeout`` is in seconds. ``origin`` is the object it was made
    from, so that the user's own function and the tool are known to be the same. ``approve`` is ``ask`` where the person
    is to allow each call.
    """

    name: str
    call: Callable[..., Any]
    signature: str
    doc: str
    is_async: bool = False
    timeout: float = 60.0
    origin: Any = None
    approve: Approval = "auto"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the tool, so that a decorated function stays callable under its own name."""
        return self.call(*args, **kwargs)
