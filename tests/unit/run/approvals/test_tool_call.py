"""A tool call in the person's hands: what they leave alone stays the object it is, what they write are plain values."""

import ast

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb import UserError
from agentnb.run.approvals.tool_call import ToolCall

FRAME = pd.DataFrame({"a": [1, 2]})
PLAIN = st.text(max_size=20) | st.integers() | st.floats(allow_nan=True) | st.booleans() | st.none()


def test_plain_values_are_written_out_and_others_are_named():
    call = ToolCall("save", (FRAME, 3), {"path": "a.csv", "like": "x" * 3000})
    first, *comments = call.text.splitlines()
    assert first == "save(value_1, 3, path='a.csv', like=value_2)"
    assert comments[0].startswith("# value_1: DataFrame")
    assert comments[1].startswith("# value_2: 'xxx")
    assert all(len(line) < 2100 for line in comments)


def test_what_is_left_alone_stays_the_object():
    call = ToolCall("save", (FRAME,), {"path": "a.csv"})
    edited = call.edited("save(value_1, path='b.csv', mode='w')")
    assert edited.args[0] is FRAME
    assert edited.kwargs == {"path": "b.csv", "mode": "w"}
    assert call.edited("save(path=value_1)").kwargs["path"] is FRAME


def test_a_redacted_key_stays_and_cannot_be_moved():
    call = ToolCall("send", ("sk-123",), {"to": "ann"})
    shown = "send('[redacted KEY]', to='ann')"
    edited = call.edited("send('[redacted KEY]', to='bob')", shown)
    assert (edited.args, edited.kwargs) == (("sk-123",), {"to": "bob"})
    with pytest.raises(UserError, match="a key is redacted"):
        call.edited("send('x', to='[redacted KEY]')", shown)


@pytest.mark.parametrize(
    "text",
    ["send(", "", "send", "send(*[1])", "send(**{})", "other(1)", "send(1)\nsend(2)", "x = send(1)", "a.send(1)"],
)
def test_anything_but_the_call_is_refused(text):
    with pytest.raises(UserError, match="only the arguments of this call can be edited; write send"):
        ToolCall("send", (1,), {}).edited(text)


@pytest.mark.parametrize("value", ["open('x')", "value_9", "1 + x", "[value_1]", "f'{1}'"])
def test_an_argument_is_a_literal_or_a_name_that_is_shown(value):
    with pytest.raises(UserError, match="is no plain value; write a literal or value_1"):
        ToolCall("send", (FRAME,), {}).edited(f"send({value})")


@given(st.lists(PLAIN, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c"]), PLAIN))
def test_what_is_shown_is_the_call(args, kwargs):
    call = ToolCall("send", tuple(args), kwargs)
    ast.parse(call.text)
    same = call.edited(call.text)
    assert all(one is other for one, other in zip(same.args, args, strict=True))
    assert all(same.kwargs[key] is value for key, value in kwargs.items())
