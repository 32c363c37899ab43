"""Who can answer: the one table of providers, their key names and what they need installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Provider:
    """A provider of models.

    ``keys`` are the environment variables that may hold its key, the usual one first; empty where none is needed.
    ``default`` is the model that is taken where only the key is known. ``package`` is what must be importable and
    ``extra`` the extra of agentnb that brings it.
    """

    name: str
    keys: tuple[str, ...] = ()
    default: str | None = None
    package: str = ""
    extra: str = ""

    def key(self, environ: Mapping[str, str]) -> str | None:
        """Return the key from the environment, or None."""
        return next((environ[name] for name in self.keys if environ.get(name)), None)


PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider("openai", ("OPENAI_API_KEY",), "gpt-5-mini"),
        Provider("anthropic", ("ANTHROPIC_API_KEY",), "claude-sonnet-4-5", "litellm", "anthropic"),
        Provider("hf", ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"), "Qwen/Qwen3-Next-80B-A3B-Instruct"),
        Provider("ollama"),
        Provider("openai-compatible", ("AGENTNB_API_KEY",)),
        Provider("litellm", package="litellm", extra="litellm"),
        Provider("transformers", package="transformers", extra="transformers"),
    )
}
"""The providers a model id may begin with; the order is that in which keys are looked for."""

LITELLM_KEYS: dict[str, str] = {
    "azure": "AZURE_API_KEY",
    "cerebras": "CEREBRAS_API_KEY",
    "cohere": "COHERE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks_ai": "FIREWORKS_AI_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
    "together_ai": "TOGETHERAI_API_KEY",
    "xai": "XAI_API_KEY",
}
"""The key names of the providers behind ``litellm/PROVIDER/ID``."""


def key_names() -> tuple[str, ...]:
    """Return every environment variable that may hold a key."""
    direct = (name for provider in PROVIDERS.values() for name in provider.keys)
    return (*direct, *LITELLM_KEYS.values())


@dataclass(frozen=True)
class Endpoint:
    """Whom a model object asks, as error messages name it: provider, model id, key variable ("" where none)."""

    provider: str
    model_id: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.provider}/{self.model_id}" if self.provider else self.model_id


def endpoint(model: Any) -> Endpoint:
    """Tell whom a smolagents model object asks, from its class, id and address."""
    model_id = str(getattr(model, "model_id", None) or type(model).__name__)
    classes = {cls.__name__ for cls in type(model).__mro__}
    if "LiteLLMModel" in classes:
        provider, _, rest = model_id.partition("/")
        known = PROVIDERS.get(provider)
        key = known.keys[0] if known and known.keys else LITELLM_KEYS.get(provider, "")
        return Endpoint(provider, rest, key) if rest else Endpoint("litellm", model_id)
    if "InferenceClientModel" in classes:
        return Endpoint("hf", model_id, PROVIDERS["hf"].keys[0])
    if "OpenAIModel" in classes:
        name = _openai_kind(str(getattr(getattr(model, "client", None), "base_url", "")))
        keys = PROVIDERS[name].keys
        return Endpoint(name, model_id, keys[0] if keys else "")
    return Endpoint("", model_id)


def _openai_kind(base_url: str) -> str:
    """Tell the provider behind an OpenAI client by its address."""
    address = urlsplit(base_url)
    if address.port == 11434:
        return "ollama"
    return "openai" if not address.hostname or address.hostname.endswith("openai.com") else "openai-compatible"
