from __future__ import annotations

import re
import time

import pytest

from agentnb.record.document import RunRecord, Step, Task
from agentnb.views.html import LIVE_BYTES, render_html
from tests.support import records
from tests.unit.views.test_safe_html import faults_of


@pytest.mark.parametrize("make", records.ALL.values(), ids=records.ALL)
@pytest.mark.parametrize("live", [False, True])
def test_every_state_is_drawn_well_formed(make, live):
    assert faults_of(render_html(make(), live=live)) == []


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("</style>", 1)[1]).split())


def test_head_result_team_and_work_come_in_this_order():
    text = text_of(render_html(records.done()))
    places = [text.index(word) for word in ("done", "33.4 s", "Result", "-0.0587", "Time line", "Team", "Work")]
    assert places == sorted(places)
    assert "22.4k tokens" in text
    assert "$0.04" in text


def test_a_child_task_stands_within_the_step_that_asked_for_it():
    page = render_html(records.done())
    first, second, third = (page.index(f"<b>Step {number}</b>", page.index("Work</b>")) for number in (1, 2, 3))
    ingest = page.index("Load the monthly closes, drop rows", page.index("Work</b>"))
    assert first < ingest
    assert page.count("anb-task ") == 4
    assert second != third


def test_changes_notes_and_errors_are_shown():
    text = text_of(render_html(records.done()))
    assert "+ clean: DataFrame 388x10" in text
    assert "~ clean in place" in text
    assert "\u2212 returns" in text
    assert "tried again after 3 s" in text
    assert "&#x27;Adj Close&#x27;" in text


def test_what_waits_for_the_person_stands_before_the_rest():
    page = text_of(render_html(records.asking()))
    places = [page.index(word) for word in ("Waits for you", "It writes a file.", "Which currency", "Asked", "Work")]
    assert places == sorted(places)
    assert "touches clean.csv" in page


def test_what_was_answered_says_how_and_what_was_changed():
    page = text_of(render_html(records.asking()))
    assert "allowed by user with changes, for the whole run: keep my prices" in page
    assert "As the agent wrote it clean = prices . dropna () prices . clear ()" in page
    assert "code edited by you" in page
    assert "12.0k tokens" in page


def test_undone_steps_limits_and_details_of_changes_are_shown():
    page = render_html(records.asking())
    assert 'class="anb-chips anb-undone"' in page
    text = text_of(page)
    assert "undone: these variables were put back" in text
    assert "column `price`: 3 cells changed" in text
    assert "13.0 s of 5 min · 9.8k of 60k tokens · $0.0210 of $0.50 · 1 of 3 agents · 2 of 20 steps" in text


def test_a_run_under_way_says_as_of_when():
    shown = text_of(render_html(records.asking(), live=True))
    assert "As it stood 13.0 s after the start of the run, which began 2025-03-04 10:15:00Z." in shown
    assert "As it stood" not in text_of(render_html(records.done()))


def test_the_newest_figures_of_a_run_that_is_over_stand_once_beside_its_result():
    pictures = [records.png(width, 10) for width in (11, 12, 13)]
    steps = [
        Step(
            id=f"s{n}",
            task="t",
            agent="x",
            number=n,
            status="done",
            outputs=[records.display(png=each, plain="Figure")],
        )
        for n, each in enumerate(pictures)
    ]
    failed = Step(
        id="s3", task="t", agent="x", number=3, status="failed", outputs=[records.display(png=records.png(14))]
    )
    task = Task(id="t", agent="x", brief="draw")
    record = RunRecord(tasks=[task], steps=[*steps, failed], status="done", result={"text/plain": "0.5"})
    page = render_html(record)
    beside = page[page.index("<b>Result</b>") : page.index("<b>Work</b>")]
    assert page.count("<b>Figures</b>") == 1
    assert [beside.count(each) for each in pictures] == [0, 1, 1]
    assert beside.count("data:image/png") == 2
    assert "Figure" not in text_of(render_html(record, live=True)).split("Work")[0]

    record.steps = steps[:1]
    assert render_html(record).count("<b>Figure</b>") == 1
    record.steps = [failed]
    assert "<b>Figure" not in render_html(record)


@pytest.mark.parametrize(("make", "words"), [(records.failed, "refused the key"), (records.limit, "was used up")])
def test_a_run_that_did_not_end_well_says_so_and_why(make, words):
    page = render_html(make())
    assert f'anb-head anb-{make().status}"' in page
    assert words in text_of(page)
    assert "<b>Result</b>" not in page


def test_steps_at_work_are_unfolded_with_all_that_leads_to_them():
    page = render_html(records.running(), live=True)
    assert len(re.findall(r'<details class="anb-task anb-in_progress" open>', page)) == 3
    assert len(re.findall(r'<details class="anb-step anb-(?:thinking|acting)" open>', page)) == 3


def test_a_live_update_is_small_whatever_the_record_holds():
    record = records.running()
    record.steps[-1].outputs = [records.stream("x" * 900_000), records.display(png=records.png(1500, 900))] * 30
    record.steps[-1].thought = "word " * 100_000
    assert len(render_html(record, live=True).encode()) <= LIVE_BYTES
    assert len(render_html(records.huge(), live=True).encode()) <= LIVE_BYTES


def test_ten_thousand_steps_stay_usable():
    started = time.process_time()
    page = render_html(records.huge())
    assert time.process_time() - started < 3
    assert len(page) < 2_000_000
    assert "9,999" in page or "x_9999" in page


def test_links_that_run_in_circles_or_nowhere_lose_no_step():
    tasks = [
        Task(id="a", agent="x", brief="one", parent_step="sb"),
        Task(id="b", agent="x", brief="two", parent_step="sa"),
        Task(id="c", agent="x", brief="three", parent="c"),
        Task(id="d", agent="x", brief="four", parent_step="nowhere"),
    ]
    steps = [Step(id=f"s{name}", task=name, agent="x", number=1, thought=f"thought-{name}") for name in "abcde"]
    page = render_html(RunRecord(tasks=tasks, steps=steps, status="done"))
    assert all(f"<p>thought-{name}</p>" in page for name in "abcde")


def test_deep_delegation_is_drawn():
    tasks = [Task(id=f"t{n}", agent="x", brief="", parent_step=f"s{n - 1}" if n else None) for n in range(3_000)]
    steps = [Step(id=f"s{n}", task=f"t{n}", agent="x", number=1, thought="x") for n in range(3_000)]
    assert faults_of(render_html(RunRecord(tasks=tasks, steps=steps, status="done"))) == []


def test_the_same_record_gives_the_same_page():
    assert render_html(records.done()) == render_html(records.done())


def test_an_empty_record_is_drawn():
    assert "running" in render_html(RunRecord())
