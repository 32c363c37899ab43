"""What the models are told. The texts are files beside this one; here they are put together.

The system prompt and the opening of a task are written once and never change: whatever comes later is appended.
"""

from __future__ import annotations

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
    "branch": "It runs at once in a copy of the person's kernel.",
}


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


def opening(
    *, task: str, variables: str, asked_by: str = "", whole: str = "", handed: str = "", earlier: str = ""
) -> str:
    """Return the message that opens a task.

    ``variables`` is the digest of the namespace, ``handed`` that of the call's arguments, ``earlier`` what this agent
    did before. For a specialist ``asked_by`` is who gave it the task, and ``whole`` the person's own words.
    """
    parts = [f"<variables>\n{variables or 'none yet'}\n</variables>"]
    if earlier:
        parts.append(f"What you did before:\n{earlier}")
    if handed:
        parts.append(f"Handed to you with this task, as variables:\n{handed}")
    if not asked_by:
        parts.append(f"The person asks:\n{task}")
    else:
        parts.append(f"It is part of what the person asked of the team:\n<request>\n{whole}\n</request>")
        parts.append(f"Your task, from `{asked_by}`. Do this alone, the rest is in other hands:\n{task}")
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
