"""A coordinator's plan, read from its code without running any of it."""

from __future__ import annotations

import ast
from typing import Any

from agentnb.errors import Correction
from agentnb.kernel.namespace.reach import parse
from agentnb.models.prices import Price
from agentnb.record.document import PlanItem

CALL = "propose_plan"
_PROMPTS_SHARE = 0.9  # of the tokens of a task; the rest are replies
_ADVICE = 'write propose_plan([{"agent": "...", "task": "...", "tokens": 5000}, ...]) with literal values only'
_MOST_LINES = 50


def read_plan(code: str) -> tuple[list[PlanItem], bool] | None:
    """Return the plan that ``code`` begins with, and whether more code follows it; None where it begins otherwise.

    Raises ``Correction`` where it is called with anything but a list of literal lines.
    """
    tree = parse(code)
    if tree is None or not tree.body:
        return None
    call = _call(tree.body[0])
    if call is None:
        return None
    if len(call.args) != 1 or call.keywords:
        raise Correction(_ADVICE)
    try:
        lines = ast.literal_eval(call.args[0])
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise Correction(_ADVICE) from None
    if not isinstance(lines, list | tuple) or not 0 < len(lines) <= _MOST_LINES:
        raise Correction(f"a plan has 1 to {_MOST_LINES} lines: {_ADVICE}")
    return [_item(line) for line in lines], len(tree.body) > 1


def priced(plan: list[PlanItem], price: Price | None) -> list[PlanItem]:
    """Return the plan with what its tokens cost, where the price is known."""
    if price is None:
        return plan
    return [
        PlanItem(agent=item.agent, brief=item.brief, tokens=item.tokens, cost=_cost(item.tokens, price))
        if item.tokens
        else item
        for item in plan
    ]


def _cost(tokens: int, price: Price) -> float:
    prompts = int(tokens * _PROMPTS_SHARE)
    return price.cost(prompts, tokens - prompts)


def _call(statement: ast.stmt) -> ast.Call | None:
    value = getattr(statement, "value", None) if isinstance(statement, ast.Expr | ast.Assign) else None
    if isinstance(value, ast.Await):
        value = value.value
    match value:
        case ast.Call(func=ast.Name(id=name)) if name == CALL:
            return value
    return None


def _item(line: Any) -> PlanItem:
    if not isinstance(line, dict):
        raise Correction(f"each line of a plan is a dict: {_ADVICE}")
    agent, brief, tokens = line.get("agent"), line.get("task", line.get("brief")), line.get("tokens")
    if not isinstance(agent, str) or not isinstance(brief, str) or not agent.strip() or not brief.strip():
        raise Correction(f"each line of a plan names an agent and a task: {_ADVICE}")
    if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int | float) or tokens < 0):
        raise Correction(f"the tokens of a line are a number: {_ADVICE}")
    return PlanItem(agent=agent.strip(), brief=brief.strip(), tokens=None if tokens is None else int(tokens))


def plan_line(item: PlanItem) -> str:
    """Return one line of a plan: who, what, and what it may cost."""
    costs = [f"about {item.tokens:,} tokens" if item.tokens else "", f"${item.cost:.2f}" if item.cost else ""]
    cost = ", ".join(filter(None, costs))
    return f"{item.agent}: {' '.join(item.brief.split())}" + (f" ({cost})" if cost else "")
