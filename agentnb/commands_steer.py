"""``%agents approve``, ``deny``, ``budget`` and ``cost``: what waits for the person, and what it may cost."""

from __future__ import annotations

from typing import Any

from agentnb.errors import OptionError, UserError
from agentnb.record.document import Request, Usage
from agentnb.run.approvals.prompting import describe
from agentnb.run.notebook import Notebook
from agentnb.run.run import Run
from agentnb.views.words import one_line

_FLAGS = frozenset({"--all", "--run"})


def waiting_lines(run: Run) -> list[str]:
    """Return two lines for each request that waits in ``run``: what it is, and how to answer it."""
    lines = []
    for request in run.requests:
        how = (
            "%agents say ANSWER" if request.kind == "question" else f"%agents approve {request.id} | deny {request.id}"
        )
        lines += [f"  {request.id} waits: {one_line(request.text, 100)}", f"     {how}"]
    return lines


def approve(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    """Allow one request, by its id where several wait, or all of them."""
    flags, ids = _FLAGS & set(words), [word for word in words if word not in _FLAGS]
    if unknown := [word for word in ids if word.startswith("-")]:
        raise OptionError(f"there is no option {unknown[0]}; write %agents approve [ID] [--all] [--run]")
    chosen = _waiting(notebook) if "--all" in flags and not ids else [_find(notebook, ids[0] if ids else None)]
    if not chosen:
        raise UserError("nothing waits for you; `%agents` shows the runs")
    for run, request in chosen:
        if request.kind == "question":
            raise UserError(f"{request.id} is a question ({one_line(request.text, 80)}); write %agents say ANSWER")
        run.answer(request.id, "allowed", for_run="--run" in flags)
        print(f"{request.id} allowed: {one_line(request.text, 100)}")


def deny(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    """Say no to one request; what follows its id is the reason."""
    first, _, reason = rest.strip().partition(" ")
    if not any(_named(run, request, first) for run, request in _waiting(notebook)):
        first, reason = "", rest.strip()
    run, request = _find(notebook, first or None)
    run.answer(request.id, "denied", text=_unquoted(reason.strip()))
    print(f"{request.id} denied: {one_line(request.text, 100)}")


def _waiting(notebook: Notebook) -> list[tuple[Run, Request]]:
    return [(run, request) for run in notebook.runs for request in run.requests]


def _named(run: Run, request: Request, name: str) -> bool:
    return name in (request.id, f"{run.id}/{request.id}")


def _find(notebook: Notebook, name: str | None) -> tuple[Run, Request]:
    waiting = _waiting(notebook)
    if not waiting:
        raise UserError("nothing waits for you; `%agents` shows the runs")
    found = [each for each in waiting if name is None or _named(*each, name)]
    if not found:
        raise UserError(f"there is no request {name!r}; waiting: {', '.join(each.id for _, each in waiting)}")
    if len(found) > 1:
        several = len({run.id for run, _ in found}) > 1
        ids = ", ".join(f"{run.id}/{each.id}" if several else each.id for run, each in found)
        shown = describe(found[0][1])
        raise UserError(f"{len(found)} requests wait: {ids}; name one of them. The first: {one_line(shown, 200)}")
    return found[0]


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def change_budget(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    """Show the newest run's limits and what is used of them, or put others in their place."""
    run = notebook.newest()
    if words:
        spec = _unquoted(rest.strip())
        run.set_budget("" if spec == "none" else spec)
    print(f"run {run.id}: budget {run.record.budget or 'none'}; {_cost_text(run.usage)} so far")


def show_cost(notebook: Notebook, variables: dict[str, Any], words: list[str], rest: str) -> None:
    """Print what each run took, and each of its agents."""
    for run in notebook.runs:
        print(f"run {run.id}: {_cost_text(run.usage)}")
        by_agent = run.usage_by_agent
        for name, usage in by_agent.items() if len(by_agent) > 1 else ():
            print(f"  {name:<14} {_cost_text(usage)}")
    total = sum(run.usage.tokens for run in notebook.runs)
    costs = [run.usage.cost for run in notebook.runs if run.usage.cost is not None]
    money = f", ${sum(costs):.4f}" if costs else ""
    print(f"in all: {total:,} tokens{money} in {len(notebook.runs)} runs")


def _cost_text(usage: Usage) -> str:
    money = f", ${usage.cost:.4f}" if usage.cost is not None else ""
    about = "about " if usage.estimated else ""
    return (
        f"{about}{usage.input_tokens:,} tokens in ({usage.cached_tokens:,} cached), "
        f"{usage.output_tokens:,} out, {usage.calls} calls{money}"
    )
