"""Commands of a page: read by type, refused with a sentence."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.errors import UserError
from agentnb.page import orders
from agentnb.page.orders import read_order
from agentnb.record.document import PlanItem

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(["stop", "say", "hire", "answer", "budget", "undo", "cells", "fly", ""])
fields = st.sampled_from(["id", "kind", "text", "to", "agent", "settings", "plan", "status", "request", "step", "spec"])


@given(st.dictionaries(fields, values, max_size=5), names | values)
def test_whatever_a_page_sends_is_a_command_or_refused(message, name):
    with suppress(UserError):
        assert isinstance(read_order({**message, "name": name}), orders.Order)


def test_an_answer_with_an_edited_plan():
    order = read_order(
        {
            "kind": "command",
            "id": "1",
            "name": "answer",
            "request": "q1",
            "status": "allowed",
            "plan": [{"agent": "quant", "brief": "fit"}],
            "for_run": True,
        }
    )
    assert isinstance(order, orders.Answer)
    assert order.plan == [PlanItem(agent="quant", brief="fit")]
    assert (order.for_run, order.code, order.text) == (True, None, "")


def test_only_the_settings_that_were_sent_are_given():
    order = read_order({"name": "change", "agent": "a", "settings": {"role": "x", "max_steps": 3}})
    assert isinstance(order, orders.Change)
    assert order.settings.given() == {"role": "x", "max_steps": 3}


@pytest.mark.parametrize("settings", [{"colour": "red"}, {"mode": "wild"}, {"tools": "all"}, {"timeout": "long"}])
def test_settings_that_do_not_exist_are_refused(settings):
    with pytest.raises(UserError, match="reload the page"):
        read_order({"name": "hire", "agent": "a", "settings": settings})
