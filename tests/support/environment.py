"""What an import does to the environment beside a ``.env`` file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import os
before = set(os.environ)
from agentnb import _smolagents
module = _smolagents.import_{name}()
added = set(os.environ) - before
import dotenv
assert dotenv.load_dotenv(".env") and os.environ["PROJECT_SECRET"] == "hunter2"  # works again afterwards
print(module.__name__, sorted(added & {{"PROJECT_SECRET", "LITELLM_LOCAL_MODEL_COST_MAP"}}))
"""


def names_added_by_importing(name: str, folder: Path) -> str:
    """Import ``name`` in a fresh process in ``folder``; returns its name and which of our variables it added."""
    (folder / ".env").write_text("PROJECT_SECRET=hunter2\n")
    environ = {key: value for key, value in os.environ.items() if key != "LITELLM_LOCAL_MODEL_COST_MAP"}
    command = [sys.executable, "-c", PROGRAM.format(name=name)]
    environ["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)
    return done.stdout.strip() or done.stderr
