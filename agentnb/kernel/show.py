"""A display in the user's cell that can be brought up to date while the run goes on."""

from __future__ import annotations

import contextvars
import uuid
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentnb.kernel.action.capture import Publisher
from agentnb.kernel.shell import kernel_of


class CellDisplay:
    """One output of the cell that made it. Made on the event loop, outside of any agent's stage."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell, self._publisher = shell, shell.display_pub  # while an agent's code runs, the shell has another one
        self._id = uuid.uuid4().hex
        self._shown = False
        # the context holds which cell the output belongs to
        self._context = contextvars.copy_context()

    @property
    def updates(self) -> bool:
        """Whether a display can be changed once it is shown: in Jupyter, not in a terminal."""
        return kernel_of(self._shell) is not None

    def show(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Show the bundle, in the place of what this display showed before."""
        self._context.copy().run(self._publish, data, metadata)

    def _publish(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        current = self._shell.display_pub
        publisher = self._publisher if isinstance(current, Publisher) else current
        publisher.publish(data, metadata, transient={"display_id": self._id}, update=self._shown and self.updates)
        self._shown = True
