"""What is allowed in one run: the strictest of the administrator, ``agentnb.toml``, the team and the run itself.

Nothing loosens what another place asks for: to loosen it, change that place. So an option of a cell can tighten what a
team or the project's file says, and nobody but the administrator can loosen the policy.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agentnb.record.document import Approval
from agentnb.run.approvals.requests import TIMEOUT
from agentnb.run.budget import Budget
from agentnb.team.agent import strictest
from agentnb.team.config import Config
from agentnb.team.policy import Policy


@dataclass(frozen=True)
class Rules:
    """``timeout`` is in seconds; ``allow_read_only`` lets actions that are known to only look at data run unasked."""

    approve: Approval = "auto"
    timeout: float = TIMEOUT
    allow_read_only: bool = False
    policy: Policy = field(default_factory=Policy)

    def capped(self, budget: Budget) -> Budget:
        """Return ``budget`` within the administrator's."""
        for spec in self.policy.budgets:
            budget = budget.within(Budget.parse(spec))
        return budget


def rules_of(config: Config, policy: Policy, *approvals: Approval | None) -> Rules:
    """Return the rules for a run; ``approvals`` are those of the run and the team."""
    timeout = config.approve_timeout or TIMEOUT
    return Rules(
        approve=strictest(policy.approve, config.approve, *approvals),
        timeout=timeout if policy.approve_timeout is None else min(timeout, policy.approve_timeout),
        allow_read_only=bool(config.allow_read_only) and policy.allow_read_only,
        policy=policy,
    )
