"""Redaction of text that comes in pieces."""

from __future__ import annotations

import re

from agentnb.record.redact import Redactor

_LONGEST_RUN = 4096  # characters without a space that are held back at most
_LONGEST_BLOCK = 20_000  # of a private key
_RUN = re.compile(r"[!-~]+\Z")  # printable ASCII: what keys are made of
# An announced credential may still follow its last space.
_ANNOUNCED = re.compile(r"(?:earer|uthorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:Basic)?)\s{0,4}\Z")
_BLOCK_BEGIN = "-----BEGIN "
_BLOCK_END = re.compile(r"-----END [^-]{0,60}-----")


class StreamRedactor:
    """Redacts a stream, also where a secret lies across two pieces: what may be the start of one is held back.

    ``feed`` returns what is safe to show, ``flush`` the rest; together they return what ``Redactor.redact`` makes of
    the whole (keys of more than 4,096 characters aside). Held back is a word at most, in ordinary text.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece and return the redacted text that is now sure."""
        self._held += text
        sure = self._sure()
        ready, self._held = self._held[:sure], self._held[sure:]
        return self._redactor.redact(ready) if ready else ""

    def flush(self) -> str:
        """Return what was held back, redacted; for the end of the stream."""
        ready, self._held = self._held, ""
        return self._redactor.redact(ready)

    def _sure(self) -> int:
        """Return how many characters of the text held no later piece can make part of a secret."""
        held = self._held
        run = _RUN.search(held, max(0, len(held) - _LONGEST_RUN))
        sure = run.start() if run else len(held)
        announced = _ANNOUNCED.search(held[max(0, sure - 40) : sure])
        if announced:
            sure = max(0, sure - 40) + announced.start()
        return self._outside(min(sure, self._block(sure), *self._begun()))

    def _block(self, sure: int) -> int:
        """Return where a private key begins that has no end yet, or whose end lies beyond ``sure``."""
        begin = self._held.rfind(_BLOCK_BEGIN)
        if begin < 0 or len(self._held) - begin > _LONGEST_BLOCK:
            return len(self._held)
        end = _BLOCK_END.search(self._held, begin)
        return begin if end is None or end.end() > sure else len(self._held)

    def _outside(self, sure: int) -> int:
        """Move ``sure`` to the front of the whole secrets that it lies inside of."""
        for _ in range(10):  # secrets may overlap, a few at most
            starts = [
                self._held.find(literal, max(0, sure - len(literal) + 1), sure + len(literal) - 1)
                for literal in self._redactor.spaced
            ]
            inside = [start for start in starts if 0 <= start < sure]
            if not inside:
                break
            sure = min(inside)
        return sure

    def _begun(self) -> list[int]:
        """Return where secrets may begin that have spaces or other letters in them, so that no run of ASCII is one."""
        held = self._held
        starts = [len(held)]
        for literal in self._redactor.spaced:
            for size in range(min(len(literal) - 1, len(held)), 0, -1):
                if held.endswith(literal[:size]):
                    starts.append(len(held) - size)
                    break
        return starts
