"""Row 60 at random: in CI 10,000 texts in the place of a configuration."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentnb.errors import ConfigError
from agentnb.team.config import Config, parse_config
from tests.faults.fuzzing import fuzzed
from tests.unit.team.test_config import LINES


@fuzzed
@given(st.one_of(st.text(max_size=60), st.lists(LINES, max_size=12).map("\n".join)))
def test_fault_60_any_text_is_a_configuration_or_a_fault_that_says_what_to_do(text):
    try:
        assert isinstance(parse_config(text), Config)
    except ConfigError as error:
        assert str(error).startswith("agentnb.toml")  # noqa: PT017
