"""What the models are told. The texts are files beside this one; here they are put together.

The system prompt and the opening of a task are written once and never change: whatever comes later is appended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from string import Template

from agentnb.record.document import Mode
from agentnb.tools.port import Tool

_WHERE: dict[Mode, str] = {
    "live": "It runs at once in the person's own namespace: what you assign is theirs to keep.",
    "scratch": "It runs at once in a scope of your own over the person's variables: you read all of theirs, what you "
    "assign stays yours, and only what you hand to `final_answer` goes back.",
    "branch": "It runs at once in a branch: a copy of the person's kernel with all their variables, kept until your "
    "task ends. You may change everything in it; what you assigned and changed goes back when your answer is taken, so "
    "`del` what is only in the way.",
    "dask": "It runs at once in a process of your own on a worker of a Dask cluster, kept until your task ends. The "
    "person's variables are copied there when your code first names them; one that cannot be copied is not there, and "
    "you are told. Files and programs are the worker's. What you assigned and changed goes back when your answer "
    "is taken, so `del` what is only in the way.",
}
_LEADS_FROM_BRANCH = (
    "- Nobody sees into your branch: a specialist finds the person's variables as they were before you changed them. "
    "Hand it what you made or changed; it gets a copy.\n"
)
_MARKS = re.compile(r"<\s*/(?=\s*(?:output|error|variables|request)\s*>)", re.IGNORECASE)


@cache
def _text(name: str) -> Template:
    return Template(files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8"))


def system_prompt(
    *,
    name: str,
    role: str,
    mode: Mode,
    tools: Sequence[Tool] = (),
    team: Sequence[tuple[str, str]] | None = None,
    instructions: str = "",
) -> str:
    """Return an agent's system prompt.

    ``team`` is None for a specialist; for a coordinator it holds name and role of each specialist, and may be empty.
    """
    place = "a specialist on a team of agents" if team is None else "an agent who can work alone or lead specialists"
    if team:
        place = "the coordinator of a team of agents"
    parts = [
        _text("system").substitute(
            name=name, place_in_team=place, role=f" Your role: {role}." if role else "", where=_WHERE[mode]
        )
    ]
    if tools:
        parts.append("\nFunctions you can call beside the person's own:\n" + "\n".join(map(_tool_line, tools)) + "\n")
    if team:
        parts.append(_text("team").substitute(specialists=specialist_lines(team)))
    elif team is not None:
        parts.append(_text("alone").substitute())
    if team is not None:
        parts.append(_LEADS_FROM_BRANCH if mode in ("branch", "dask") else "")
        parts.append(_text("staffing").substitute())
    if instructions:
        parts.append(f"\n{instructions.strip()}\n")
    return "".join(parts)


def specialist_lines(team: Iterable[tuple[str, str]]) -> str:
    """Return one line for each specialist: how to call it and what it is good at."""
    return "\n".join(f"- `await {name}(brief, **objects)`: {role or 'no role given'}" for name, role in team)


def _tool_line(tool: Tool) -> str:
    call = f"await {tool.signature}" if tool.is_async else tool.signature
    doc = " ".join(tool.doc.split())
    return f"- `{call}`: {doc}" if doc else f"- `{call}`"


def as_data(tag: str, text: str) -> str:
    """Return text that others wrote between the marks which say so; it cannot close them by itself."""
    inside = _MARKS.sub(lambda mark: mark[0].replace("/", "\\/"), text)
    return f"<{tag}>\n{inside}\n</{tag}>"


def opening(
    *,
    task: str,
    variables: str,
    asked_by: str = "",
    whole: str = "",
    handed: str = "",
    earlier: str = "",
    closing: str = "",
) -> str:
    """Return the message that opens a task.

    ``variables`` is the digest of the namespace, ``handed`` that of the call's arguments, ``earlier`` what this agent
    did before. For a specialist ``asked_by`` is who gave it the task, and ``whole`` the person's own words. ``closing``
    is what the host asks for first, such as a plan.
    """
    parts = [as_data("variables", variables or "none yet")]
    if earlier:
        parts.append(f"What you did before:\n{earlier}")
    if handed:
        parts.append(f"Handed to you with this task, as variables:\n{as_data('variables', handed)}")
    if not asked_by:
        parts.append(f"The person asks:\n{task}")
    else:
        parts.append(f"It is part of what the person asked of the team:\n{as_data('request', whole)}")
        parts.append(f"Your task, from `{asked_by}`. Do this alone, the rest is in other hands:\n{task}")
    if closing:
        parts.append(closing)
    return "\n\n".join(parts)


NO_CODE = (
    "Nothing was run: your reply had no code between <code> and </code>. To go on, write code; to end the task, write "
    "<code>\nfinal_answer(x)\n</code> with the result as x."
)
CUT = (
    "Nothing was run: your reply was cut off at the model's length limit. Write the same in smaller pieces, a short "
    "block a reply."
)
REPEATED = (
    "You ran exactly this before for this task. Doing it again will not help: say what is in the way and take another "
    "way, or end with final_answer and what you have."
)
STALLED = (
    "The last {count} steps all failed. Stop and make another plan: what do you know, what is in the way, what is the "
    "simplest thing that could work?"
)
ONE_BLOCK = "only the first code block of a reply is run; the others were left out"
PLAN_FIRST = "Nothing was run: your plan comes first, as one call of `propose_plan` with literal values. {advice}"
PLAN_ALLOWED = "The person allowed your plan. Go on with it."
PLAN_EDITED = "The person changed your plan and allowed it like this; go on with it:\n{plan}"
PLAN_ONLY = " The code after it was not run."
PLAN_NOT_ASKED = "Nobody asks for a plan in this run: go on."
EDITED = "The person changed your code before it ran. This ran in its place:\n<code>\n{code}\n</code>"
EDITED_CALL = "The person changed the call of the tool. This ran in its place:\n{call}"
ASKED_TOOL = "(The person allows each call.)"
NOBODY_ALLOWED = (
    "Nothing was run: the person must allow it, and nobody answered. Do not send it again. End the task with "
    "final_answer(...) of a text or a variable that exists, and say what is left to be done and allowed."
)


def denied(reason: str, *, is_plan: bool = False) -> str:
    """Return what an agent is told whose action, plan or call the person did not allow."""
    said = f" They say:\n{reason.strip()}\n" if reason.strip() else " "
    way = "Propose another plan." if is_plan else "Do it in another way that heeds this, or do without."
    return f"Nothing was run: the person did not allow this.{said}{way}"


def plan(name: str) -> str:
    """Return what asks a coordinator for its plan; it stands at the end of the task."""
    return _text("plan").safe_substitute(name=name).strip()


def unanswered(status: str, reason: str) -> str:
    """Return what an agent is told whose question got no answer."""
    if status == "denied":
        said = f": {reason}" if reason else ""
        return f"the person does not answer that{said}. Decide yourself, and say in the answer what you assumed"
    return "nobody can be asked here: decide yourself, and say in the answer what you assumed"
