"""What the rows share: a team on a misbehaving endpoint, and how a run may end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agentnb.record.document import FINAL
from tests.kernel.driver import Kernel
from tests.kernel.work import Ran, pass_time, read_run, reply, team
from tests.support.endpoint import Answer, Endpoint, endpoint, streams

CANARY = "canary-7Gq2Lr9Xw4Tz8Vb1"
"""A key that must not show anywhere."""


def says(code: str, **how: Any) -> Answer:
    """A streamed reply that holds ``code``."""
    text = reply(code)
    return streams(*(text[at : at + 20] for at in range(0, len(text), 20)), **how)


@contextmanager
def team_on(kernel: Kernel, *answers: Answer, **settings: Any) -> Iterator[Endpoint]:
    """Make the kernel's ``_team`` ask an endpoint that gives these answers."""
    with endpoint(*answers) as server:
        more = "".join(f", {key}={value!r}" for key, value in settings.items())
        kernel.run(f"_team = Team([], model='openai-compatible/m', api_base={server.url!r}{more})", check=True)
        yield server


def put_to_work(kernel: Kernel, *, options: str = "", timeout: float = 30) -> Ran:
    """Run a ``%%agents`` cell with ``_team`` and wait for its end."""
    return read_run(kernel, kernel.run(f"%%agents -t _team --new {options}\nDo it.", timeout=timeout))


def ask(kernel: Kernel, *answers: Answer, **settings: Any) -> tuple[Ran, list[dict[str, Any]]]:
    """Put a team on an endpoint to work; return the run and the requests that were sent."""
    with team_on(kernel, *answers, **settings) as server:
        ran = put_to_work(kernel)
        return ended(ran), server.requests


def limited(kernel: Kernel, *codes: str, limit: float = 0.3, timeout: float = 15) -> Ran:
    """Let a coordinator run ``codes`` as steps, each with a time limit in seconds, and wait for the end."""
    kernel.run(team("_team", *codes, timeout=limit), check=True)
    return put_to_work(kernel, timeout=timeout)


def ended(ran: Ran, status: str | None = None) -> Ran:
    """The run has come to exactly one of the five ends: that of ``status``, where given."""
    assert ran.status in FINAL, f"the run hangs as {ran.status}"
    assert status is None or ran.status == status, (ran.status, ran.reason, ran.cell.text)
    assert (ran.status == "done") == (ran.cell.status == "ok"), "the cell shows another end than the run"
    return ran


def begin(kernel: Kernel, *codes: str, **settings: Any) -> Any:
    """Start a run of these codes in a cell, wait until the first one says that it has begun, and return the cell.

    The code says so by making the file ``begun``: put ``BEGUN`` in front of it.
    """
    kernel.run(team("_team", *codes, **settings), check=True)
    kernel.run("import os\nif os.path.exists('begun'): os.remove('begun')\n_folder = os.getcwd()", check=True)
    marker = kernel.eval("_folder") + "/begun"
    cell = kernel.send("%%agents -t _team --new\nDo it.")
    deadline = time.monotonic() + 20
    while not _exists(marker):
        assert time.monotonic() < deadline, cell.text
        kernel.pump(0.05)
    pass_time(kernel, 0.2)
    return cell


BEGUN = "open('begun', 'w').close()\n"


def stop(kernel: Kernel, cell: Any, *, timeout: float = 15) -> tuple[Ran, float]:
    """Interrupt the kernel; return the run and the seconds until the cell's end."""
    begun = time.perf_counter()
    kernel.interrupt()
    result = kernel.wait(cell, timeout=timeout)
    return read_run(kernel, result), time.perf_counter() - begun


def _exists(path: str) -> bool:
    from pathlib import Path

    return Path(path).exists()
