"""The error tree, by who reads the message: the person, the model, or us.

A message for the person is one sentence that ends with what to type next. A message for the model says what to do
differently in the next reply. Everything else is a fault of ours and keeps its traceback.
"""

from __future__ import annotations


class AgentnbError(Exception):
    """Root of all errors that agentnb raises on purpose."""


# --- for the person ---------------------------------------------------------------------------------------------------


class UserError(AgentnbError):
    """A mistake the person can mend; notebooks show the sentence alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # the hook by which IPython lets an exception draw itself
        return [f"\x1b[31magentnb:\x1b[0m {self}"]


class OptionError(UserError):
    """An unknown option or a value that does not fit, in a magic or on the command line."""


class ConfigError(UserError):
    """A fault in ``agentnb.toml``; the message has file, line and a suggestion."""


class ModelSetupError(UserError):
    """No model is set, or the package or key it needs is missing."""


class RecordError(UserError):
    """A record, notebook or journal that cannot be read or replayed."""


class RunNotDone(UserError):
    """Raised by a ``%%agents`` cell whose run did not end ``done``, so that "Run all" stops there."""


# --- from the model's endpoint ----------------------------------------------------------------------------------------


class ModelError(AgentnbError):
    """A model call that brought no reply to work with; the message is one sentence for the person."""


class TransientModelError(ModelError):
    """Worth another try: 429, 5xx, a cut connection, a stall.

    ``retry_after`` is the wait in seconds that the server asked for, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentModelError(ModelError):
    """Not worth another try: 401, 403, 404, a malformed request."""


class ContextOverflow(ModelError):
    """The prompt was too long for the model; the history may be trimmed once."""


# --- for the model ----------------------------------------------------------------------------------------------------


class Correction(AgentnbError):
    """Raised inside an agent's code; the message tells the model what to do differently."""


class ToolError(Correction):
    """A tool call that failed, hung or was called wrongly."""


class DelegationError(Correction):
    """A task that a specialist could not finish, or a specialist that does not exist."""
