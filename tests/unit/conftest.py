"""What unit tests of several packages share."""

import os
import sys

import pytest


@pytest.fixture
def terminal(monkeypatch):
    """A real terminal as standard input; returns what types a line there."""
    import pty

    keyboard, screen = pty.openpty()
    with open(screen, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda text: os.write(keyboard, text.encode())
    os.close(keyboard)
