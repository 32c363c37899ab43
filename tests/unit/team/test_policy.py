"""What an administrator allows: read strictly, joined to the strictest."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.errors import ConfigError, UserError
from agentnb.run.budget import Budget
from agentnb.team.policy import FILE, Policy, load_policy, parse_policy

WHOLE = """
approve = "plan"
approve_timeout = 60
allow_read_only = false
budget = "10k, 5m"
modes = ["scratch", "branch"]
forbid_tools = ["send_*"]
ask_tools = ["write_*"]
"""


def test_a_whole_policy():
    assert parse_policy(WHOLE) == Policy(
        "plan", 60.0, False, ("10k, 5m",), ("scratch", "branch"), ("send_*",), ("write_*",)
    )
    assert parse_policy("") == Policy()


def test_all_files_count_and_each_only_tightens(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, text in ((one, WHOLE), (two, "approve = 'ask'\napprove_timeout = 90\nmodes = ['live', 'scratch']\n")):
        folder.mkdir()
        (folder / FILE).write_text(text)
    mine = tmp_path / "mine.toml"
    mine.write_text("approve = 'auto'\nallow_read_only = true\nbudget = '99k'\n")
    found = load_policy([one, two, tmp_path], {"AGENTNB_POLICY": str(mine)})
    assert found == Policy("ask", 60.0, False, ("10k, 5m", "99k"), ("scratch",), ("send_*",), ("write_*",))


def test_by_default_it_is_looked_for_in_jupyters_folders(tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_core.paths.SYSTEM_CONFIG_PATH", [str(tmp_path)])
    monkeypatch.setattr("jupyter_core.paths.ENV_CONFIG_PATH", [])
    (tmp_path / FILE).write_text("approve = 'ask'\n")
    assert load_policy(environ={}).approve == "ask"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aprove = 'ask'", "line 1: unknown key `aprove`; did you mean `approve`?"),
        ("approve = 'never'", "line 1: `approve` cannot be 'never'"),
        ("\nallow_read_only = 'no'", "line 2: `allow_read_only` must be a truth value, not text"),
        ("modes = ['turbo']", "there is no mode 'turbo'"),
        ("budget = 'much'", "is not understood"),
        ("approve =", "this is not TOML"),
    ],
)
def test_a_fault_is_told_with_its_line(text, said):
    with pytest.raises(ConfigError, match=FILE) as caught:
        parse_policy(text, check_budget=Budget.parse)
    assert said in str(caught.value)


def test_a_policy_that_is_named_and_missing_lets_nothing_run(tmp_path):
    with pytest.raises(ConfigError, match="is no file; correct it or unset it"):
        load_policy([], {"AGENTNB_POLICY": str(tmp_path / "gone.toml")})


def test_modes_and_tools():
    policy = parse_policy(WHOLE)
    policy.check_mode("scratch", "quant")
    policy.check_tool("mail")
    with pytest.raises(UserError, match="does not allow mode 'live' for quant; allowed: scratch, branch"):
        policy.check_mode("live", "quant")
    with pytest.raises(UserError, match="does not allow the tool 'send_mail'"):
        policy.check_tool("send_mail")
    assert (policy.asks_for("write_file"), policy.asks_for("read_file")) == (True, False)


POLICIES = st.builds(
    Policy,
    approve=st.sampled_from(["auto", "plan", "ask"]),
    approve_timeout=st.none() | st.floats(1, 100),
    allow_read_only=st.booleans(),
    modes=st.lists(st.sampled_from(["live", "scratch", "branch"]), unique=True).map(tuple),
)


@given(POLICIES, POLICIES)
def test_what_is_joined_is_never_looser(one, two):
    both, order = one.joined(two), ["auto", "plan", "ask"]
    for each in (one, two):
        assert order.index(both.approve) >= order.index(each.approve)
        assert set(both.modes) <= set(each.modes)
        assert both.allow_read_only <= each.allow_read_only
        assert each.approve_timeout is None or both.approve_timeout <= each.approve_timeout


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_a_config_error(text):
    with suppress(ConfigError):
        assert parse_policy(text) == Policy()
