"""From the name of a model to a model object."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agentnb.errors import ModelSetupError
from agentnb.models import ModelChat, default_model, resolve
from agentnb.testing import ScriptedModel
from tests.support.endpoint import endpoint, gives
from tests.support.environment import names_added_by_importing

NOWHERE = {"OLLAMA_HOST": "127.0.0.1:9"}  # the discard port: nobody answers there


def test_a_model_object_passes_through():
    model = ScriptedModel([])
    assert resolve(model) is model


def test_openai_tries_once_and_takes_its_key_from_the_environment():
    model = resolve("openai/gpt-5-mini", environ={"OPENAI_API_KEY": "sk-1"})
    assert (model.model_id, model.client.api_key, model.client.max_retries) == ("gpt-5-mini", "sk-1", 0)
    assert model.retryer.max_attempts == 1
    assert model.client.timeout.read == 120
    assert ModelChat(model).model_id == "openai/gpt-5-mini"


def test_hugging_face():
    model = resolve("hf/Qwen/Qwen3", environ={"HF_TOKEN": "hf_1"})
    assert (type(model).__name__, model.model_id) == ("InferenceClientModel", "Qwen/Qwen3")
    assert ModelChat(model).model_id == "hf/Qwen/Qwen3"


@pytest.mark.parametrize(
    ("host", "base"),
    [
        (None, "http://127.0.0.1:11434/v1/"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1/"),
        ("gpu:8080", "http://gpu:8080/v1/"),
        ("https://gpu.example", "https://gpu.example:11434/v1/"),
    ],
)
def test_ollama(host, base):
    model = resolve("ollama/qwen3:8b", environ={"OLLAMA_HOST": host} if host else {})
    assert (model.model_id, str(model.client.base_url)) == ("qwen3:8b", base)


def test_an_openai_key_goes_only_where_its_owner_pointed_it():
    environ = {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "http://a/v1"}
    assert resolve("openai-compatible/m", environ=environ).client.api_key == "sk-1"
    assert resolve("openai-compatible/m", api_base="http://b/v1", environ=environ).client.api_key == "none"
    environ["AGENTNB_API_KEY"] = "k"
    assert resolve("openai-compatible/m", api_base="http://b/v1", environ=environ).client.api_key == "k"


def test_the_argument_goes_before_the_environment():
    environ = {"AGENTNB_API_BASE": "http://a/v1", "OPENAI_BASE_URL": "http://c/v1"}
    assert str(resolve("openai-compatible/m", environ=environ).client.base_url) == "http://a/v1/"
    assert (
        str(resolve("openai-compatible/m", api_base="http://b/v1", environ=environ).client.base_url) == "http://b/v1/"
    )


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("openai/gpt-5", "set OPENAI_API_KEY in the environment"),
        ("hf/Qwen/Qwen3", "set HF_TOKEN in the environment"),
        ("openai-compatible/m", "set AGENTNB_API_BASE"),
        ("opnai/gpt-5", "Did you mean openai/gpt-5?"),
        ("groq/llama", "write litellm/groq/llama"),
        ("gpt-5", "for example openai/gpt-5"),
        ("openai", "write openai/gpt-5-mini"),
        ("zzz/x", "Known are openai, "),
        (42, "not int"),
    ],
)
def test_a_mistake_gets_a_sentence_that_says_what_to_type(spec, sentence):
    with pytest.raises(ModelSetupError) as caught:
        resolve(spec, environ={})
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_package_gets_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelSetupError, match=r'%pip install "agentnb\[transformers\]"'):
        resolve("transformers/x", environ={})


def test_the_default_is_the_first_that_is_set():
    environ = {"AGENTNB_MODEL": "hf/env", "OPENAI_API_KEY": "sk-1"}
    assert default_model(None, "hf/a", "hf/b", environ=environ) == "hf/a"
    assert default_model(None, configured="hf/toml", environ=environ) == "hf/env"
    del environ["AGENTNB_MODEL"]
    assert default_model(None, configured="hf/toml", environ=environ) == "hf/toml"
    assert default_model(None, environ=environ) == "openai/gpt-5-mini"
    assert default_model(environ={"ANTHROPIC_API_KEY": "k", "HF_TOKEN": "t"}).startswith("anthropic/")


def test_the_default_is_a_local_ollama_where_there_is_no_key():
    with endpoint(gives({"models": [{"name": "qwen3:8b"}, {"name": "phi"}]})) as server:
        environ = {"OLLAMA_HOST": "127.0.0.1:" + server.url.split(":")[2].removesuffix("/v1")}
        assert default_model(None, environ=environ) == "ollama/qwen3:8b"
    assert server.requests[0]["path"] == "/api/tags"


def test_no_model_at_all_says_how_to_set_one():
    with pytest.raises(ModelSetupError, match=r"%agents model openai/gpt-5-mini.*OPENAI_API_KEY"):
        default_model(None, environ=NOWHERE)


def test_importing_the_models_does_not_import_smolagents():
    program = "import sys, agentnb.models; print({'smolagents', 'openai', 'httpx', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_importing_smolagents_leaves_the_environment_as_it_is(tmp_path):
    assert names_added_by_importing("smolagents", tmp_path) == "smolagents []"
