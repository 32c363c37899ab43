import copy

from hypothesis import given

from agentnb.record import events as ev
from agentnb.record.codec import encode
from agentnb.record.document import FINAL, Limits, Member, Request, RunRecord, Usage
from agentnb.record.fold import Folder, apply, fold

from .strategies import sequences


def run(*events):
    """Fold the events, one second apart, after the start of a run with one task and one step."""
    start = [
        ev.RunStarted(run_id="r", task="Do it", created="2026-01-01T00:00:00Z", generator="agentnb 1"),
        ev.TaskAdded(task="t", agent="manager", brief="Do it"),
        ev.TaskChanged(task="t", status="in_progress"),
        ev.StepStarted(step="s", task="t", agent="manager", number=1),
    ]
    sequence = [*start, *events]
    for seq, event in enumerate(sequence):
        event.seq, event.at = seq, float(seq)
    return fold(sequence)


def stream(text, name="stdout"):
    return ev.OutputAdded(step="s", output={"output_type": "stream", "name": name, "text": text})


@given(sequences)
def test_any_order_folds_alike_at_once_and_one_by_one_and_leaves_the_events_alone(events):
    before = copy.deepcopy(events)
    record = RunRecord()
    for event in events:
        apply(record, event)
    assert fold(events) == record
    assert events == before


@given(sequences)
def test_an_ended_run_has_nothing_open(events):
    events = [event for event in events if not isinstance(event, ev.Undone)]
    record = fold([*events, ev.RunEnded(status="done")])
    assert record.status in FINAL
    assert not {task.status for task in record.tasks} & {"pending", "in_progress", "blocked"}
    ended = next((i for i, event in enumerate(events) if isinstance(event, ev.RunEnded)), len(events))
    shorter = fold([*events[: ended + 1], ev.RunEnded(status="done")])
    shorter.seq = record.seq
    assert encode(record) == encode(shorter)


def test_streams_of_one_name_join_and_others_do_not():
    (step,) = run(stream("a"), stream("b"), stream("!", "stderr"), stream("c")).steps
    assert [(output["name"], output["text"]) for output in step.outputs] == [
        ("stdout", "ab"),
        ("stderr", "!"),
        ("stdout", "c"),
    ]


def test_an_index_replaces_and_clear_forgets():
    shown = {"output_type": "display_data", "data": {"text/plain": "new"}, "metadata": {}}
    assert run(stream("a"), ev.OutputAdded(step="s", output=shown, index=0)).steps[0].outputs == [shown]
    assert run(stream("a"), ev.OutputsCleared(step="s")).steps[0].outputs == []


def test_the_reply_streams_and_then_is_replaced():
    parts = [ev.ReplyDelta(step="s", text="I wi"), ev.ReplyDelta(step="s", text="ll")]
    assert run(*parts).steps[0].thought == "I will"
    again = ev.StepStarted(step="s", task="t", agent="manager", number=1)
    assert run(*parts, again, ev.ReplyDelta(step="s", text="New")).steps[0].thought == "New"
    ended = ev.ReplyEnded(step="s", thought="I will.", code="x = 1")
    (step,) = run(*parts, ended, ev.ReplyDelta(step="s", text="late")).steps
    assert (step.thought, step.code, step.timing.replied_at) == ("I will.", "x = 1", 6.0)


def test_usage_counts_for_step_task_and_run():
    def reply():
        return ev.ReplyEnded(step="s", thought="", usage=Usage(input_tokens=5, output_tokens=2, calls=1, cost=0.5))

    record = run(reply(), reply())
    for usage in (record.usage, record.tasks[0].usage, record.steps[0].usage):
        assert (usage.tokens, usage.calls, usage.cost) == (14, 2, 1.0)


def test_times_of_a_task_and_a_step():
    record = run(
        ev.ActionStarted(step="s"),
        ev.StepEnded(step="s", status="done", acted=True, final=True),
        ev.TaskChanged(task="t", status="completed", result={"text/plain": "1"}),
    )
    task, step = record.tasks[0], record.steps[0]
    assert (task.started_at, task.ended_at, task.result) == (2.0, 6.0, {"text/plain": "1"})
    assert (step.timing.asked_at, step.timing.code_started_at, step.timing.code_ended_at) == (3.0, 4.0, 5.0)
    assert step.final
    assert step.status == "done"
    assert record.timing.elapsed == 6.0


def test_the_end_closes_what_is_open():
    record = run(ev.RunEnded(status="limit", reason="No tokens are left."))
    assert (record.status, record.reason) == ("limit", "No tokens are left.")
    assert (record.tasks[0].status, record.tasks[0].ended_at, record.steps[0].status) == ("cancelled", 4.0, "cancelled")
    assert run(ev.RunEnded(status="failed")).tasks[0].status == "failed"


def test_nothing_changes_an_ended_run():
    late = [ev.RunStatusChanged(status="running"), ev.RunEnded(status="done"), stream("late")]
    record = run(ev.RunEnded(status="cancelled"), *late)
    assert record.status == "cancelled"
    assert record.steps[0].outputs == []


def test_the_roster_keeps_who_left():
    record = run(
        ev.AgentJoined(member=Member(name="quant", role="fits")),
        ev.AgentChanged(name="quant", model="m", mode="branch", tools=["f"]),
        ev.AgentLeft(name="quant"),
        ev.AgentJoined(member=Member(name="quant", role="again")),
    )
    first, second = record.roster
    assert (first.model, first.mode, first.tools, first.joined_at, first.left_at) == ("m", "branch", ["f"], 4.0, 6.0)
    assert (second.role, second.left_at) == ("again", None)


def test_a_folder_goes_on_from_a_record():
    folder = Folder(run())
    folder.apply(ev.Noted(step="s", text="tried again"))
    assert folder.record.steps[0].notes == ["tried again"]


def ask(kind="action", **fields):
    return ev.Asked(request=Request(id="q", kind=kind, agent="manager", step="s", **fields))


def test_a_step_waits_for_the_person_and_takes_the_code_as_it_was_allowed():
    replied = ev.ReplyEnded(step="s", thought="", code="x = 1")
    waiting = run(replied, ask(code="x = 1"))
    assert (waiting.steps[0].status, waiting.requests[0].status) == ("waiting", "open")
    record = run(replied, ask(code="x = 1"), ev.Answered(request="q", status="allowed", code="x = 2", by="user"))
    assert (record.steps[0].status, record.steps[0].code) == ("thinking", "x = 2")
    (request,) = record.requests
    assert (request.code, request.edited, request.by, request.answered_at) == ("x = 1", True, "user", 6.0)


def test_one_answer_counts_and_what_nobody_answered_is_withdrawn_with_the_run():
    twice = [ev.Answered(request="q", status="denied", text="no"), ev.Answered(request="q", status="allowed")]
    assert run(ask(), *twice).requests[0].status == "denied"
    assert run(ask("question"), ev.RunEnded(status="done")).requests[0].status == "withdrawn"


def test_the_limits_change_and_a_step_is_undone_even_after_the_end():
    record = run(ev.BudgetChanged(budget="9 steps", limits=Limits(steps=9)))
    assert (record.budget, record.limits.steps) == ("9 steps", 9)
    assert run(ev.RunEnded(status="done"), ev.Undone(steps=["s"])).steps[0].undone


def test_seq_is_the_number_of_the_next_event():
    assert run().seq == 4
    assert run(ev.RunEnded(status="done"), ev.Noted(step="s", text="late")).seq == 6
