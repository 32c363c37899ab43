"""The time line as a small SVG for the static HTML: text as text, the same bytes for the same record.

It is shown through ``<img>``, where it cannot see the page's theme: colours are mid-tones that read on light and dark.
"""

from __future__ import annotations

import base64

from agentnb.record.document import RunRecord
from agentnb.views.lanes import Bar, Chart, Lane, chart, colours, ticks
from agentnb.views.safe_html import escape
from agentnb.views.words import STATE_MARKS, duration, one_line

WIDTH = 840
_LEFT, _RIGHT, _TOP, _ROW, _BAR = 128, 30, 8, 26, 13
_GREY = "#7d838c"
_BAD, _GOOD, _WARN = "#d1444b", "#2f9e5a", "#c08a1e"
_END_COLOURS = {"completed": _GOOD, "failed": _BAD, "cancelled": _GREY, "blocked": _WARN}


def timeline_svg(record: RunRecord) -> str:
    """Draw ``record``'s time line; empty where no task has started."""
    picture = chart(record)
    if not picture.lanes or not any(lane.bars for lane in picture.lanes):
        return ""
    tints = colours(record)
    height = _TOP + _ROW * len(picture.lanes) + 42
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif" font-size="11.5" fill="{_GREY}">',
        *_axis(picture, height),
    ]
    for index, lane in enumerate(picture.lanes):
        parts.extend(_lane(lane, index, tints.get(lane.agent, _GREY), picture.end))
    parts.extend(_arrow(arrow.at, arrow.source, arrow.target, picture.end) for arrow in picture.arrows)
    parts.extend(_legend(height, picture))
    return "".join([*parts, "</svg>"])


def data_uri(svg: str) -> str:
    """Give an ``<img src>`` that holds ``svg``."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _x(at: float, end: float) -> float:
    return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * min(at, end) / end, 1)


def _axis(picture: Chart, height: int) -> list[str]:
    bottom = height - 34
    parts = []
    for tick in ticks(picture.end):
        x = _x(tick, picture.end)
        parts.append(f'<path d="M{x} {_TOP}V{bottom}" stroke="{_GREY}" stroke-opacity=".22"/>')
        label = "0" if tick == 0 else duration(tick).replace(".0 s", " s")
        parts.append(f'<text x="{x}" y="{bottom + 13}" text-anchor="middle" font-size="10.5">{label}</text>')
    return parts


def _lane(lane: Lane, index: int, colour: str, end: float) -> list[str]:
    top = _TOP + _ROW * index + (_ROW - _BAR) / 2
    name = one_line(lane.agent, 15) + (f" ·{lane.number}" if lane.number > 1 else "")
    parts = [
        f'<text x="{_LEFT - 12}" y="{top + _BAR - 2.5}" text-anchor="end" fill="{colour}" font-weight="600">'
        f"{escape(name)}</text>"
    ]
    parts.extend(_rect(bar, top, colour, end) for bar in lane.bars)
    for at, status in lane.ends[-40:]:
        if status in _END_COLOURS:
            parts.append(
                f'<text x="{_x(at, end) + 3}" y="{top + _BAR - 2}" fill="{_END_COLOURS[status]}" font-weight="700" '
                f'font-size="12">{STATE_MARKS[status]}</text>'
            )
    return parts


def _rect(bar: Bar, top: float, colour: str, end: float) -> str:
    x = _x(bar.start, end)
    width = max(round(_x(bar.end, end) - x, 1), 1.2)
    if bar.kind == "wait":
        return f'<rect x="{x}" y="{top + _BAR / 2 - 1}" width="{width}" height="2" fill="{colour}" fill-opacity=".6"/>'
    opacity = "" if bar.kind == "code" else ' fill-opacity=".38"'
    return f'<rect x="{x}" y="{top}" width="{width}" height="{_BAR}" rx="2" fill="{colour}"{opacity}/>'


def _arrow(at: float, source: int, target: int, end: float) -> str:
    x = _x(at, end)
    down = target > source
    start = _TOP + _ROW * source + _ROW / 2
    stop = _TOP + _ROW * target + _ROW / 2 + (-_BAR / 2 - 1 if down else _BAR / 2 + 1)
    tip = -5 if down else 5
    return (
        f'<path d="M{x} {start}V{stop + tip}" fill="none" stroke="{_GREY}" stroke-width="1.1"/>'
        f'<path d="M{x - 3.2} {stop + tip}h6.4L{x} {stop}z"/>'
    )


def _legend(height: int, picture: Chart) -> list[str]:
    y = height - 7
    parts = [f'<rect x="{_LEFT}" y="{y - 8}" width="16" height="9" rx="2" fill-opacity=".38"/>']
    parts.append(f'<text x="{_LEFT + 21}" y="{y}" font-size="10.5">model</text>')
    parts.append(f'<rect x="{_LEFT + 70}" y="{y - 8}" width="16" height="9" rx="2"/>')
    parts.append(f'<text x="{_LEFT + 91}" y="{y}" font-size="10.5">code</text>')
    parts.append(f'<rect x="{_LEFT + 133}" y="{y - 4.5}" width="16" height="2"/>')
    parts.append(f'<text x="{_LEFT + 154}" y="{y}" font-size="10.5">waiting for specialists</text>')
    if picture.left_out:
        parts.append(
            f'<text x="{WIDTH - _RIGHT}" y="{y}" text-anchor="end" font-size="10.5">'
            f"{picture.left_out} more tasks not drawn</text>"
        )
    return parts
