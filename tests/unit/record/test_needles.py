from hypothesis import given
from hypothesis import strategies as st

from agentnb.record import needles
from agentnb.record.needles import Needles
from agentnb.record.secrets import SHAPES

WORDS = [needle for shape in SHAPES for needle in shape.needles]
pieces = st.lists(st.sampled_from([*WORDS, *(word[1:] for word in WORDS), "-", "=", "_", "J", " ", "ß"]), max_size=30)


@given(pieces, st.sampled_from(["", " " * needles._SHORT, "_" * needles._SHORT, "a-" * needles._SHORT]))
def test_what_is_found_is_what_a_plain_search_finds(parts, filling):
    text = filling.join(["", "".join(parts)])
    for whole in (text + filling, filling + text):
        assert Needles(WORDS).within(whole) == {word for word in WORDS if word in whole}
