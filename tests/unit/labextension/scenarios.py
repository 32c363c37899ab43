"""Runs as events, which Python and the page have to fold alike: every kind of event, and the odd orders of some."""

from __future__ import annotations

from agentnb.record import events as ev
from agentnb.record.document import Change, Error, Limits, Member, PlanItem, Request, Usage


def timed(*sequence: ev.AnyEvent) -> list[ev.AnyEvent]:
    for seq, event in enumerate(sequence):
        event.seq, event.at = seq, seq * 0.5
    return list(sequence)


def start(**more) -> ev.RunStarted:
    return ev.RunStarted(
        run_id="r1", task="What is it worth?", created="2026-01-01T00:00:00Z", generator="agentnb 1", **more
    )


def stream(step: str, text: str, name: str = "stdout") -> ev.OutputAdded:
    return ev.OutputAdded(step=step, output={"output_type": "stream", "name": name, "text": text})


def shown(step: str, text: str, index: int | None = None) -> ev.OutputAdded:
    output = {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}
    return ev.OutputAdded(step=step, output=output, index=index)


def team() -> list[ev.AnyEvent]:
    """A coordinator, a specialist who is there, one who is hired, changed and dismissed; all ends well, then undo."""
    used = Usage(input_tokens=900, output_tokens=90, cached_tokens=500, calls=1, cost=0.0125)
    return timed(
        start(team="desk", limits=Limits(tokens=60_000, seconds=300.0), budget="60k, 5m", result_name="worth"),
        ev.AgentJoined(member=Member(name="lead", kind="coordinator", mode="live", model="m/large"), by="user"),
        ev.AgentJoined(member=Member(name="quant", role="models", tools=["load", "fit"])),
        ev.TaskAdded(task="t1", agent="lead", brief="What is it worth?"),
        ev.TaskChanged(task="t1", status="in_progress"),
        ev.StepStarted(step="s1", task="t1", agent="lead", number=1),
        ev.ReplyDelta(step="s1", text="Bro"),
        ev.StepStarted(step="s1", task="t1", agent="lead", number=1),
        ev.ReplyDelta(step="s1", text="I ask "),
        ev.ReplyDelta(step="s1", text="quant."),
        ev.ReplyEnded(step="s1", thought="I ask quant.", code="x = await quant('Fit')", usage=used),
        ev.ReplyDelta(step="s1", text="late"),
        ev.Noted(step="s1", text="tried again"),
        ev.ActionStarted(step="s1"),
        ev.TaskAdded(task="t2", agent="quant", brief="Fit", parent="t1", parent_step="s1", depends_on=["t1"]),
        ev.TaskAdded(task="t2", agent="other", brief="twice"),
        ev.TaskChanged(task="t2", status="in_progress"),
        ev.StepStarted(step="s2", task="t2", agent="quant", number=1),
        ev.ReplyEnded(step="s2", thought="", code="fit()", usage=Usage(input_tokens=7, estimated=True)),
        ev.ActionStarted(step="s2"),
        stream("s2", "a"),
        stream("s2", "b"),
        stream("s2", "!", "stderr"),
        shown("s2", "one"),
        shown("s2", "two", index=2),
        shown("s2", "three", index=9),
        shown("s2", "four", index=0),
        ev.OutputsCleared(step="s1"),
        ev.StepEnded(
            step="s2",
            status="failed",
            acted=True,
            error=Error(name="ValueError", message="no", traceback=["\x1b[31mno\x1b[0m"]),
            changes=[Change(name="y", kind="added", after="int 1", scope="quant")],
        ),
        ev.AgentJoined(member=Member(name="writer", role="writes", team="desk")),
        ev.AgentChanged(name="writer", team="desk", model="m/small", tools=["chart"]),
        ev.AgentChanged(name="nobody", role="x"),
        ev.AgentLeft(name="writer", team="desk", by="lead"),
        ev.AgentJoined(member=Member(name="writer", role="writes again", team="desk")),
        ev.AgentJoined(member=Member(name="quant", role="better models")),
        ev.Said(sender="user", to="lead", text="Hurry."),
        ev.TaskChanged(task="t2", status="completed", result={"text/plain": "3"}),
        ev.StepEnded(
            step="s1",
            status="done",
            final=True,
            changes=[Change(name="x", kind="mutated", before="list 1", after="list 2", detail=["1 item added"])],
        ),
        ev.TaskChanged(task="t1", status="completed", result={"text/plain": "7"}),
        ev.RunEnded(status="done", result={"text/plain": "7", "text/html": "<b>7</b>"}),
        ev.Undone(steps=["s1", "s9"], by="user"),
        ev.Said(sender="user", to="lead", text="after the end"),
    )


def requests() -> list[ev.AnyEvent]:
    """Questions, actions, a plan and a merge: allowed, edited, denied, expired, asked again, answered twice."""
    plan = [PlanItem(agent="quant", brief="Fit", tokens=500, cost=0.5), PlanItem(agent="writer", brief="Write")]
    return timed(
        start(approve="ask"),
        ev.TaskAdded(task="t1", agent="lead", brief="Do it"),
        ev.StepStarted(step="s1", task="t1", agent="lead", number=1),
        ev.ReplyEnded(step="s1", thought="Now.", code="drop()"),
        ev.Asked(request=Request(id="a", kind="action", agent="lead", step="s1", code="drop()", touches=["df"])),
        ev.Answered(request="a", status="allowed", code="drop(1)", for_run=True, by="user"),
        ev.Answered(request="a", status="denied", text="too late"),
        ev.ActionStarted(step="s1"),
        ev.Asked(request=Request(id="q", kind="question", agent="lead", task="t1", text="Which?", expires_at=60.0)),
        ev.Asked(request=Request(id="q", kind="question", agent="lead", task="t1", text="Which one?")),
        ev.Answered(request="q", status="answered", text="both", by="user"),
        ev.Asked(request=Request(id="p", kind="plan", agent="lead", plan=plan)),
        ev.Answered(request="p", status="allowed", plan=plan[:1]),
        ev.Asked(request=Request(id="m", kind="merge", agent="quant", changes=[Change(name="z", kind="deleted")])),
        ev.Answered(request="m", status="expired"),
        ev.Answered(request="unknown", status="allowed"),
        ev.BudgetChanged(budget="$2", limits=Limits(money=2.0), by="user"),
        ev.RunStatusChanged(status="paused", by="user"),
        ev.StepStarted(step="s2", task="t1", agent="lead", number=2),
        ev.Asked(request=Request(id="b", kind="action", agent="lead", step="s2", code="go()")),
    )


def broken_off() -> list[ev.AnyEvent]:
    """The kernel dies with everything open."""
    return timed(
        *requests(), ev.RunEnded(status="crashed", reason="The kernel died.", error=Error(name="E", message=""))
    )


def word_broken() -> list[ev.AnyEvent]:
    """A host ends the run in a state that is no end."""
    return timed(start(replayed=True), ev.TaskAdded(task="t", agent="a", brief=""), ev.RunEnded(status="running"))


ALL = {"team": team, "requests": requests, "broken_off": broken_off, "word_broken": word_broken}
