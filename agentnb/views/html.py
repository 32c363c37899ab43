"""A record as static HTML: no script, no request, nothing outside of itself; what GitHub and nbviewer show.

Without its style sheet it still reads: headings are bold, the roster is a table, tasks and steps are nested
``<details>``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agentnb.record.document import FINAL, RunRecord, Step
from agentnb.views.lanes import colours
from agentnb.views.outline import Outline, StepNode, TaskNode, outline
from agentnb.views.outputs_html import Limits, bundle_html, cut, error_html, output_html
from agentnb.views.requests_html import changes_html, requests_html
from agentnb.views.roster_html import messages_html, roster_html
from agentnb.views.safe_html import code, escape, markdown, plain
from agentnb.views.style import style_sheet
from agentnb.views.timeline_svg import data_uri, timeline_svg
from agentnb.views.words import (
    STATE_MARKS,
    count,
    duration,
    one_line,
    plural,
    reason,
    spent,
    tokens,
    totals,
    unmarked,
)

LIVE_BYTES = 60_000
"""What the HTML of a run under way may weigh; the record beside it holds all."""


@dataclass(frozen=True)
class Detail:
    """How much is drawn: the newest ``steps`` in full, at most ``rows`` tasks and steps at all."""

    steps: int = 400
    rows: int = 2_000
    limits: Limits = field(default_factory=Limits)


_FIGURES = 2  # shown beside the result; the others stand with their steps
_PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
_STATIC = Detail()
_LIVE = (
    Detail(steps=6, rows=60, limits=Limits(text=4_000, picture=24_000)),
    Detail(steps=3, rows=40, limits=Limits(text=1_500, picture=0)),
    Detail(steps=1, rows=20, limits=Limits(text=800, picture=0)),
)


def render_html(record: RunRecord, *, live: bool = False) -> str:
    """Draw ``record`` as a self-contained fragment of HTML.

    While ``live``, the fragment stays below about ``LIVE_BYTES``: the newest steps in full, the rest in a line each,
    large pictures only named, no time line.
    """
    if not live:
        return _Page(record, _STATIC, live=False).draw()
    drawn = ""
    for detail in _LIVE:
        drawn = _Page(record, detail, live=True).draw()
        if len(drawn.encode("utf-8", "replace")) <= LIVE_BYTES:
            break
    return drawn


class _Page:
    def __init__(self, record: RunRecord, detail: Detail, *, live: bool) -> None:
        self.record = record
        self.detail = detail
        self.live = live
        self.colours = colours(record)
        self.tree: Outline = outline(record)
        self.full, self.open = self._choose()
        self.open_tasks = self._above(self.open)
        self.rows = detail.rows
        self.edited = {each.step for each in record.requests if each.edited and each.kind == "action"}

    def draw(self) -> str:
        record = self.record
        parts = [
            self._head(),
            requests_html(record, self.detail.limits),
            self._result(),
            self._figures(),
            self._timeline(),
            self._team(),
            self._work(),
            self._cut(),
        ]
        return f'<div class="anb"><style>{style_sheet()}</style>{"".join(parts)}</div>'

    def _choose(self) -> tuple[set[str], set[str]]:
        """Choose the steps to draw in full, and those to show unfolded: at work, newest, or what the run failed at."""
        steps = self.record.steps
        full = {step.id for step in steps[-self.detail.steps :]}
        at_work = {step.id for step in steps if step.status in {"thinking", "waiting", "acting"}}
        full |= set(list(at_work)[: self.detail.steps])
        if self.record.status not in FINAL and at_work:
            return full, at_work
        newest = {steps[-1].id} if steps else set()
        if self.record.status not in {"done", "running", "paused"}:
            newest |= {step.id for step in steps[-8:] if step.status == "failed"}
        return full | newest, newest

    def _above(self, open_steps: set[str]) -> set[str]:
        """Name the tasks and steps that lead to the unfolded steps."""
        above: set[str] = set()

        def visit(node: TaskNode) -> bool:
            found = False
            for step in node.steps:
                inner = [visit(child) for child in step.tasks]
                if any(inner):
                    above.add(step.step.id)
                found = found or any(inner) or step.step.id in open_steps
            inner = [visit(child) for child in node.tasks]
            found = any(inner) or found
            if found:
                above.add(node.task.id)
            return found

        for root in self.tree.roots:
            visit(root)
        return above

    def _head(self) -> str:
        record = self.record
        title = one_line(record.task, 180) or "(no task)"
        why = reason(record)
        parts = [
            f'<div class="anb-head anb-{escape(record.status)}"><div class="anb-title">'
            f'<span class="anb-badge">{STATE_MARKS.get(record.status, "")} {escape(record.status)}</span> '
            f"<b>{escape(title)}</b></div>",
            f'<div class="anb-facts">{escape(" · ".join(totals(record)))}</div>',
        ]
        if len(" ".join(record.task.split())) > 180:
            parts.append(
                f'<details><summary><span class="anb-facts">the whole task</span></summary>'
                f'<div class="anb-brief">{escape(cut(record.task, self.detail.limits.text))}</div></details>'
            )
        if why and record.status != "done":
            parts.append(f'<div class="anb-why">{escape(plain(cut(why, 2_000)))}</div>')
        if record.status not in FINAL:
            parts.append(f'<div class="anb-left">{escape(_as_of(record))}</div>')
        return "".join([*parts, "</div>"])

    def _result(self) -> str:
        if not self.record.result:
            return ""
        name = f" <code>{escape(self.record.result_name)}</code>" if self.record.result_name else ""
        drawn = bundle_html(self.record.result, self.detail.limits)
        return (
            f'<div class="anb-part"><div class="anb-label"><b>Result</b>{name}</div>'
            f'<div class="anb-out">{drawn}</div></div>'
        )

    def _figures(self) -> str:
        """The newest figures, where they are seen without unfolding a step; only of a run that is over."""
        if self.live:
            return ""
        outputs = [output for step in self.record.steps if step.status == "done" for output in step.outputs]
        pictures = [output for output in outputs if _is_picture(output)][-_FIGURES:]
        if not pictures:
            return ""
        drawn = "".join(
            f'<div class="anb-out">{bundle_html(_picture(each), self.detail.limits)}</div>' for each in pictures
        )
        label = "Figure" if len(pictures) == 1 else "Figures"
        return f'<div class="anb-part"><div class="anb-label"><b>{label}</b></div>{drawn}</div>'

    def _timeline(self) -> str:
        svg = "" if self.live else timeline_svg(self.record)
        if not svg:
            return ""
        words = (
            f"Time line of the run: {duration(self.record.timing.elapsed)}, {plural(len(self.record.tasks), 'task')}"
        )
        return (
            f'<div class="anb-part"><div class="anb-label"><b>Time line</b></div>'
            f'<img class="anb-line" alt="{escape(words)}" src="{data_uri(svg)}"></div>'
        )

    def _team(self) -> str:
        return roster_html(self.record, self.colours) + messages_html(self.record)

    def _work(self) -> str:
        drawn = "".join(self._task(node, root=index == 0) for index, node in enumerate(self.tree.roots))
        if not drawn:
            return ""
        counted = f"{plural(len(self.record.tasks), 'task')}, {plural(len(self.record.steps), 'step')}"
        left = "" if self.rows > 0 else f'<p class="anb-left">{self._left_out()}</p>'
        return f'<div class="anb-part"><div class="anb-label"><b>Work</b> · {counted}</div>{left}{drawn}</div>'

    def _left_out(self) -> str:
        where = "when the run ends" if self.live else "in the record"
        return f"Only the newest steps are shown here; all are {where}."

    def _cut(self) -> str:
        if not self.record.cut:
            return ""
        items = "".join(f"<li>{escape(item)}</li>" for item in self.record.cut[:50])
        return f'<div class="anb-part anb-left">Left out to keep the record small:<ul>{items}</ul></div>'

    # --- tasks and steps ----------------------------------------------------------------------------------------------

    def _task(self, node: TaskNode, *, root: bool) -> str:
        self.rows -= 1
        if self.rows < 0 and node.task.id not in self.open_tasks:
            return ""
        task = node.task
        inside = self._steps(node) + "".join(self._task(child, root=False) for child in node.tasks)
        if task.error is not None and not any(step.step.error for step in node.steps[-1:]):
            inside += error_html(task.error, self.detail.limits)
        if task.result and not root and not self.live:
            inside += f'<div class="anb-out">{self._came_of_it(node)}</div>'
        brief = one_line(task.brief, 150)
        long = (
            "" if root or len(task.brief) <= 150 else f'<div class="anb-brief">{escape(cut(task.brief, 4_000))}</div>'
        )
        unfolded = root or task.id in self.open_tasks
        facts = [spent(task.started_at, task.ended_at), tokens(task.usage), plural(len(node.steps), "step")]
        return (
            f'<details class="anb-task anb-{escape(task.status)}"{" open" if unfolded else ""}><summary>'
            f'{self._mark(task.status)} {self._who(task.agent)} <span class="anb-say">'
            f"{'' if root else escape(brief)}</span> {_facts(facts)}</summary>"
            f'<div class="anb-in">{long}{inside}</div></details>'
        )

    def _came_of_it(self, node: TaskNode) -> str:
        """Draw a task's result unless its last step has just shown the same."""
        result = node.task.result or {}
        shown = [output.get("data") for step in node.steps[-1:] for output in step.step.outputs]
        if result in shown:
            return ""
        return '<div class="anb-label"><b>Returned</b></div>' + bundle_html(result, self.detail.limits)

    def _steps(self, node: TaskNode) -> str:
        parts: list[str] = []
        skipped = 0
        for step in node.steps:
            if step.step.id in self.full or step.step.id in self.open_tasks:
                parts.append(_skipped(skipped) + self._step(step))
                skipped = 0
            elif self.rows > 0 and not self.live:
                self.rows -= 1
                parts.append(_skipped(skipped) + self._one_line(step))
                skipped = 0
            else:
                skipped += 1
        return "".join(parts) + _skipped(skipped)

    def _one_line(self, node: StepNode) -> str:
        below = "".join(self._task(child, root=False) for child in node.tasks)
        say = escape(one_line(unmarked(node.step.thought) or node.step.code or "", 120))
        return f'<div class="anb-left">{self._mark(node.step.status)} Step {node.step.number}: {say}</div>{below}'

    def _step(self, node: StepNode) -> str:
        step = node.step
        unfolded = step.id in self.open or step.id in self.open_tasks
        gist = one_line(
            unmarked(step.thought) or (step.error.name if step.error else "") or step.code or step.status, 110
        )
        return (
            f'<details class="anb-step anb-{escape(step.status)}"{" open" if unfolded else ""}><summary>'
            f"{self._mark(step.status)} <b>Step {step.number}</b> "
            f'<span class="anb-say{" anb-gist" if step.thought else ""}">{escape(gist)}</span> '
            f"{_facts([*self._fate(step), *_times(step)])}</summary>"
            f'<div class="anb-body">{self._body(node) if step.id in self.full else self._below(node)}</div></details>'
        )

    def _body(self, node: StepNode) -> str:
        step, limits = node.step, self.detail.limits
        parts = [markdown(cut(step.thought, limits.text))] if step.thought else []
        if step.code:
            parts.append(f'<pre class="anb-code"><code>{code(cut(step.code, limits.text))}</code></pre>')
        parts.append(self._below(node))
        outputs = step.outputs if len(step.outputs) <= 40 else [*step.outputs[:20], *step.outputs[-20:]]
        parts.extend(f'<div class="anb-out">{output_html(output, limits)}</div>' for output in outputs)
        if len(outputs) < len(step.outputs):
            parts.append(f'<p class="anb-left">{len(step.outputs) - len(outputs)} more outputs</p>')
        parts.append(changes_html(step.changes, undone=step.undone))
        parts.extend(f'<div class="anb-note">{escape(cut(note, 1_000))}</div>' for note in step.notes[:20])
        if step.error is not None:
            parts.append(error_html(step.error, limits))
        return "".join(parts)

    def _fate(self, step: Step) -> list[str]:
        """Say what the person did to a step."""
        return ["code edited by you"] * (step.id in self.edited) + ["undone"] * step.undone

    def _below(self, node: StepNode) -> str:
        return "".join(self._task(child, root=False) for child in node.tasks)

    def _mark(self, status: str) -> str:
        return (
            f'<span class="anb-mark anb-{escape(status)}" title="{escape(status)}">{STATE_MARKS.get(status, "")}</span>'
        )

    def _who(self, agent: str) -> str:
        colour = self.colours.get(agent, "#7d838c")
        return f'<b class="anb-who"><span class="anb-dot" style="background:{colour}"></span>{escape(agent)}</b>'


def _as_of(record: RunRecord) -> str:
    """What stands in a file may be older than the run is."""
    created = f", which began {record.timing.created.replace('T', ' ')}" if record.timing.created else ""
    return f"As it stood {duration(record.timing.elapsed)} after the start of the run{created}."


def _skipped(number: int) -> str:
    return f'<div class="anb-left">… {plural(number, "step")} not shown here</div>' if number else ""


def _facts(parts: list[str]) -> str:
    return f'<span class="anb-facts">{escape(" · ".join(part for part in parts if part))}</span>'


def _times(step: Step) -> list[str]:
    model = spent(step.timing.asked_at, step.timing.replied_at)
    ran = spent(step.timing.code_started_at, step.timing.code_ended_at)
    return [
        f"model {model}" if model else "",
        f"code {ran}" if ran else "",
        count(step.usage.tokens) + " tokens" if step.usage.tokens else "",
    ]


def _is_picture(output: dict[str, Any]) -> bool:
    data = output.get("data")
    return isinstance(data, dict) and any(mime in data for mime in _PICTURES)


def _picture(output: dict[str, Any]) -> dict[str, Any]:
    return {mime: value for mime, value in output["data"].items() if mime in _PICTURES}
