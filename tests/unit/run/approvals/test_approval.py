"""Under ``ask`` nothing runs that the person has not allowed; what they say reaches the record and the model."""

import asyncio
import os

import pytest

from agentnb import Agent, Team, UserError, tool
from agentnb.errors import Correction
from agentnb.record.events import Asked
from agentnb.run.worker import MAX_DENIALS
from tests.support.scripts import acting, code, final, told


def answering(run, *answers):
    """Answer the run's requests as they come, in the way of a page; returns what was asked."""
    run.attend()
    asked, left = [], list(answers)

    def on_event(event, record):
        if isinstance(event, Asked):
            asked.append(event.request)
            status, *rest = left.pop(0)
            options = rest[0] if rest else {}
            asyncio.get_running_loop().call_soon(lambda: run.answer(event.request.id, status, **options))

    run.subscribe(on_event)
    return asked


def start(model, *members, namespace=None, **options):
    options.setdefault("approve", "ask")
    team = Team([*members], model=model)
    return team.start("Do it.", namespace={} if namespace is None else namespace, show=False, **options)


YES, NO = ("allowed",), ("denied",)


async def test_an_action_waits_and_the_person_sees_what_it_is(tmp_path):
    space = {"xs": [1]}
    run = start(acting(lead=[code("xs.append(2)", "open('made', 'w').close()"), final("xs")]), namespace=space)
    asked = answering(run, YES)
    await run
    (request,) = asked
    assert (request.kind, request.agent, request.task, request.step) == ("action", "coordinator", "t1", "t1.1")
    assert request.text == "coordinator wants to run this for: Do it."
    assert request.code == "xs.append(2)\nopen('made', 'w').close()"
    assert request.touches == ["xs", "calls: open.close()", "writes files: open"]
    assert (run.result, run.status) == ([1, 2], "done")
    recorded = run.record.requests[0]
    assert (recorded.status, recorded.by, run.record.approve) == ("allowed", "user", "ask")
    assert recorded.answered_at <= run.steps[0].timing.code_started_at
    assert (tmp_path / "made").exists()


async def test_a_denial_runs_nothing_and_the_model_is_told_the_reason():
    model = acting(lead=[code("gone = True"), code("kept = True"), final("1")])
    space = {}
    run = start(model, namespace=space)
    answering(run, ("denied", {"text": "leave that alone"}), YES)
    await run
    assert "They say:\nleave that alone\n" in told(model.calls[1])
    assert [step.status for step in run.steps] == ["rejected", "done", "done"]
    assert run.steps[0].notes == ["not allowed: leave that alone"]
    assert (space.get("gone"), space.get("kept")) == (None, True)


async def test_denials_in_a_row_end_the_task():
    run = start(acting(lead=[code(f"x = {n}") for n in range(9)]))
    answering(run, *[NO] * MAX_DENIALS)
    await run
    assert run.status == "limit"
    assert "was not allowed to go on 3 times in a row" in run.record.reason


async def test_edited_code_runs_and_both_are_kept():
    model = acting(lead=[code("x = 1"), final("x")])
    run = start(model)
    answering(run, ("allowed", {"code": "x = 2"}))
    await run
    assert run.result == 2
    assert (run.record.requests[0].code, run.record.requests[0].edited, run.steps[0].code) == ("x = 1", True, "x = 2")
    assert run.steps[0].notes == ["the person changed the code before it ran"]
    assert "This ran in its place:\n<code>\nx = 2\n</code>" in told(model.calls[1])


async def test_code_sent_back_as_it_was_is_no_edit():
    run = start(acting(lead=[code("x = 1"), final("x")]))
    answering(run, ("allowed", {"code": "x = 1\n"}))
    await run
    assert (run.result, run.record.requests[0].edited) == (1, False)


