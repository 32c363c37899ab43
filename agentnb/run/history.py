"""What a model has been told and has said, append-only, so that the prompt's beginning and the provider's cache hold.

Only when it grows too long are the oldest steps drawn together into a few lines; system prompt and task stay.
"""

from __future__ import annotations

from dataclasses import dataclass

from agentnb.models.port import Message
from agentnb.models.prompt import alternate

CHARS_PER_TOKEN = 4
COMPACT_ABOVE = 48_000
"""Characters of steps (about 12k tokens) above which the older ones are drawn together."""
KEEP = 16_000
"""Characters of the newest steps that stay in full; the gap to the threshold makes compaction rare."""
_LINE = 160


@dataclass(frozen=True)
class Turn:
    """One step as the model knows it: what it said, what it was told, and the one line that may stand for both."""

    said: str
    told: str
    line: str
    images: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """Characters of the turn in a prompt."""
        return len(self.said) + len(self.told)


class History:
    """A conversation: the opening messages, then turns."""

    def __init__(self, system: str, opening: str) -> None:
        self._opening = [Message("system", system), Message("user", opening)]
        self._turns: list[Turn] = []
        self._summary: list[str] = []

    def add(self, turn: Turn) -> None:
        """Append a step."""
        self._turns.append(turn)
        if sum(turn.size for turn in self._turns) > COMPACT_ABOVE:
            self.compact(KEEP)

    def ask(self, text: str) -> None:
        """Append a message from the person, for instance the next task of the conversation."""
        self._turns.append(Turn("", text, f"You were asked: {text}"))

    def tell(self, text: str) -> None:
        """Append word of something that happened meanwhile."""
        self.add(Turn("", text, text))

    def compact(self, keep: int) -> bool:
        """Draw together all but the newest turns of ``keep`` characters; False where there is nothing to gain."""
        size, kept = 0, 0
        for turn in reversed(self._turns):
            if kept and size + turn.size > keep:
                break
            size, kept = size + turn.size, kept + 1
        old = self._turns[: len(self._turns) - kept]
        if not old:
            return False
        self._summary += [_short(turn.line) for turn in old]
        self._turns = self._turns[len(old) :]
        return True

    def messages(self) -> list[Message]:
        """Return the prompt."""
        messages = list(self._opening)
        if self._summary:
            lines = "\n".join(self._summary)
            messages.append(Message("user", f"Your earlier steps, drawn together:\n{lines}"))
        for turn in self._turns:
            if turn.said:
                messages.append(Message("assistant", turn.said))
            messages.append(Message("user", turn.told, turn.images))
        return alternate(messages)

    def says(self, text: str) -> bool:
        """Whether ``text`` stands in the prompt as it is."""
        said = (message.text for message in self._opening)
        return any(text in part for part in said) or any(text in turn.told or text in turn.said for turn in self._turns)

    @property
    def tokens(self) -> int:
        """An estimate of the prompt's tokens, 4 characters each."""
        return sum(len(message.text) for message in self.messages()) // CHARS_PER_TOKEN


def _short(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"
