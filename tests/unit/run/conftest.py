"""Runs in these tests journal into a folder of their own and find no model but the one they are given."""

import pytest

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN", "AGENTNB_MODEL", "AGENTNB_API_KEY", "AGENTNB_REPLAY")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)
