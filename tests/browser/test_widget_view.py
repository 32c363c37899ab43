"""The view of a run in a real browser: what it shows, what can be done, and that nothing in a record can act."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from agentnb.record.codec import to_dict
from agentnb.record.document import Change, Limits, PlanItem, Request, RunRecord
from tests.browser.hostile import hostile
from tests.browser.server import EXTENSION
from tests.browser.widget import STATIC, WidgetPage
from tests.support import records
from tests.unit.views.test_safe_html import CORPUS

Show = Callable[..., WidgetPage]


@pytest.fixture
def show(chromium: Browser) -> Iterator[Show]:
    """Show a record; at the end no script may have raised an error, nothing may have been loaded."""
    pages: list[WidgetPage] = []

    def open_page(record, **how) -> WidgetPage:
        pages.append(WidgetPage(chromium, record, **how))
        return pages[-1]

    yield open_page
    for page in pages:
        assert page.errors == []
        assert [url for url in page.requests if not url.startswith(("data:", "blob:"))] == []
        page.close()


def asking() -> RunRecord:
    """A run in which everything that can wait for the person waits."""
    record = records.running()
    record.limits, record.seq = Limits(tokens=25_000), 100
    record.steps[6].status, record.steps[6].timing.code_started_at = "waiting", None
    changes = [Change(name="prices", kind="mutated", before="3x1", after="3x2", detail=["column mean added"])]
    plan = [PlanItem(agent="ingest", brief="Load", tokens=5000), PlanItem(agent="quant", brief="Fit")]
    record.requests = [
        Request(id="q", kind="question", agent="coordinator", text="Which one?"),
        Request(id="a", kind="action", agent="reporter", step="s7", code="x = 1", touches=["x"]),
        Request(id="p", kind="plan", agent="coordinator", plan=plan),
        Request(id="m", kind="merge", agent="quant", changes=changes),
    ]
    return record


@pytest.mark.parametrize("name", sorted(records.ALL))
@pytest.mark.parametrize("width", [1000, 600])
def test_each_state_shows_on_its_face_and_fits_the_page(show, name, width):
    record = records.ALL[name]()
    page = show(record, width=width)
    word = {"limit": "limit reached"}.get(record.status, record.status)
    word = "waits for you" if any(request.status == "open" for request in record.requests) else word
    expect(page.run.locator(".agentnb-head .agentnb-state")).to_have_text(word)
    expect(page.run.locator(".agentnb-result")).to_have_count(1 if record.result else 0)
    if record.reason:
        expect(page.run.locator(".agentnb-why")).to_have_text(record.reason)
    for member in record.roster:
        expect(page.run.locator(".agentnb-team")).to_contain_text(member.name)
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_a_page_loads_is_small():
    """Every widget in a notebook sends its script whole; the extension is one script, with its style sheet in it."""
    (extension,) = (EXTENSION / "static").glob("*.js")
    for script in (STATIC / "widget.js", extension):
        assert len(gzip.compress(script.read_bytes())) <= 40_000, script.name


def test_the_licences_of_what_is_in_the_scripts_are_beside_them():
    for folder, names in ((STATIC, {"marked", "preact"}), (EXTENSION / "static", {"preact"})):
        packages = json.loads((folder / "third-party-licenses.json").read_text())["packages"]
        assert {package["name"] for package in packages} == names
        assert all("Copyright" in package["extractedText"] for package in packages)


def test_the_tree_unfolds_by_keyboard_alone(show):
    page = show(records.done())
    keys = page.page.keyboard
    page.row("task:t1").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        keys.press(key)
    step = page.row("step:s2")
    expect(step).to_be_focused()
    expect(step).to_have_attribute("aria-expanded", "true")
    expect(step).to_contain_text("rows with text: 3")
    keys.press("Tab")
    expect(page.button("Copy", within=step)).to_be_focused()
    page.row("step:s2").focus()
    keys.press("ArrowLeft")
    expect(step).to_have_attribute("aria-expanded", "false")
    keys.press("ArrowLeft")
    expect(page.row("task:t2")).to_be_focused()
    assert page.run.locator('[role=treeitem][tabindex="0"]').count() == 1


def test_the_script_keeps_to_what_anywidget_promises(show):
    """``WidgetPage`` gives the model nothing else; what is left after both clean-ups would leak in a long session."""
    page = show(records.done()).page
    assert page.evaluate("added") == []
    page.evaluate("cleanup()")
    assert page.evaluate("el.childNodes.length") == 0
    page.evaluate("forget()")
    assert page.evaluate("Object.values(listeners).flat().length") == 0


def tab_to(page: WidgetPage, name: str) -> None:
    """Press Tab until what has the focus is called ``name``."""
    for _ in range(60):
        page.page.keyboard.press("Tab")
        told = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"
        if page.page.evaluate(told).startswith(name):
            return
    pytest.fail(f"Tab does not lead to {name}")


def test_a_person_with_a_keyboard_alone_can_stop_approve_look_and_fold(show):
    page = show(asking())
    keys = page.page.keyboard
    for name, key in (("Stop", "Enter"), ("Allow once", "Space"), ("Time line", "Enter")):
        tab_to(page, name)
        keys.press(key)
    assert page.sent() == [{"name": "stop"}, {"name": "answer", "request": "a", "status": "allowed"}]
    tab_to(page, "coordinator: model")
    keys.press("ArrowRight")
    assert page.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("coordinator: code")
    keys.press("Enter")
    step = page.row("step:s1")
    expect(step).to_be_focused()
    expect(step).to_have_attribute("aria-expanded", "true")
    keys.press("ArrowLeft")
    expect(step).to_have_attribute("aria-expanded", "false")


AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
LOOK = """
async () => {
  await new Promise(drawn => setTimeout(drawn, 400));  // until colours have faded in
  const { violations } = await axe.run('#output', { resultTypes: ['violations'] });
  const bad = violations.filter(each => ['serious', 'critical'].includes(each.impact));
  return bad.flatMap(each => each.nodes.map(node => [each.id, node.html.slice(0, 200), node.failureSummary]));
}
"""
UNFOLD = """
document.querySelectorAll('[role=treeitem][aria-expanded=false] > .agentnb-line').forEach(line => line.click())
"""


def test_everything_unfolded_is_accessible_in_light_and_dark_and_fits_600_pixels(show):
    page = show(asking())
    page.page.evaluate(AXE.read_text(encoding="utf-8"))
    for name in ("Time line", "More", "Hire"):
        page.button(name).first.click()
    for _ in range(2):
        page.page.evaluate(UNFOLD)
    for scheme, ground in (("light", "#fff"), ("dark", "#15181d")):
        page.page.emulate_media(color_scheme=scheme)
        page.page.evaluate("colour => void (document.body.style.background = colour)", ground)
        assert page.page.evaluate(LOOK) == [], scheme
    page.page.set_viewport_size({"width": 600, "height": 800})
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_markdown_without_a_typesetter_keeps_formulas_as_they_are_and_draws_the_rest(show):
    record = records.done()
    text = "# Why\n\nFor $a_i * b_i$ and $c_i * d$ *see* `x & y`, 5 &lt; 6 costs $3 or $4.\n\n- [x] **one**\n- two\n\n"
    table = "| a | b |\n|:-:|--:|\n| 1 | [x](https://x.example) |\n\n![far](https://x.example/a.png) <b>raw</b>"
    record.result = {"text/markdown": text + table}
    result = show(record).run.locator(".agentnb-result .agentnb-prose")
    expect(result.locator("p").first).to_have_text("For $a_i * b_i$ and $c_i * d$ see x & y, 5 < 6 costs $3 or $4.")
    expect(result.locator("em")).to_have_text("see")
    expect(result.locator("h1")).to_have_text("Why")
    assert result.locator("li").all_inner_texts() == ["☑ one", "two"]
    expect(result.locator("td a")).to_have_attribute("href", "https://x.example")
    expect(result.locator("img, b")).to_have_count(0)
    expect(result.locator("p").last).to_have_text("far <b>raw</b>")


def test_outputs_are_drawn_as_the_notebook_would(show):
    page = show(records.done())
    for row in ("task:t2", "task:t3", "task:t4"):
        page.row(row).locator(".agentnb-line").click()
    for row in ("step:s2", "step:s6", "step:s7"):
        page.row(row).locator(".agentnb-line").click()
    expect(page.row("step:s2").locator(".agentnb-fg1.agentnb-bold")).to_have_text("3")
    expect(page.row("step:s6").locator("th", has_text="EWMA")).to_be_visible()
    expect(page.row("step:s7").locator("img")).to_have_attribute("src", "data:image/png;base64," + records.png())
    expect(page.row("step:s2").locator(".agentnb-t-string").first).to_have_text('"all"')
    expect(page.row("step:s6").locator(".agentnb-change", has_text="returns")).to_contain_text("−")
    page.row("step:s5").locator("summary").click()
    expect(page.row("step:s5").locator(".agentnb-terminal")).to_contain_text("----> 2 portfolio")


def test_the_time_line_leads_to_the_step(show):
    page = show(records.done())
    page.button("Time line").click()
    assert page.run.locator(".agentnb-lanes > div").all_inner_texts() == ["coordinator", "ingest", "quant", "reporter"]
    page.run.locator('[data-step="s6"]').first.click()
    expect(page.row("step:s6")).to_be_focused()
    expect(page.row("step:s6")).to_contain_text("portfolio")


def test_a_question_is_answered(show):
    page = show(asking())
    box = page.page.get_by_label("Answer to coordinator")
    box.fill("both")
    box.press("Enter")
    assert page.sent() == [{"name": "answer", "request": "q", "status": "answered", "text": "both"}]


def test_an_action_is_allowed_with_and_without_an_edit_or_denied(show):
    page = show(asking())
    at_top = page.run.locator(".agentnb-requests > .agentnb-request").nth(1)
    page.button("Allow once", within=at_top).click()
    page.button("Allow the like for this run", within=at_top).click()
    code = page.page.get_by_label("The code, which you may edit")
    expect(code).to_have_count(1)
    code.fill("x = 2")
    page.button("Allow as edited", within=at_top).click()
    code.fill("x = 1")
    at_top.get_by_label("Why it is denied").fill("too soon")
    page.button("Deny", within=at_top).click()
    answer = {"name": "answer", "request": "a"}
    assert page.sent() == [
        {**answer, "status": "allowed"},
        {**answer, "status": "allowed", "for_run": True},
        {**answer, "status": "allowed", "code": "x = 2"},
        {**answer, "status": "denied", "text": "too soon"},
    ]


def test_a_step_leads_to_its_request(show):
    page = show(asking())
    step = page.row("step:s7")
    expect(step).to_contain_text("action waits for you")
    page.button("Go to the request", within=step).click()
    expect(page.page.get_by_label("The code, which you may edit")).to_be_focused()


def test_a_plan_is_edited_and_a_merge_shows_what_it_brings(show):
    page = show(asking())
    plan, merge = (page.run.locator(".agentnb-requests > .agentnb-request").nth(place) for place in (2, 3))
    plan.get_by_label("Tokens").nth(1).fill("900")
    plan.get_by_title("Remove this line").first.click()
    page.button("Allow as edited", within=plan).click()
    expect(merge).to_contain_text("column mean added")
    page.button("Allow", within=merge).click()
    left = {"agent": "quant", "brief": "Fit", "tokens": 900, "cost": None}
    assert page.sent() == [
        {"name": "answer", "request": "p", "status": "allowed", "plan": [left]},
        {"name": "answer", "request": "m", "status": "allowed"},
    ]


def test_the_person_steers(show):
    page = show(asking())
    page.button("Pause").click()
    page.button("Stop").click()
    page.button("More").click()
    page.page.get_by_label("Budget").fill("100k, 10m")
    page.button("Set").click()
    page.page.get_by_label("to whom").select_option("quant")
    page.page.get_by_label("What to say").fill("Hurry.")
    page.page.keyboard.press("Enter")
    page.button("Dismiss").first.click()
    page.button("Sure?").click()
    page.button("Undo").first.click()
    page.button("Undo this step?").click()
    assert page.sent() == [
        {"name": "pause"},
        {"name": "stop"},
        {"name": "budget", "spec": "100k, 10m"},
        {"name": "say", "text": "Hurry.", "to": "quant"},
        {"name": "dismiss", "agent": "ingest"},
        {"name": "undo", "step": "s1"},
    ]


def test_agents_are_hired_and_changed(show):
    page = show(asking())
    page.button("Hire").first.click()
    form = page.run.get_by_role("form", name="Hire an agent")
    form.get_by_label("Name").fill("critic")
    form.get_by_label("Role").fill("finds faults")
    form.get_by_label("Tools").fill("load, fit")
    form.get_by_label("Steps per task").fill("7")
    page.button("Hire", within=form).click()
    expect(form).to_be_visible()
    settings = {"max_steps": 7, "tools": ["load", "fit"]}
    assert page.sent() == [{"name": "hire", "agent": "critic", "role": "finds faults", "settings": settings}]
    expect(form).to_have_count(0)
    page.page.get_by_title("Change quant").click()
    form = page.run.get_by_role("form", name="Change quant")
    form.locator("select").select_option("scratch")
    page.button("Change quant", within=form).click()
    assert page.sent() == [{"name": "change", "agent": "quant", "settings": {"mode": "scratch"}}]


def test_a_refusal_is_shown_until_it_is_dismissed(show):
    page = show(asking())
    page.button("Pause").click()
    (message,) = page.page.evaluate("sent")
    page.say({"kind": "reply", "id": message["id"], "ok": False, "text": "It is at its last step."})
    expect(page.run.get_by_role("alert")).to_contain_text("It is at its last step.")
    page.page.get_by_title("Dismiss", exact=True).click()
    expect(page.run.get_by_role("alert")).to_have_count(0)


def test_what_is_typed_stays_in_the_view(show):
    page = show(asking())
    page.page.evaluate("addEventListener('keydown', event => (window.heard ??= []).push(event.key))")
    page.page.get_by_label("What to say").type("dd")
    for key in ("Control+a", "Control+z", "Control+Enter", "Shift+Enter", "Control+s"):
        page.page.keyboard.press(key)
    page.row("task:t1").focus()
    for key in ("ArrowDown", "End", "Control+s", "Escape"):
        page.page.keyboard.press(key)
    heard = [key for key in page.page.evaluate("heard") if key not in ("Control", "Shift")]
    assert heard == ["s", "s", "Escape"]


def test_events_stream_in_and_leave_what_is_drawn_alone(show):
    page = show(asking())
    page.row("step:s1").locator(".agentnb-bundle").evaluate("node => (node.firstChild.marked = true)")
    delta = {"type": "reply_delta", "step": "s6", "text": " and then", "seq": 100, "at": 23.0}
    page.say({"kind": "events", "events": [delta]})
    expect(page.row("step:s6").locator(".agentnb-streaming")).to_contain_text("and then")
    record = asking()
    record.seq, record.steps[5].thought = 200, "Anew."
    page.say({"kind": "snapshot", "record": to_dict(record)})
    expect(page.row("step:s6").locator(".agentnb-streaming")).to_have_text("Anew.")
    assert page.row("step:s1").locator(".agentnb-bundle").evaluate("node => node.firstChild.marked === true")


def test_the_end_leaves_nothing_to_do_and_nothing_that_turns(show):
    page = show(asking())
    page.say({"kind": "gone"})
    expect(page.run).to_have_attribute("data-status", "crashed")
    expect(page.run.locator(".agentnb-busy")).to_have_count(0)
    expect(page.run.locator(".agentnb-request")).to_have_count(0)
    expect(page.button("Stop")).to_have_count(0)


def test_ten_thousand_steps_open_by_blocks_and_every_one_can_be_reached(show):
    page = show(records.huge(10_000, 1))
    assert page.run.locator("[role=treeitem]").count() < 100
    page.run.get_by_text("9,980 earlier steps").click()
    rows = page.run.locator("[role=treeitem]")
    expect(page.row("step:s0")).to_be_visible()
    assert rows.count() < 1000
    page.row("task:t0").focus()
    page.page.keyboard.press("End")
    expect(page.row("step:s9999")).to_be_focused()
    page.page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    expect(page.row("step:s5000")).to_be_attached()
    assert rows.count() < 1000


def test_a_newer_version_is_only_summarised(show):
    page = show({**to_dict(records.done()), "version": 9})
    expect(page.run.locator(".agentnb-why")).to_contain_text("pip install -U agentnb")
    expect(page.run.locator(".agentnb-result")).to_contain_text("EWMA")
    expect(page.run.locator(".agentnb-tree")).to_have_count(0)


FAULTS = """
() => {
  const faults = [];
  const tags = /^(script|iframe|object|embed|meta|link|base|style|math|video|audio|template|frame|portal)$/;
  const names = /^on|commandlinker|^(id|name|srcset|ping|background)$/;
  for (const node of document.querySelectorAll('#output *')) {
    const name = node.localName;
    if (tags.test(name)) faults.push(name);
    for (const { name: attribute, value } of node.attributes) {
      const compact = value.replace(/\\s/g, '').toLowerCase();
      if (names.test(attribute)) faults.push(attribute);
      if (attribute === 'src' && !compact.startsWith('data:image/')) faults.push(`src=${value}`);
      if (attribute === 'href' && !/^(https?:\\/\\/|mailto:)/.test(compact)) faults.push(`href=${value}`);
      if (attribute === 'style' && /url\\(|position/.test(compact)) faults.push(`style=${value}`);
      const foreign = value.split(' ').some(each => each && !each.startsWith('agentnb-'));
      if (attribute === 'class' && foreign) faults.push(`class=${value}`);
    }
  }
  return faults;
}
"""


def test_nothing_in_a_record_can_act(show):
    """All of the corpus in one page: whatever ran, loaded or opened would be seen by ``show``."""
    page = show(records.done())
    for number, text in enumerate(CORPUS, 1):
        ended, live = hostile(text, number), hostile(text, number)
        live.status, live.requests[0].status = "running", "open"
        for record in (live, ended):
            page.say({"kind": "snapshot", "record": to_dict(record)})
            assert page.page.evaluate(FAULTS) == [], text
    page.page.wait_for_timeout(200)


def test_the_watch_sees_what_it_has_to_see(show):
    page = show(records.done())
    for bad in (
        "<a href='javascript:x'>",
        "<i onclick=x>",
        "<p class=jp-Dialog>",
        "<b id=x>",
        "<math>",
        "<img src=x:y>",
    ):
        page.page.evaluate("html => (el.innerHTML = html)", bad)
        assert page.page.evaluate(FAULTS), bad
    page.requests.clear()
