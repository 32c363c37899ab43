"""The time line with matplotlib: a lane per agent, model time against code time, delegations as arrows.

Drawn on a figure of its own, without pyplot, so that the user's open figures, backend and settings stay untouched.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

from agentnb.record.document import RunRecord
from agentnb.views.lanes import Arrow, Chart, Lane, chart, colours
from agentnb.views.words import STATE_MARKS, one_line, reason

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 0.56  # of a bar, where lanes are 1 apart
_END_COLOURS = {"completed": "#2f9e5a", "failed": "#d1444b", "cancelled": "#7d838c", "blocked": "#c08a1e"}


def plot_timeline(record: RunRecord, ax: Axes | None = None) -> Figure:
    """Draw the time line of ``record``.

    ``ax`` is drawn into where it is given; else a new figure is made that pyplot does not know. Returns the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture = chart(record)
    if ax is None:
        figure = Figure(figsize=(9, 1.5 + 0.34 * max(1, len(picture.lanes))), layout="constrained")
        FigureCanvasAgg(figure)
        figure.legend(handles=_handles(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
        ax = figure.add_subplot()
    else:
        ax.legend(handles=_handles(), fontsize=8, frameon=False)
    tints = colours(record)
    for index, lane in enumerate(picture.lanes):
        _draw_lane(ax, lane, index, tints.get(lane.agent, "#7d838c"))
    for arrow in picture.arrows:
        _draw_arrow(ax, arrow)
    _dress(ax, picture, record)
    return cast("Figure", ax.figure)


def timeline_png(record: RunRecord, *, dpi: int = 110) -> bytes:
    """Give the time line of ``record`` as the bytes of a PNG file."""
    buffer = io.BytesIO()
    plot_timeline(record).savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def _draw_lane(ax: Axes, lane: Lane, index: int, colour: str) -> None:
    for kind, alpha, height in (("model", 0.38, _HEIGHT), ("code", 1.0, _HEIGHT), ("wait", 0.6, 0.08)):
        spans = [(bar.start, bar.end - bar.start) for bar in lane.bars if bar.kind == kind]
        if spans:
            ax.broken_barh(spans, (index - height / 2, height), facecolors=colour, alpha=alpha, linewidth=0)
    for at, status in lane.ends[-40:]:
        if status in _END_COLOURS:
            ax.annotate(
                STATE_MARKS[status],
                (at, index),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                color=_END_COLOURS[status],
                fontweight="bold",
                fontfamily="DejaVu Sans",
            )


def _draw_arrow(ax: Axes, arrow: Arrow) -> None:
    edge = -_HEIGHT / 2 if arrow.target > arrow.source else _HEIGHT / 2
    ax.annotate(
        "",
        (arrow.at, arrow.target + edge),
        xytext=(arrow.at, arrow.source),
        arrowprops={"arrowstyle": "-|>", "color": "#7d838c", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0},
    )


def _dress(ax: Axes, picture: Chart, record: RunRecord) -> None:
    labels = [one_line(lane.agent, 20) + (f" ({lane.number})" if lane.number > 1 else "") for lane in picture.lanes]
    ax.set_yticks(range(len(labels)), [label.replace("$", r"\$") for label in labels])
    ax.set_ylim(max(len(labels), 1) - 0.5, -0.5)
    ax.set_xlim(0, picture.end * 1.03)
    ax.set_xlabel("seconds" + (f"  ({picture.left_out} more tasks not drawn)" if picture.left_out else ""))
    ax.grid(axis="x", alpha=0.25)
    ax.set_axisbelow(True)
    ax.tick_params(left=False)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    why = reason(record)
    title = one_line(f"{record.task} ({record.status})", 90) + (f"\n{one_line(why, 110)}" if why else "")
    ax.set_title(title.replace("$", r"\$"), loc="left", fontsize=10)


def _handles() -> list[Artist]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = "#7d838c"
    return [
        Patch(color=grey, alpha=0.38, linewidth=0, label="model"),
        Patch(color=grey, linewidth=0, label="code"),
        Line2D([], [], color=grey, linewidth=1.5, label="waiting for specialists"),
    ]
