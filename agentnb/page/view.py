"""Views of a run as a widget, where there can be one."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from agentnb.errors import UserError
from agentnb.kernel.shell import current_shell, kernel_of
from agentnb.page.desk import Desk
from agentnb.page.hub import hub
from agentnb.record.codec import to_dict
from agentnb.record.document import RunRecord
from agentnb.record.limits import bound_record

logger = logging.getLogger("agentnb")

VIEW_TYPE = "application/vnd.jupyter.widget-view+json"
STATIC = Path(__file__).parents[1] / "static"
"""Where the build puts the widget's front end; in a source tree that was not built there is none."""


class Recorded(Protocol):
    """A run with what happened in it."""

    @property
    def id(self) -> str:
        """The run's id."""

    @property
    def record(self) -> RunRecord:
        """All that happened so far."""


def view(run: Recorded) -> Any:
    """Return a new widget that shows ``run``; the last line of a cell draws it.

    Raises ``UserError`` where no page can show one.
    """
    if kernel_of(current_shell()) is None:
        raise UserError("only a notebook can show the run; print(run.record) shows it here")
    if find_spec("anywidget") is None:
        raise UserError("the widget needs anywidget; type %pip install anywidget")
    if not (STATIC / "widget.js").exists():
        raise UserError("this copy of agentnb was not built with its page; type %pip install --force-reinstall agentnb")
    from agentnb.page.widget import RunWidget  # takes time to load

    desk = hub.find(run.id)
    return RunWidget(to_dict(bound_record(run.record)) if desk is None else desk.feed.snapshot(), desk)


def live_widget(desk: Desk) -> Any | None:
    """Return the widget for a run's own display, None where there can be none."""
    if find_spec("anywidget") is None or not (STATIC / "widget.js").exists():
        return None
    try:
        from agentnb.page.widget import RunWidget

        return RunWidget(desk.feed.snapshot(), desk)
    except Exception:  # an installation of ipywidgets that is broken or too old
        logger.warning("the run is shown without its widget", exc_info=True)
        return None


def reference(widget: Any) -> dict[str, Any]:
    """Return what stands for a widget in a display bundle."""
    return {VIEW_TYPE: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}