async def test_the_like_runs_for_the_rest_of_the_run_but_nothing_more():
    run = start(acting(lead=[code("a = 1"), code("b = 2"), code("import os", "os.getcwd()"), final("b")]))
    asked = answering(run, ("allowed", {"for_run": True}), YES)
    await run
    assert [request.code for request in asked] == ["a = 1", "import os\nos.getcwd()"]
    assert run.steps[1].notes == ["the like was allowed for this run"]
    assert [request.for_run for request in run.record.requests] == [True, False]


async def test_the_like_of_one_agent_is_not_another_ones():
    quant = Agent("quant", "")
    model = acting(lead=[code("a = 1"), code("b = await quant('go')"), final("b")], quant=[code("c = 1"), final("c")])
    run = start(model, quant)
    asked = answering(run, ("allowed", {"for_run": True}), YES, YES)
    await run
    assert [request.agent for request in asked] == ["coordinator", "coordinator", "quant"]


async def test_two_answers_count_once():
    run = start(acting(lead=[code("x = 1"), final("x")]))
    run.attend()
    first = asyncio.Event()
    run.subscribe(lambda event, record: first.set() if isinstance(event, Asked) else None)
    await first.wait()
    run.answer("r1", "allowed")
    with pytest.raises(UserError, match="r1 is allowed already"):
        run.answer("r1", "denied")
    assert (await run).result == 1


async def test_nobody_there_is_a_denial_at_once():
    model = acting(lead=[code("x = 1"), final("'not done'")])
    space = {}
    run = await start(model, namespace=space)
    assert (run.result, space) == ("not done", {})
    assert [(each.status, each.by) for each in run.record.requests] == [("expired", "")]
    assert "nobody answered" in told(model.calls[1])


async def test_nobody_answers_in_time(tmp_path):
    (tmp_path / "agentnb.toml").write_text("approve = 'ask'\napprove_timeout = 0.1\n")
    run = start(acting(lead=[code("x = 1"), final("0")]), approve=None)
    run.attend()
    await run
    (request,) = run.record.requests
    assert (request.status, run.steps[0].status) == ("expired", "rejected")
    assert request.expires_at - request.asked_at == pytest.approx(0.1, abs=0.05)


async def test_a_stop_withdraws_what_waits():
    run = start(acting(lead=[code("x = 1"), final("x")]))
    run.attend()
    run.subscribe(lambda event, record: run.stop() if isinstance(event, Asked) else None)
    await run
    assert (run.status, run.record.requests[0].status) == ("cancelled", "withdrawn")
    assert run.requests == []


async def test_a_pause_holds_what_is_allowed():
    run = start(acting(lead=[code("x = 1"), final("x")]))
    answering(run, YES)
    run.subscribe(lambda event, record: run.pause() if isinstance(event, Asked) else None)
    await asyncio.sleep(0.3)
    assert (run.status, run.steps[0].timing.code_started_at) == ("paused", None)
    run.resume()
    assert (await run).result == 1


async def test_an_agent_of_its_own_is_asked_where_the_team_runs_freely():
    model = acting(lead=[final("await quant('go')")], quant=[code("c = 1"), final("c")])
    run = start(model, Agent("quant", "", approve="ask"), approve="auto")
    asked = answering(run, YES)
    await run
    assert [request.agent for request in asked] == ["quant"]


async def test_actions_that_only_read_may_be_let_through(tmp_path):
    (tmp_path / "agentnb.toml").write_text("approve = 'ask'\nallow_read_only = true\n")
    run = start(acting(lead=[code("print(len(xs))"), code("xs.clear()"), final("xs")]), namespace={"xs": [1]})
    asked = answering(run, NO)
    await run
    assert [request.code for request in asked] == ["xs.clear()"]
    assert run.steps[0].notes == ["let run unasked: it is known to only look at data"]


async def test_agents_cannot_answer_for_the_person():
    space = {}
    run = start(
        acting(lead=[code("run.answer('r1', 'allowed')"), code("run.set_budget('')"), final("0")]), namespace=space
    )
    space["run"] = run
    answering(run, YES, YES)
    await run
    assert [step.error.name for step in run.steps[:2]] == ["Correction", "Correction"]


