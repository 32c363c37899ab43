"""What a model's tokens cost, from the price map that comes with litellm, where that is installed."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agentnb._smolagents import import_litellm
from agentnb.models.providers import Endpoint, endpoint

_FILE = "model_prices_and_context_window_backup.json"


@dataclass(frozen=True)
class Price:
    """US dollars a token: of the prompt, of what of it the provider's cache gave or took, of the reply."""

    input: float
    output: float
    cached: float
    stored: float

    def cost(self, input_tokens: int, output_tokens: int, *, cached: int = 0, stored: int = 0) -> float:
        """Return the dollars of a call; ``cached`` and ``stored`` are parts of ``input_tokens``."""
        plain = max(0, input_tokens - cached - stored)
        return plain * self.input + cached * self.cached + stored * self.stored + output_tokens * self.output

    def at_most(self, input_tokens: int, output_tokens: int) -> float:
        """Return the dollars of a call of which nothing comes from the cache and all goes into it."""
        return input_tokens * max(self.input, self.stored) + output_tokens * self.output


def price_of(model: Any) -> Price | None:
    """Return the price of a smolagents model object, None where it is not known.

    A model behind an address of the person's own is not priced by its name: who asks what for it cannot be known.
    """
    if getattr(model, "api_base", None):
        return None
    who = endpoint(model)
    litellm = sys.modules.get("litellm")
    if litellm is not None:  # may hold prices that the person registered
        return _price(getattr(litellm, "model_cost", {}), who)
    return _bundled(who)


def has_prices() -> bool:
    """Whether there is a price map to look into."""
    return importlib.util.find_spec("litellm") is not None


@cache
def _bundled(who: Endpoint) -> Price | None:
    """Look into the file alone: to import litellm takes seconds."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or not who.provider:
        return None
    file = Path(spec.origin or "").with_name(_FILE)
    prices = json.loads(file.read_bytes()) if file.is_file() else import_litellm().model_cost
    return _price(prices, who)


def _price(prices: Mapping[str, Mapping[str, Any]], who: Endpoint) -> Price | None:
    entry = prices.get(f"{who.provider}/{who.model_id}") or prices.get(who.model_id)
    if not entry or entry.get("litellm_provider") != who.provider:
        return None
    paid, said = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    if paid is None or said is None:
        return None
    read, written = entry.get("cache_read_input_token_cost"), entry.get("cache_creation_input_token_cost")
    return Price(
        input=paid, output=said, cached=paid if read is None else read, stored=paid if written is None else written
    )
