"""Hard limits across a whole team, such as ``60k, $0.50, 5m, 20 steps, 3 agents``; reserved before they are spent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from agentnb.errors import OptionError
from agentnb.record.document import Limits, Usage

_TOKENS = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmM]?)\s*(?:tokens?|tok)?")
_MONEY = re.compile(r"\$\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(?:\$|usd)", re.IGNORECASE)
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|seconds?|min|minutes?|h|hours?)")
_MINUTES = re.compile(r"(\d+(?:\.\d+)?)\s*m")
_COUNT = re.compile(r"(\d+)\s*(steps?|agents?)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
WARN_AT = 0.8
"""The part of a limit from which on it is said that it comes near."""
EXAMPLE = "60k, $0.50, 5m, 20 steps, 3 agents"


class LimitReached(Exception):
    """A limit of the run is reached; the message says which."""


@dataclass(frozen=True)
class Budget:
    """None is no limit. ``seconds`` is wall-clock time, ``money`` US dollars, ``agents`` counts the coordinator too."""

    tokens: int | None = None
    money: float | None = None
    seconds: float | None = None
    steps: int | None = None
    agents: int | None = None

    @classmethod
    def parse(cls, spec: str | Budget | None) -> Budget:
        """Read a specification; ``60k`` is tokens, ``5m`` minutes. Raises ``OptionError`` that names the part."""
        if spec is None or isinstance(spec, Budget):
            return spec or cls()
        budget = cls()
        for part in filter(None, (part.strip() for part in str(spec).split(","))):
            name, value = _limit(part)
            if getattr(budget, name) is not None:
                raise OptionError(f"the budget {spec!r} limits {name} twice; give it once")
            if value <= 0:
                raise OptionError(f"the budget {part!r} leaves nothing to spend; write for instance {EXAMPLE!r}")
            budget = replace(budget, **{name: value})  # type: ignore[arg-type]  # the name tells the type
        return budget

    def within(self, cap: Budget) -> Budget:
        """Return the lower of each limit of the two."""
        pairs = {name: (value, getattr(cap, name)) for name, value in asdict(self).items()}
        return Budget(**{name: min((v for v in pair if v is not None), default=None) for name, pair in pairs.items()})

    def limits(self) -> Limits:
        """Return the same for the record."""
        return Limits(**asdict(self))

    def __bool__(self) -> bool:
        return self != Budget()

    def __str__(self) -> str:
        parts = [
            f"{self.tokens:,} tokens" if self.tokens else "",
            f"${self.money:.2f}" if self.money else "",
            f"{self.seconds:g} s" if self.seconds else "",
            f"{self.steps} steps" if self.steps else "",
            f"{self.agents} agents" if self.agents else "",
        ]
        return ", ".join(filter(None, parts))


def _limit(part: str) -> tuple[str, float]:
    if found := _COUNT.fullmatch(part):
        return found[2].rstrip("s") + "s", int(found[1])
    if found := _MONEY.fullmatch(part):
        return "money", float(found[1] or found[2])
    if found := _MINUTES.fullmatch(part) or _TIME.fullmatch(part):
        unit = found[2][0] if found.re is _TIME else "m"
        return "seconds", float(found[1]) * _SECONDS[unit]
    if found := _TOKENS.fullmatch(part):
        return "tokens", int(float(found[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[found[2].lower()])
    raise OptionError(f"the budget {part!r} is not understood; write for instance {EXAMPLE!r}")


class Meter:
    """What a run has spent and what is reserved for calls under way.

    Every call reserves its step and its tokens before it starts, so that eight parallel specialists cannot each
    spend the last of them.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.usage = Usage()
        self.steps = 0
        self.agents: set[str] = set()
        self.warn: Callable[[str], None] = lambda text: None
        self._warned: set[str] = set()
        self._reserved_tokens = 0
        self._reserved_money = 0.0

    def change(self, budget: Budget) -> None:
        """Put another budget in the place of the former one; what is spent stays spent."""
        self.budget = budget
        self._warned.clear()

    def _warn_if_near(self) -> None:
        """Warn once for each limit of which ``WARN_AT`` is used."""
        budget, used = self.budget, self.usage
        spent: dict[str, tuple[float, float | None, str]] = {
            "tokens": (used.tokens, budget.tokens, f"{used.tokens:,} of {budget.tokens or 0:,} tokens"),
            "money": (used.cost or 0.0, budget.money, f"${used.cost or 0.0:.4f} of ${budget.money or 0.0:.2f}"),
            "steps": (self.steps, budget.steps, f"{self.steps} of {budget.steps} steps"),
            "agents": (len(self.agents), budget.agents, f"{len(self.agents)} of {budget.agents} agents"),
        }
        for name, (amount, limit, text) in spent.items():
            if limit is not None and amount >= WARN_AT * limit and name not in self._warned:
                self._warned.add(name)
                self.warn(f"{text} are used")

    def admit(self, agent: str) -> None:
        """Count ``agent`` as one that takes part; raises ``LimitReached`` where there are enough already."""
        limit = self.budget.agents
        if limit is not None and agent not in self.agents and len(self.agents) >= limit:
            raise LimitReached(f"the budget of {limit} agents is used up")
        self.agents.add(agent)
        self._warn_if_near()

    def reserve(self, tokens: int, money: float = 0.0) -> int:
        """Reserve one step, ``tokens`` and ``money`` for a model call.

        Raises ``LimitReached`` where they are not to be had.
        """
        budget = self.budget
        if budget.steps is not None and self.steps >= budget.steps:
            raise LimitReached(f"the budget of {budget.steps} steps is used up")
        if budget.tokens is not None and self.usage.tokens + self._reserved_tokens + tokens > budget.tokens:
            raise LimitReached(
                f"the budget of {budget.tokens:,} tokens does not last for another call "
                f"(spent {self.usage.tokens:,}, the next one needs about {tokens:,})"
            )
        spent = self.usage.cost or 0.0
        if budget.money is not None and (spent >= budget.money or spent + self._reserved_money + money > budget.money):
            raise LimitReached(
                f"the budget of ${budget.money:.2f} does not last for another call "
                f"(spent ${spent:.4f}, the next one needs about ${money:.4f})"
            )
        self.steps += 1
        self._reserved_tokens += tokens
        self._reserved_money += money
        self._warn_if_near()
        return tokens

    def settle(self, reserved: int, usage: Usage | None, money: float = 0.0) -> None:
        """Put what a call really cost in the place of its reservation."""
        self._reserved_tokens -= reserved
        self._reserved_money -= money
        if usage is not None:
            self.usage.add(usage)
            self._warn_if_near()
