"""A question goes to the prompt of a terminal; where there is none, the model is told to decide itself."""

import asyncio
import io
import os
import sys

import pytest

from agentnb.errors import Correction
from agentnb.kernel.ask import UNATTENDED, ask_at_prompt
from agentnb.kernel.shell import current_shell


def elsewhere():
    return asyncio.get_running_loop().create_future()


@pytest.fixture
def terminal(monkeypatch):
    """A real terminal as standard input; returns what types a line there."""
    import pty

    keyboard, screen = pty.openpty()
    with open(screen, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda text: os.write(keyboard, text.encode())
    os.close(keyboard)


@pytest.mark.parametrize("stdin", [None, io.StringIO("an answer that nobody gave\n")])
async def test_without_a_prompt_the_model_is_told_to_decide(monkeypatch, stdin):
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(Correction, match=UNATTENDED):
        await ask_at_prompt(current_shell(), "Which year?", elsewhere())


async def test_the_answer_comes_from_the_terminal_and_the_loop_goes_on_meanwhile(terminal, capsys):
    asking = asyncio.create_task(ask_at_prompt(current_shell(), "Which year?", elsewhere()))
    await asyncio.sleep(0.02)
    assert not asking.done()
    terminal("2019\n")
    assert await asyncio.wait_for(asking, 5) == "2019"
    assert capsys.readouterr().out == "Which year? "


async def test_an_answer_from_elsewhere_counts_and_a_later_one_is_dropped(terminal):
    answer = elsewhere()
    asking = asyncio.create_task(ask_at_prompt(current_shell(), "Which year?", answer))
    await asyncio.sleep(0)
    answer.set_result("2020")
    assert await asking == "2020"
    terminal("2019\n")
    await asyncio.sleep(0.05)
    assert answer.result() == "2020"


async def test_a_prompt_that_is_closed_is_nobody(terminal):
    asking = asyncio.create_task(ask_at_prompt(current_shell(), "Which year?", elsewhere()))
    await asyncio.sleep(0)
    terminal("\x04")
    with pytest.raises(Correction, match=UNATTENDED):
        await asyncio.wait_for(asking, 5)
