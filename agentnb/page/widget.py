"""A run as a widget, for VS Code, Colab and every page that has no extension of agentnb's.

Events and commands travel as custom messages. The trait ``snapshot`` is refreshed each time the record has grown by
half, and at the end: so a page that never gets an answer through still sees the run, at a cost that stays linear.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from agentnb.page.comms import tame
from agentnb.page.desk import Desk
from agentnb.page.port import Message
from agentnb.page.view import STATIC
from agentnb.record.limits import GROWTH


class RunWidget(anywidget.AnyWidget):
    """Shows one run, live as long as it goes on and ``desk`` is there to tell of it."""

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"
    snapshot = traitlets.Dict().tag(sync=True)

    def __init__(self, snapshot: dict[str, Any], desk: Desk | None = None) -> None:
        super().__init__(snapshot=snapshot)
        tame(self.comm)
        self._desk = desk
        if desk is not None:
            self._told = desk.feed.weight
            self._leave: Callable[[], None] | None = None
            self.on_msg(self._on_message)
            self._subscription = desk.feed.subscribe(self._take)

    def _on_message(self, _: Any, content: Any, buffers: Any) -> None:
        if self._desk is not None and isinstance(content, dict) and content.get("kind") == "command":
            self._leave = self._leave or self._desk.attend()  # the first sign of a page that draws the widget
            self._desk.take(content, self.send, self._subscription)

    def _take(self, message: Message) -> None:
        """Pass a message on. Called on the publisher's thread, which alone changes the trait."""
        if message["kind"] != "snapshot" or message["record"]["seq"] != self.snapshot["seq"]:
            self.send(message)
        assert self._desk is not None
        feed = self._desk.feed
        if feed.is_final or feed.weight >= GROWTH * self._told:
            self._told = feed.weight
            self.snapshot = feed.snapshot()

    def finish(self) -> None:
        """Show the run as it stands and close: something else shows it from now on."""
        if self._desk is not None:
            self.snapshot = self._desk.feed.snapshot()
        self.close()

    def close(self) -> None:
        """Take the widget off all pages."""
        if self._desk is not None:
            self._subscription.close()
            if self._leave is not None:
                self._leave()
        super().close()
