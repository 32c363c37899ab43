"""What a model is told of its recorded steps when its work goes on after a crash."""

from __future__ import annotations

from collections.abc import Sequence

from agentnb.kernel.port import Outcome
from agentnb.models.recorded import reply_of
from agentnb.record.document import Step, Task
from agentnb.record.limits import cut_text
from agentnb.record.outputs import text_of
from agentnb.run import prompts
from agentnb.run.history import Turn
from agentnb.run.observation import observation, step_line
from agentnb.run.recovery.crash import Crash, Rerun, is_finished, is_open

_RESULT = 600
"""Characters of a completed task's result that are told."""
_GONE = "The kernel died and was started again; your work goes on here. Nothing of it was run again."
_BACK = (
    "The kernel died and was started again; your work goes on here. The code of your finished steps was run again "
    "just now, so their variables are there; what they print may differ from before."
)
_MEMORY = (
    "The variables that your steps made went with it: look at what is there (<variables> above has it) and make again "
    "only what you need."
)


def turns(steps: Sequence[Step]) -> list[Turn]:
    """Return finished steps as the model knew them: what it said, and what it was told."""
    return [_turn(step) for step in steps if is_finished(step) and step.timing.replied_at is not None]


def _turn(step: Step) -> Turn:
    said = reply_of(step)
    if step.status == "rejected":
        was_cut = any("cut off" in note for note in step.notes)
        return Turn(said, prompts.CUT if was_cut else prompts.NO_CODE, f"step {step.number}: nothing was run")
    outcome = Outcome(report=step.error, changes=step.changes)
    told, images = observation(step.number, step.outputs, outcome, step.notes)
    return Turn(said, told, step_line(step.number, step.thought, step.changes, step.error), images)


def letter(crash: Crash, task: Task, rerun: Rerun) -> str:
    """Return what an agent is told where its task goes on: what became of its variables, and of its last step."""
    parts = [_GONE, _MEMORY] if rerun == "no" else [_BACK]
    broken = None if rerun == "all" else next((s for s in crash.steps_of(task.id) if not is_finished(s)), None)
    if broken is not None and broken.code is not None:
        parts.append(
            f"Your step {broken.number} was interrupted: how far it came is not known, and it was not run again. "
            f"It was:\n<code>\n{broken.code}\n</code>"
        )
    said = [message.text for message in crash.record.messages if (message.sender, message.to) == ("user", task.agent)]
    if said:
        parts.append("The person had said to you meanwhile:\n" + "\n".join(f"- {text}" for text in said))
    children = [child for child in crash.record.tasks if child.parent == task.id]
    if rerun != "no":
        children = [child for child in children if broken is not None and child.parent_step == broken.id]
    if children:
        parts.append("Your specialists had:\n" + "\n".join(_child(crash, child) for child in children))
    return "\n\n".join(parts)


def interruption(crash: Crash, task: Task) -> str:
    """Return what a specialist is told when it is called again after a task of its was interrupted."""
    count = sum(is_finished(step) for step in crash.steps_of(task.id))
    return (
        f"The kernel died while you were at an earlier task; what you said and were told in its {count} finished steps "
        f"stands above, but its variables are gone. That task was:\n{task.brief}"
    )


def _child(crash: Crash, task: Task) -> str:
    brief = cut_text(" ".join(task.brief.split()), 200)
    if task.status == "completed":
        result = cut_text(text_of((task.result or {}).get("text/plain")), _RESULT)
        return f"- `{task.agent}`, asked to: {brief}\n  completed; the object is gone, it was: {result or 'None'}"
    if is_open(task):
        count = sum(is_finished(step) for step in crash.steps_of(task.id))
        return f"- `{task.agent}`, asked to: {brief}\n  interrupted after {count} steps, which it remembers"
    why = f": {task.error.message}" if task.error is not None else ""
    return f"- `{task.agent}`, asked to: {brief}\n  {task.status}{why}"
