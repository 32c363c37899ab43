"""Going on after a crash: the recorded replies of a task first, then a model."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence

from agentnb.models.port import Chat, Message, Reply, Retry
from agentnb.models.recorded import reply_of
from agentnb.record.document import Step


class ResumedChat:
    """``Chat`` that plays the replies of recorded steps, then asks ``live``.

    A recorded reply has the tokens and the cost that it had, but counts as no call.

    ``playing`` tells whether the last reply came from the recording, ``over`` whether the next one does not.
    """

    def __init__(self, steps: Sequence[Step], live: Chat) -> None:
        self._left, self._live = deque(steps), live
        self.model_id = live.model_id
        self.price = None if steps else live.price  # a recorded reply costs nothing again
        self.playing = True

    @property
    def over(self) -> bool:
        """Whether all recorded replies are played."""
        return not self._left

    async def ask(
        self, messages: Sequence[Message], *, on_text: Callable[[str], None], on_retry: Callable[[Retry], None]
    ) -> Reply:
        """Return the next recorded reply, else the model's. Raises what the model's conversation raises."""
        self.playing = bool(self._left)
        if not self._left:
            return await self._live.ask(messages, on_text=on_text, on_retry=on_retry)
        step = self._left.popleft()
        if not self._left:
            self.price = self._live.price
        text = reply_of(step)
        on_text(text)
        usage = copy.copy(step.usage)
        usage.calls = 0
        return Reply(text, usage)
