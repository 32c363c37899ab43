"""What agentnb logs, without secrets."""

from __future__ import annotations

import logging

from agentnb.record.redact import Redactor

_formatter = logging.Formatter()


class RedactedLog(logging.Filter):
    """Takes the secrets out of messages and tracebacks before any handler sees them."""

    def __init__(self) -> None:
        super().__init__()
        self._redactors: list[Redactor] = []

    def knows(self, redactor: Redactor) -> None:
        """Use this redactor from now on; the last few are used."""
        self._redactors = [*self._redactors[-3:], redactor]

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; it is always let through."""
        record.msg, record.args = self._redacted(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = self._redacted(_formatter.formatException(record.exc_info))
            record.exc_info = None
        return True

    def _redacted(self, text: str) -> str:
        for redactor in self._redactors or [Redactor()]:
            text = redactor.redact(text)
        return text


redacted_log = RedactedLog()
logging.getLogger("agentnb").addFilter(redacted_log)
