"""Records that hold an attack in every field, as a notebook's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from IPython.display import display

from agentnb.record.document import Request, RunRecord
from agentnb.views.bundle import bundle
from tests.unit.views.test_safe_html import CORPUS, everywhere


def hostile(text: str, seq: int) -> RunRecord:
    """A run that is over, with ``text`` wherever there can be one."""
    record = everywhere(text)
    about: dict[str, Any] = {"agent": text, "text": text, "code": text, "touches": [text]}
    record.requests = [
        Request(id="r1", kind="question", status="answered", answer=text, **about),
        Request(id="r2", kind="action", status="denied", answer=text, step="s", **about),
    ]
    record.seq = seq
    return record


def bundles(attacks: Sequence[str] = CORPUS) -> list[dict[str, Any]]:
    """What is displayed of each attack: the record, its static HTML, its text."""
    return [bundle(hostile(text, number))[0] for number, text in enumerate(attacks, 1)]


def show(first: int, last: int) -> None:
    """Display some of the corpus, as outputs of this session, which JupyterLab trusts."""
    for data in bundles(CORPUS[first:last]):
        display(data, raw=True)