@pytest.mark.parametrize(
    ("status", "options", "said"),
    [
        ("answered", {}, "r1 is of kind action; answer it allowed or denied"),
        ("yes", {}, "answer it allowed or denied"),
        ("allowed", {"code": " "}, "deny it and say what to do instead"),
    ],
)
async def test_an_answer_that_does_not_fit(status, options, said):
    run = start(acting(lead=[code("x = 1"), final("x")]))
    run.attend()
    while not run.requests:
        await asyncio.sleep(0.01)
    with pytest.raises(UserError, match=said):
        run.answer("r1", status, **options)
    with pytest.raises(UserError, match="there is no request 'r9'; waiting: r1"):
        run.answer("r9", "allowed")
    run.stop()
    await run


# --- tools ------------------------------------------------------------------------------------------------------------


def mailer(sent):
    @tool(approve="ask")
    def mail(to: str, text: str = "") -> str:
        "Send a mail."
        sent.append((to, text))
        return "sent"

    return mail


async def test_each_call_of_a_marked_tool_is_asked_with_its_arguments():
    sent = []
    model = acting(lead=[code("a = await mail('ann', text='hi')"), code("mail('bob')"), final("a")])
    team = Team(model=model, tools=[mailer(sent)])
    run = team.start("Do it.", namespace={}, show=False)
    asked = answering(run, YES, ("denied", {"text": "not Bob"}))
    await run
    assert [request.code for request in asked] == ["mail('ann', text='hi')", "mail('bob')"]
    assert (sent, run.result) == ([("ann", "hi")], "sent")
    assert run.steps[1].error.name == "Correction"
    assert "They say:\nnot Bob" in run.steps[1].error.message
    assert "await mail(to: str" in model.calls[0][0]["content"]


async def test_an_edited_call_of_a_tool_runs_and_the_model_is_told():
    sent = []
    model = acting(lead=[code("a = await mail('ann', text='hi')"), final("a")])
    run = Team(model=model, tools=[mailer(sent)]).start("Do it.", namespace={}, show=False)
    answering(run, ("allowed", {"code": "mail('bob', text='hi')"}))
    await run
    assert (sent, run.record.requests[0].edited) == ([("bob", "hi")], True)
    assert "This ran in its place:\nmail('bob', text='hi')" in told(model.calls[1])
    assert run.steps[0].code == "a = await mail('ann', text='hi')"


async def test_an_edit_of_a_call_that_is_another_one_is_refused():
    sent = []
    model = acting(lead=[code("mail('ann')"), final("0")])
    run = Team(model=model, tools=[mailer(sent)]).start("Do it.", namespace={}, show=False)
    run.attend()
    asked = asyncio.Event()
    run.subscribe(lambda event, record: asked.set() if isinstance(event, Asked) else None)
    await asked.wait()
    for written in ("print('bob')", "mail('ann'); mail('bob')", "mail(", "mail(open('x').read())"):
        with pytest.raises(UserError):
            run.answer("r1", "allowed", code=written)
    run.answer("r1", "allowed")
    await run
    assert sent == [("ann", "")]


async def test_a_tool_allowed_for_the_run_is_asked_once():
    sent = []
    model = acting(lead=[code("mail('ann')"), code("mail('bob')"), final("0")])
    run = Team(model=model, tools=[mailer(sent)]).start("Do it.", namespace={}, show=False)
    asked = answering(run, ("allowed", {"for_run": True}))
    await run
    assert (len(asked), len(sent)) == (1, 2)


