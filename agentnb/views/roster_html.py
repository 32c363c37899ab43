"""Who was on the team and what was said during the run, as HTML."""

from __future__ import annotations

from collections.abc import Mapping

from agentnb.record.document import Member, RunRecord
from agentnb.views.outputs_html import cut
from agentnb.views.safe_html import escape
from agentnb.views.words import duration, one_line


def roster_html(record: RunRecord, colours: Mapping[str, str]) -> str:
    """Draw the team as a folded table; empty where nobody is on the roster."""
    if not record.roster:
        return ""
    names = ", ".join(member.name for member in record.roster[:12])
    rows = "".join(_row(member, colours) for member in record.roster[:100])
    return (
        f'<details class="anb-part"><summary><span class="anb-label"><b>Team</b></span> '
        f'<span class="anb-say anb-facts">{escape(one_line(names, 140))}</span></summary>'
        f'<table class="anb-roster"><thead><tr><th>agent</th><th>role</th><th>model</th><th>runs in</th>'
        f"<th>tools</th><th></th></tr></thead><tbody>{rows}</tbody></table></details>"
    )


def messages_html(record: RunRecord) -> str:
    """Draw what was said as a folded list; empty where nothing was."""
    if not record.messages:
        return ""
    items = "".join(
        f'<div class="anb-note"><b>{escape(message.sender)} → {escape(message.to or "all")}</b> '
        f'<span class="anb-facts">at {duration(message.at)}</span><br>{escape(cut(message.text, 2_000))}</div>'
        for message in record.messages[-50:]
    )
    return (
        f'<details class="anb-part"><summary><span class="anb-label"><b>Said</b></span> '
        f'<span class="anb-say anb-facts">'
        f"{escape(one_line(record.messages[-1].text, 120))}</span></summary>{items}</details>"
    )


def _row(member: Member, colours: Mapping[str, str]) -> str:
    colour = colours.get(member.name, "#7d838c")
    role = member.role or ("hands out the work" if member.kind == "coordinator" else "")
    return (
        f'<tr><td><span class="anb-dot" style="background:{colour}"></span><b>{escape(member.name)}</b>'
        f"{f' of {escape(member.team)}' if member.team else ''}</td><td>{escape(one_line(role, 200))}</td>"
        f"<td>{escape(member.model)}</td><td>{escape(member.mode)}</td>"
        f"<td>{escape(', '.join(member.tools[:20]))}</td><td>{_stay(member)}</td></tr>"
    )


def _stay(member: Member) -> str:
    words = []
    if member.joined_at > 0.05:
        words.append(f"hired at {duration(member.joined_at)}")
    if member.left_at is not None:
        words.append(f"dismissed at {duration(member.left_at)}")
    return ", ".join(words)
