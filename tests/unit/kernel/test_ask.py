"""A line comes from the terminal's prompt while the loop goes on; listening can be given up."""

import asyncio
import io
import sys

import pytest

from agentnb.kernel.ask import can_prompt, read_line
from agentnb.kernel.shell import current_shell


@pytest.mark.parametrize("stdin", [None, io.StringIO("an answer that nobody gave\n")])
def test_without_a_terminal_there_is_no_prompt(monkeypatch, stdin):
    monkeypatch.setattr(sys, "stdin", stdin)
    assert not can_prompt(current_shell())


async def test_the_line_comes_from_the_terminal_and_the_loop_goes_on_meanwhile(terminal, capsys):
    assert can_prompt(current_shell())
    asking = asyncio.create_task(read_line(current_shell(), "Which year? "))
    await asyncio.sleep(0.02)
    assert not asking.done()
    terminal("2019\n")
    assert await asyncio.wait_for(asking, 5) == "2019"
    assert capsys.readouterr().out == "Which year? "


async def test_a_prompt_that_is_given_up_takes_nothing_from_the_next(terminal):
    first = asyncio.create_task(read_line(current_shell(), "Which year? "))
    await asyncio.sleep(0.05)
    first.cancel()
    second = asyncio.create_task(read_line(current_shell(), "Which month? "))
    await asyncio.sleep(0.1)
    terminal("May\n")
    assert await asyncio.wait_for(second, 5) == "May"
    assert first.cancelled()


async def test_a_prompt_that_is_closed(terminal):
    asking = asyncio.create_task(read_line(current_shell(), "Which year? "))
    await asyncio.sleep(0)
    terminal("\x04")
    with pytest.raises(EOFError):
        await asyncio.wait_for(asking, 5)
