"""From the name of a model to a smolagents model object."""

from __future__ import annotations

import difflib
import http.client
import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from agentnb._smolagents import import_litellm, import_smolagents
from agentnb.errors import ModelSetupError
from agentnb.models.providers import LITELLM_KEYS, PROVIDERS, Provider

CONNECT_SECONDS = 10.0
STALL_SECONDS = 120.0
STALL_VARIABLE = "AGENTNB_STALL"
"""Names another number of seconds, for models that take long before their first word."""
_OLLAMA = "127.0.0.1:11434"
_HOW_TO_SET = (
    'set one with `%agents model openai/gpt-5-mini`, `model="provider/id"`, or a key such as OPENAI_API_KEY in the '
    "environment that starts Jupyter"
)


@runtime_checkable
class Model(Protocol):
    """What serves as a model: a smolagents ``Model``, or anything with its ``generate``."""

    def generate(self, messages: list[Any], **kwargs: Any) -> Any:
        """Return a smolagents ``ChatMessage`` for a list of them."""


def resolve(spec: str | Model, *, api_base: str | None = None, environ: Mapping[str, str] | None = None) -> Model:
    """Return the model object for ``spec``.

    ``spec`` is ``provider/id`` or an object with a callable ``generate``, which is returned as it is. ``api_base`` is
    the address of an OpenAI-compatible endpoint, up to and with ``/v1``. Keys come from ``environ`` (default: the
    process environment) only. The clients made here try once; ``ModelChat`` does the retries, where they are seen.

    Raises ``ModelSetupError`` where the provider is unknown, or its key or package missing.
    """
    if not isinstance(spec, str):
        if callable(getattr(spec, "generate", None)):
            return spec
        raise ModelSetupError(
            f"A model is a string such as 'openai/gpt-5-mini' or a smolagents Model, not {type(spec).__name__}; "
            f"{_HOW_TO_SET}."
        )
    environ = os.environ if environ is None else environ
    provider, model_id = _split(spec.strip())
    _require_package(provider, spec)
    return _BUILDERS[provider.name](provider, model_id, api_base, environ)


def default_model(
    *candidates: str | Model | None, configured: str | None = None, environ: Mapping[str, str] | None = None
) -> str | Model:
    """Return the model to take, as a spec for ``resolve``.

    In this order: the first of ``candidates`` that is set (the argument, the agent's, the team's, the notebook's), then
    ``AGENTNB_MODEL`` from ``environ`` (default: the process environment), then ``configured`` (from ``agentnb.toml``),
    the default model of the first provider whose key is there, a local Ollama's first model.

    Raises ``ModelSetupError`` where there is none.
    """
    environ = os.environ if environ is None else environ
    for candidate in (*candidates, environ.get("AGENTNB_MODEL"), configured):
        if candidate is not None and candidate != "":
            return candidate
    for provider in PROVIDERS.values():
        if provider.default and provider.key(environ):
            return f"{provider.name}/{provider.default}"
    local = _first_ollama_model(environ)
    if local:
        return f"ollama/{local}"
    raise ModelSetupError(f"No model is set: {_HOW_TO_SET}.")