# --- who may loosen what ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("admin", "project", "team", "argument", "level"),
    [
        ("auto", "auto", "auto", None, "auto"),
        ("auto", "auto", "auto", "ask", "ask"),
        ("auto", "auto", "ask", "auto", "ask"),
        ("auto", "ask", "auto", "auto", "ask"),
        ("ask", "auto", "auto", "auto", "ask"),
        ("plan", "auto", "auto", "auto", "plan"),
        ("plan", "auto", "ask", None, "ask"),
    ],
)
async def test_the_strictest_counts(tmp_path, monkeypatch, admin, project, team, argument, level):
    (tmp_path / "policy.toml").write_text(f"approve = '{admin}'\n")
    (tmp_path / "agentnb.toml").write_text(f"approve = '{project}'\n")
    monkeypatch.setenv("AGENTNB_POLICY", str(tmp_path / "policy.toml"))
    run = Team(model=acting(lead=[final("1")]), approve=team).start(
        "Do it.", approve=argument, namespace={}, show=False, budget="1 steps"
    )
    await run
    assert run.record.approve == level


async def test_a_specialist_asked_directly_has_no_plan_so_each_action_is_asked():
    run = start(acting(quant=[code("x = 1"), final("x")]), Agent("quant", ""), approve="plan", agents=["quant"])
    asked = answering(run, YES)
    await run
    assert [request.kind for request in asked] == ["action"]


async def test_the_policy_bounds_budget_modes_and_tools(tmp_path, monkeypatch):
    (tmp_path / "policy.toml").write_text("budget = '10k, 5m'\nmodes = ['scratch']\nforbid_tools = ['mail*']\n")
    monkeypatch.setenv("AGENTNB_POLICY", str(tmp_path / "policy.toml"))
    run = Team(model=acting(lead=[code("x = 1"), final("x")])).start("Do it.", namespace={}, show=False, budget="90k")
    run.set_budget("")
    await run
    limits = run.record.limits
    assert (limits.tokens, limits.seconds, run.record.roster[0].mode) == (10_000, 300, "scratch")
    with pytest.raises(UserError, match="does not allow mode 'live' for coordinator; allowed: scratch"):
        Team(model=acting(lead=[])).start("Do it.", mode="live", namespace={}, show=False)
    with pytest.raises(UserError, match="does not allow the tool 'mail'"):
        Team(model=acting(lead=[]), tools=[mailer([])]).start("Do it.", namespace={}, show=False)


async def test_a_policy_asks_for_tools_by_name(tmp_path, monkeypatch):
    (tmp_path / "policy.toml").write_text("ask_tools = ['load_*']\n")
    monkeypatch.setenv("AGENTNB_POLICY", str(tmp_path / "policy.toml"))

    def load_prices() -> int:
        return 1

    run = Team(model=acting(lead=[code("x = await load_prices()"), final("x")]), tools=[load_prices]).start(
        "Do it.", namespace={}, show=False
    )
    asked = answering(run, YES)
    await run
    assert (asked[0].code, run.result) == ("load_prices()", 1)


def test_a_broken_policy_lets_nothing_run(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTNB_POLICY", str(tmp_path / "missing.toml"))

    async def begin():
        Team(model=acting(lead=[])).start("Do it.", namespace={}, show=False)

    with pytest.raises(UserError, match="which is no file"):
        asyncio.run(begin())


# --- questions --------------------------------------------------------------------------------------------------------


async def test_a_question_is_a_request_that_say_answers():
    run = start(acting(lead=[code("a = await ask_user('which?')"), final("a")]), approve="auto")
    run.attend()
    run.subscribe(lambda event, record: run.say("the left one") if isinstance(event, Asked) else None)
    await run
    (request,) = run.record.requests
    assert (request.kind, request.text, request.status, request.answer) == (
        "question",
        "which?",
        "answered",
        "the left one",
    )
    assert (run.result, run.tasks[0].status) == ("the left one", "completed")


@pytest.mark.parametrize(
    ("attended", "said"), [(True, "the person does not answer that: no time"), (False, "nobody can be asked here")]
)
async def test_a_question_without_an_answer_is_a_correction(attended, said):
    run = start(acting(lead=[code("a = await ask_user('which?')"), final("0")]), approve="auto")
    if attended:
        answering(run, ("denied", {"text": "no time"}))
    await run
    assert run.steps[0].error.name == Correction.__name__
    assert said in run.steps[0].error.message
    assert os.environ.get("AGENTNB_POLICY") is None
