"""The display bundle of a run: one record, as every front end can show it."""

from __future__ import annotations

from typing import Any

from agentnb.record.codec import to_dict
from agentnb.record.document import MIME_TYPE, RunRecord
from agentnb.record.limits import bound_record
from agentnb.record.seal import KEY, seal
from agentnb.views.html import render_html
from agentnb.views.text import render_text


def bundle(record: RunRecord, *, live: bool = False, html: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the MIME bundle of ``record`` and its metadata, both valid JSON.

    While ``live`` its HTML is compact, and says how old it is; after it the metadata holds a seal of the record.
    ``html`` False leaves the HTML out, for terminals.
    """
    data: dict[str, Any] = {"text/plain": render_text(record)}
    if html:
        data["text/html"] = render_html(record, live=live)
    plain = data[MIME_TYPE] = to_dict(bound_record(record))
    return data, {} if live else {MIME_TYPE: {KEY: seal(plain)}}


def light_bundle(record: RunRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give HTML and text of a run under way, compact enough to be sent a few times a second."""
    return {"text/plain": render_text(record), "text/html": render_html(record, live=True)}, {}