def stall_seconds(environ: Mapping[str, str] | None = None) -> float:
    """Return the longest silence of a model in seconds. Raises ``ModelSetupError`` where AGENTNB_STALL is no number."""
    text = (os.environ if environ is None else environ).get(STALL_VARIABLE) or str(STALL_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise ModelSetupError(
            f"{STALL_VARIABLE} is a number of seconds, not {text!r}; unset it or write for instance 300."
        )
    return seconds


def _split(spec: str) -> tuple[Provider, str]:
    name, slash, model_id = spec.partition("/")
    provider = PROVIDERS.get(name)
    if provider is not None and model_id:
        return provider, model_id
    if provider is not None:
        example = provider.default or "ID"
        raise ModelSetupError(f"The model {spec!r} lacks its id: write {name}/{example}.")
    if name in LITELLM_KEYS and slash:
        raise ModelSetupError(f"Unknown provider {name!r} in the model {spec!r}: write litellm/{spec}.")
    guess = difflib.get_close_matches(name, PROVIDERS, n=1, cutoff=0.5)
    if not slash:
        hint = f"Did you mean {guess[0]}/ID?" if guess else f"Write it as provider/id, for example openai/{spec}."
        raise ModelSetupError(f"The model {spec!r} names no provider. {hint}")
    hint = f"Did you mean {guess[0]}/{model_id}?" if guess else f"Known are {', '.join(PROVIDERS)}."
    raise ModelSetupError(f"Unknown provider {name!r} in the model {spec!r}. {hint}")


def _require_package(provider: Provider, spec: str) -> None:
    if provider.package and importlib.util.find_spec(provider.package) is None:
        raise ModelSetupError(
            f'The model {spec!r} needs {provider.package}: run `%pip install "agentnb[{provider.extra}]"`.'
        )


def _require_key(name: str, environ: Mapping[str, str], spec: str) -> str:
    key = environ.get(name)
    if not key:
        raise ModelSetupError(
            f"The model {spec!r} needs a key: set {name} in the environment that starts Jupyter, or choose another "
            "model with `%agents model ID`."
        )
    return key


def _own_key(provider: Provider, model_id: str, environ: Mapping[str, str]) -> str:
    return provider.key(environ) or _require_key(provider.keys[0], environ, f"{provider.name}/{model_id}")


def _openai_client(model_id: str, api_base: str | None, key: str) -> Model:
    import httpx

    timeout = httpx.Timeout(stall_seconds(), connect=CONNECT_SECONDS)
    model: Model = import_smolagents().OpenAIModel(
        model_id=model_id,
        api_base=api_base,
        api_key=key,
        client_kwargs={"max_retries": 0, "timeout": timeout},
        retry=False,
    )
    return model


def _openai(provider: Provider, model_id: str, api_base: str | None, environ: Mapping[str, str]) -> Model:
    base = api_base or environ.get("OPENAI_BASE_URL")
    return _openai_client(model_id, base, _own_key(provider, model_id, environ))


def _compatible(provider: Provider, model_id: str, api_base: str | None, environ: Mapping[str, str]) -> Model:
    openai_base = environ.get("OPENAI_BASE_URL")
    base = api_base or environ.get("AGENTNB_API_BASE") or openai_base
    if not base:
        raise ModelSetupError(
            f"The model 'openai-compatible/{model_id}' needs an address: set AGENTNB_API_BASE, for example to "
            "http://localhost:8000/v1."
        )
    key = provider.key(environ)
    if key is None and base == openai_base:  # an OpenAI key goes nowhere but where its owner pointed it
        key = environ.get("OPENAI_API_KEY")
    return _openai_client(model_id, base, key or "none")


def _ollama(provider: Provider, model_id: str, api_base: str | None, environ: Mapping[str, str]) -> Model:
    return _openai_client(model_id, api_base or f"{_ollama_address(environ)}/v1", "ollama")


def _hf(provider: Provider, model_id: str, api_base: str | None, environ: Mapping[str, str]) -> Model:
    model: Model = import_smolagents().InferenceClientModel(
        model_id=model_id,
        token=_own_key(provider, model_id, environ),
        timeout=stall_seconds(),
        retry=False,
    )
    return model


def _anthropic(provider: Provider, model_id: str, api_base: str | None, environ: Mapping[str, str]) -> Model:
    # Anthropic caches a prompt's beginning only where it is asked to
    marks = [{"location": "message", "role": "system"}, {"location": "message", "index": -1}]
    key = _own_key(provider, model_id, environ)
    return _litellm_client(f"anthropic/{model_id}", api_base, key, cache_control_injection_points=marks)


def _litellm(provider: Provider, model_id: str, api_base: str | None, environ: Mapping[str, str]) -> Model:
    behind = model_id.partition("/")[0]
    known = PROVIDERS.get(behind)
    name = known.keys[0] if known and known.keys else LITELLM_KEYS.get(behind)
    key = _require_key(name, environ, f"litellm/{model_id}") if name else None
    return _litellm_client(model_id, api_base, key)


def _litellm_client(model_id: str, api_base: str | None, key: str | None, **kwargs: Any) -> Model:
    import_litellm()
    model: Model = import_smolagents().LiteLLMModel(
        model_id=model_id,
        api_base=api_base,
        api_key=key,
        retry=False,
        timeout=stall_seconds(),
        max_retries=0,
        num_retries=0,
        **kwargs,
    )
    return model


def _transformers(provider: Provider, model_id: str, api_base: str | None, environ: Mapping[str, str]) -> Model:
    model: Model = import_smolagents().TransformersModel(model_id=model_id)
    return model


_Builder = Callable[[Provider, str, str | None, Mapping[str, str]], Model]
_BUILDERS: dict[str, _Builder] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "hf": _hf,
    "ollama": _ollama,
    "openai-compatible": _compatible,
    "litellm": _litellm,
    "transformers": _transformers,
}


def _ollama_address(environ: Mapping[str, str]) -> str:
    """Return ``http://host:port`` from OLLAMA_HOST, which may lack the scheme or the port or be a listening address."""
    host = environ.get("OLLAMA_HOST") or _OLLAMA
    address = urlsplit(host if "://" in host else f"http://{host}")
    name = "127.0.0.1" if address.hostname in (None, "0.0.0.0") else address.hostname
    return f"{address.scheme}://{name}:{address.port or 11434}"


def _first_ollama_model(environ: Mapping[str, str]) -> str | None:
    """Ask a local Ollama which models it has; None where there is none that answers within 0.3 s."""
    address = urlsplit(_ollama_address(environ))
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=0.3)  # no proxies
    try:
        connection.request("GET", "/api/tags")
        models = json.loads(connection.getresponse().read())["models"]
        return str(models[0]["name"]) if models else None
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return None
    finally:
        connection.close()
