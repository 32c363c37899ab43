"""Hypothesis strategies for events, with few ids, so that events meet."""

from hypothesis import strategies as st

from agentnb.record import events as ev
from agentnb.record.document import Change, Error, Limits, Member, PlanItem, Request, Usage

ids = st.sampled_from(["a", "b", "c"])
texts = st.text(max_size=8)
usages = st.builds(Usage, input_tokens=st.integers(0, 99), output_tokens=st.integers(0, 99), calls=st.just(1))
errors = st.none() | st.builds(Error, name=texts, message=texts)
streams = st.builds(
    lambda name, text: {"output_type": "stream", "name": name, "text": text},
    st.sampled_from(["stdout", "stderr"]),
    texts,
)
displays = st.builds(lambda text: {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}, texts)
bundles = st.none() | st.builds(lambda text: {"text/plain": text}, texts)
members = st.builds(Member, name=ids, role=texts, team=st.sampled_from(["", "a"]), tools=st.lists(texts, max_size=2))
changes = st.builds(Change, name=ids, kind=st.sampled_from(["added", "rebound", "mutated", "deleted"]))
limits = st.builds(Limits, tokens=st.none() | st.integers(1, 9), money=st.none() | st.just(0.5))
plans = st.lists(st.builds(PlanItem, agent=ids, brief=texts, tokens=st.none() | st.integers(0, 9)), max_size=2)
requests = st.builds(
    Request,
    id=ids,
    kind=st.sampled_from(["question", "action", "plan", "merge"]),
    agent=ids,
    step=st.none() | ids,
    text=texts,
    code=st.none() | texts,
    touches=st.lists(ids, max_size=2),
    plan=plans,
    changes=st.lists(changes, max_size=2),
)
answers = st.sampled_from(["answered", "allowed", "denied", "expired", "withdrawn"])
task_states = st.sampled_from(["pending", "in_progress", "blocked", "completed", "failed", "cancelled"])
step_states = st.sampled_from(["thinking", "waiting", "acting", "done", "failed", "rejected", "cancelled"])

events = st.one_of(
    st.builds(ev.RunStarted, run_id=ids, task=texts, created=texts, generator=texts, limits=limits),
    st.builds(ev.BudgetChanged, budget=texts, limits=limits),
    st.builds(ev.AgentJoined, member=members),
    st.builds(ev.AgentChanged, name=ids, role=st.none() | texts, tools=st.none() | st.lists(texts, max_size=2)),
    st.builds(ev.AgentLeft, name=ids, team=st.sampled_from(["", "a"])),
    st.builds(ev.TaskAdded, task=ids, agent=ids, brief=texts, parent=st.none() | ids),
    st.builds(ev.TaskChanged, task=ids, status=task_states, result=bundles, error=errors),
    st.builds(ev.StepStarted, step=ids, task=ids, agent=ids, number=st.integers(0, 5)),
    st.builds(ev.ReplyDelta, step=ids, text=texts),
    st.builds(ev.ReplyEnded, step=ids, thought=texts, code=st.none() | texts, usage=usages),
    st.builds(ev.ActionStarted, step=ids),
    st.builds(ev.OutputAdded, step=ids, output=streams | displays, index=st.none() | st.integers(-2, 3)),
    st.builds(ev.OutputsCleared, step=ids),
    st.builds(ev.StepEnded, step=ids, status=step_states, changes=st.lists(changes, max_size=2), error=errors),
    st.builds(ev.Noted, step=ids, text=texts),
    st.builds(ev.Said, sender=ids, to=ids, text=texts),
    st.builds(ev.Asked, request=requests),
    st.builds(ev.Answered, request=ids, status=answers, text=texts, code=st.none() | texts, plan=st.none() | plans),
    st.builds(ev.Undone, steps=st.lists(ids, max_size=2)),
    st.builds(ev.RunStatusChanged, status=st.sampled_from(["running", "paused"])),
    st.builds(ev.RunEnded, status=st.sampled_from(["done", "failed", "limit", "cancelled", "crashed"])),
)


def timed(sequence):
    """Number the events as a run does."""
    for seq, event in enumerate(sequence):
        event.seq, event.at = seq, float(seq)
    return sequence


sequences = st.lists(events, max_size=30).map(timed)
