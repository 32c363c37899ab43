"""``ask_user`` reaches the person at the cell's prompt."""

from __future__ import annotations

from tests.kernel.work import reply

ASKS = f"""from agentnb import Team
from agentnb.testing import ScriptedModel
asks = Team(model=ScriptedModel([{reply("a = await ask_user('which?')")!r}, {reply("final_answer(a)")!r}]))"""


def test_the_person_is_asked_and_answers(agents_kernel):
    agents_kernel.run(ASKS, check=True)
    agents_kernel.run("%%agents -t asks -o said\nAsk me.", stdin=["the left one"], check=True)
    assert agents_kernel.eval("said") == "the left one"
