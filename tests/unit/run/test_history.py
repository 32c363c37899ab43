import itertools

from hypothesis import given
from hypothesis import strategies as st

from agentnb.run.history import COMPACT_ABOVE, KEEP, History, Turn

TEXT = st.text(min_size=1, max_size=60)
TURNS = st.builds(Turn, TEXT | st.just(""), TEXT, TEXT)


def texts(history):
    return [(message.role, message.text) for message in history.messages()]


def whole(history):
    return "".join(f"\0{role}\0{text}" for role, text in texts(history))


@given(st.lists(TURNS, max_size=12))
def test_each_prompt_begins_with_the_one_before(turns):
    history = History("system", "opening")
    before = whole(history)
    for turn in turns:
        history.add(turn)
        after = whole(history)
        assert after.startswith(before)
        before = after


@given(st.lists(TURNS | TEXT, max_size=12), st.integers(0, 200))
def test_user_and_assistant_take_turns_also_after_compaction(turns, keep):
    history = History("system", "opening")
    for turn in turns:
        history.add(turn) if isinstance(turn, Turn) else history.ask(turn)
    history.compact(keep)
    roles = [role for role, _ in texts(history)]
    assert roles[:2] == ["system", "user"]
    assert all(one != other for one, other in itertools.pairwise(roles))


def test_a_hundred_long_steps_stay_bounded_and_compaction_is_rare():
    history = History("system" * 100, "opening")
    sizes, rewritten, before = [], 0, whole(history)
    for number in range(100):
        history.add(Turn("code " * 200, f"output {number} " * 300, f"step {number}: looked at output {number}"))
        after = whole(history)
        rewritten += not after.startswith(before)
        sizes.append(len(after))
        before = after
    assert max(sizes) <= COMPACT_ABOVE + 100 * 200 + 1000
    assert 0 < rewritten <= 20
    assert texts(history)[0] == ("system", "system" * 100)
    assert "step 0: looked at output 0" in texts(history)[1][1]
    assert "output 99 output 99" in texts(history)[-1][1]


def test_compaction_keeps_the_newest_steps_word_for_word():
    history = History("system", "opening")
    for number in range(10):
        history.add(Turn("s" * 2000, f"{number}" * 2000, f"step {number}"))
    assert history.compact(KEEP)
    kept = [text for role, text in texts(history) if role == "user"]
    assert [text[0] for text in kept[1:]] == ["6", "7", "8", "9"]
    assert all(f"step {number}" in kept[0] for number in range(6))
    assert "step 6" not in kept[0]


def test_the_last_step_is_never_drawn_together():
    history = History("system", "opening")
    assert not history.compact(0)
    history.add(Turn("said", "told", "line"))
    assert not history.compact(0)
    history.add(Turn("said again", "told again", "line 2"))
    assert history.compact(0)
    assert not history.compact(0)
    assert texts(history)[-1] == ("user", "told again")


def test_a_question_of_the_persons_follows_in_the_same_conversation():
    history = History("system", "opening")
    history.add(Turn("said", "told", "line"))
    history.ask("and by year?")
    assert texts(history)[-1] == ("user", "told\n\nand by year?")


def test_images_go_with_their_step():
    history = History("system", "opening")
    history.add(Turn("said", "told", "line", (b"png",)))
    assert [message.images for message in history.messages()] == [(), (), (), (b"png",)]


def test_tokens_are_estimated_from_all_that_is_sent():
    history = History("s" * 400, "o" * 400)
    assert history.tokens == 200
