"""What waited for the person, and what came of it, as HTML."""

from __future__ import annotations

from agentnb.record.document import Change, PlanItem, Request, RunRecord
from agentnb.views.outputs_html import Limits, cut
from agentnb.views.safe_html import code, escape, markdown
from agentnb.views.words import STATE_MARKS, answered, asked, change, count, duration, one_line, plural

_SHOWN = 100


def requests_html(record: RunRecord, limits: Limits) -> str:
    """Draw the requests: open ones unfolded, the others in a folded list; empty where there were none."""
    waiting = [request for request in record.requests if request.status == "open"]
    over = [request for request in record.requests if request.status != "open"]
    parts = []
    if waiting:
        drawn = "".join(_request(request, limits, unfolded=True) for request in waiting[:_SHOWN])
        parts.append(f'<div class="anb-part anb-paused"><div class="anb-label"><b>Waits for you</b></div>{drawn}</div>')
    if over:
        drawn = "".join(_request(request, limits, unfolded=False) for request in over[-_SHOWN:])
        left = f'<p class="anb-left">{len(over) - _SHOWN:,} earlier ones</p>' if len(over) > _SHOWN else ""
        parts.append(
            f'<details class="anb-part"><summary><span class="anb-label"><b>Asked</b></span> '
            f'<span class="anb-say anb-facts">{plural(len(over), "request")}</span></summary>{left}{drawn}</details>'
        )
    return "".join(parts)


def changes_html(changes: list[Change], *, undone: bool = False) -> str:
    """Draw changed variables as chips, with what is known of them below; empty where there are none."""
    if not changes:
        return ""
    chips = "".join(
        f'<li class="anb-{escape(item.kind)}">{escape(one_line(change(item), 160))}{_detail(item)}</li>'
        for item in changes[:60]
    )
    more = f"<li>{len(changes) - 60} more</li>" if len(changes) > 60 else ""
    note = '<div class="anb-note">undone: these variables were put back</div>' if undone else ""
    return f'<ul class="anb-chips{" anb-undone" if undone else ""}">{chips}{more}</ul>{note}'


def _detail(item: Change) -> str:
    return "".join(f'<div class="anb-detail">{escape(one_line(line, 200))}</div>' for line in item.detail[:20])


def _request(request: Request, limits: Limits, *, unfolded: bool) -> str:
    status = escape(request.status)
    mark = f'<span class="anb-mark anb-{status}" title="{status}">{STATE_MARKS.get(request.status, "")}</span>'
    facts = f'<span class="anb-facts">at {duration(request.asked_at)}</span>'
    head = f"<b>{escape(request.agent)}</b> {escape(asked(request))} {facts}"
    body = _body(request, limits)
    if unfolded:
        return f'<div class="anb-request">{mark} {head}{body}</div>'
    came = escape(one_line(answered(request), 200))
    return (
        f'<details class="anb-request"><summary>{mark} <span class="anb-say">{head} · {came}</span></summary>'
        f'<div class="anb-body">{body}</div></details>'
    )


def _body(request: Request, limits: Limits) -> str:
    parts = [markdown(cut(request.text, limits.text))] if request.text else []
    if request.code is not None:
        label = '<div class="anb-label"><b>As the agent wrote it</b></div>' if request.edited else ""
        parts.append(f'{label}<pre class="anb-code"><code>{code(cut(request.code, limits.text))}</code></pre>')
    if request.touches:
        parts.append(f'<div class="anb-facts">touches {escape(one_line(", ".join(request.touches), 300))}</div>')
    parts += [_plan(request.plan), changes_html(request.changes)]
    if request.answer:
        parts.append(f'<div class="anb-note">{escape(cut(request.answer, limits.text))}</div>')
    return "".join(parts)


def _plan(items: list[PlanItem]) -> str:
    if not items:
        return ""
    rows = "".join(
        f"<tr><td><b>{escape(item.agent)}</b></td><td>{escape(one_line(item.brief, 400))}</td>"
        f"<td>{count(item.tokens) + ' tokens' if item.tokens is not None else ''}</td>"
        f"<td>{f'${item.cost:.2f}' if item.cost is not None else ''}</td></tr>"
        for item in items[:60]
    )
    return f'<table class="anb-roster"><tbody>{rows}</tbody></table>'
