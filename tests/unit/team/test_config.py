from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentnb.errors import ConfigError, OptionError
from agentnb.run.notebook import team_from_config
from agentnb.team.config import AgentConfig, Config, McpConfig, TeamConfig, load_config, parse_config

FULL = """\
model = "openai/gpt-5-mini"
api_base = "http://127.0.0.1:8000/v1"
budget = "60k, 5m"
approve = "ask"

[teams.desk]
mode = "live"
approve = "plan"
tools = ["desk.report:publish"]

[[teams.desk.agents]]
name = "ingest"
role = "loads market data"
tools = [
  "desk.data:load_prices",
  { command = "uvx", args = ["mcp-server-fetch"], env = ["FETCH_KEY"], timeout = 5 },
  { url = "http://127.0.0.1:9/mcp", name = "docs" },
]

[[teams.desk.agents]]
name = "quant"
role = "fits models"
mode = "branch"
timeout = 90

[teams.empty]
"""


def test_whole_file():
    assert parse_config(FULL) == Config(
        model="openai/gpt-5-mini",
        api_base="http://127.0.0.1:8000/v1",
        budget="60k, 5m",
        approve="ask",
        teams={
            "desk": TeamConfig(
                name="desk",
                mode="live",
                approve="plan",
                tools=("desk.report:publish",),
                agents=(
                    AgentConfig(
                        "ingest",
                        "loads market data",
                        tools=(
                            "desk.data:load_prices",
                            McpConfig(command="uvx", args=("mcp-server-fetch",), env=("FETCH_KEY",), timeout=5.0),
                            McpConfig(url="http://127.0.0.1:9/mcp", name="docs"),
                        ),
                    ),
                    AgentConfig("quant", "fits models", mode="branch", timeout=90.0),
                ),
            ),
            "empty": TeamConfig(name="empty"),
        },
    )


def broken(old: str, new: str) -> str:
    assert old in FULL
    with pytest.raises(ConfigError) as caught:
        parse_config(FULL.replace(old, new, 1))
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('model = "openai', 'modle = "openai', 1, "unknown key `modle`; did you mean `model`?"),
        ('api_base = "', "api_base = 3 # ", 2, "`api_base` must be text, not a number"),
        ('budget = "60k, 5m"', "budget = 60000", 3, 'write budget = "60k"'),
        ('approve = "ask"', 'approve = "aks"', 4, "did you mean `ask`?"),
        ('approve = "plan"', 'approve = "sometimes"', 8, "write one of auto, ask, plan"),
        ("[teams.desk]", "[teams.desk]\nroles = 1", 7, "unknown key `roles`"),
        ("[teams.empty]", "[teams.not-a-name]", 26, "team name 'not-a-name' cannot be used in code"),
        ("[teams.empty]", "[teams]\nempty = 1", 27, "`empty` must be a table"),
        ('name = "ingest"', "", 11, "`name` is missing"),
        ('name = "ingest"', 'name = "in gest"', 12, "try 'in_gest'"),
        ('name = "ingest"', 'name = "final_answer"', 12, "a meaning of its own"),
        ('name = "quant"', 'name = "ingest"', 21, "two agents are called `ingest`"),
        ('mode = "branch"', 'mode = "brnch"', 23, "did you mean `branch`?"),
        ("timeout = 90", "timeout = 0", 24, "seconds above 0"),
        ("timeout = 90", "timeout = nan", 24, "seconds above 0"),
        ("timeout = 90", "timeout = true", 24, "seconds above 0"),
        ("timeout = 5 }", "timeot = 5 }", 16, "did you mean `timeout`?"),
        ('{ url = "http://127.0.0.1:9/mcp", ', "{ ", 14, "a command or a url"),
        ('"desk.data:load_prices"', '"load_prices"', 14, "'load_prices' is no tool"),
        ('tools = ["desk.report:publish"]', 'tools = "desk.report:publish"', 9, "`tools` must be a list, not text"),
        ('role = "fits models"', "role = ", 22, "this is not TOML"),
    ],
)
def test_faults_have_line_and_suggestion(old: str, new: str, line: int, says: str):
    message = broken(old, new)
    assert message.startswith(f"agentnb.toml, line {line}: ")
    assert says in message


def test_line_is_not_misled_by_text_that_looks_like_toml():
    text = '[[teams.a.agents]]\nname = "x"\nrole = """\n[teams.a]\nmodle = 1\n"""\nmodle = 2\n'
    with pytest.raises(ConfigError, match="line 7: unknown key `modle`"):
        parse_config(text)


def test_second_of_two_equal_keys_is_found_in_its_own_table():
    text = '[teams."a"]\nmode = "live"\n[teams . b]\nmode = "lve"\n'
    with pytest.raises(ConfigError, match="line 4"):
        parse_config(text)


def test_dotted_keys_are_found():
    with pytest.raises(ConfigError, match="line 2: `mode` cannot be 'x'"):
        parse_config('teams.a.model = "m"\nteams.a.mode = "x"\n')


def test_budget_is_checked_by_the_caller():
    def check(text: str) -> None:
        if "bananas" in text:
            raise OptionError(f"the budget {text!r} is not understood; write for instance 60k")

    assert parse_config('budget = "60k"', check_budget=check).budget == "60k"
    with pytest.raises(ConfigError, match="line 2: the budget '3 bananas' is not understood; write"):
        parse_config('[teams.a]\nbudget = "3 bananas"', check_budget=check)


class TestSearch:
    def test_nearest_file_upward_wins(self, tmp_path: Path):
        inner = tmp_path / "a" / "b"
        inner.mkdir(parents=True)
        (tmp_path / "agentnb.toml").write_text('model = "far"')
        assert load_config(inner).model == "far"
        (tmp_path / "a" / "agentnb.toml").write_text('model = "near"')
        found = load_config(inner)
        assert (found.model, found.path) == ("near", tmp_path / "a" / "agentnb.toml")

    def test_no_file_above_home_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        home = tmp_path / "home"
        (home / "work").mkdir(parents=True)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("USERPROFILE", str(home))
        (tmp_path / "agentnb.toml").write_text('model = "stranger"')
        assert load_config(home / "work") == Config()
        (home / "agentnb.toml").write_text('model = "mine"')
        assert load_config(home / "work").model == "mine"

    def test_working_directory_is_where_it_starts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "agentnb.toml").write_bytes(b'\xef\xbb\xbfmodel = "here"\r\n')
        assert load_config().model == "here"

    def test_message_tells_which_file_where_it_is_not_in_this_folder(self, tmp_path: Path):
        (tmp_path / "agentnb.toml").write_text("x = 1")
        (tmp_path / "sub").mkdir()
        with pytest.raises(ConfigError, match=r"^agentnb\.toml, line 1"):
            load_config(tmp_path)
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / "sub")
        assert str(caught.value).startswith(f"{tmp_path / 'agentnb.toml'}, line 1: unknown key `x`")

    def test_a_folder_above_that_is_closed_is_passed_over(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        def is_file(path: Path) -> bool:
            if path.parent == tmp_path:
                raise PermissionError
            return False

        (tmp_path / "sub").mkdir()
        monkeypatch.setattr(Path, "is_file", is_file)
        assert load_config(tmp_path / "sub") == Config()

    def test_not_utf8(self, tmp_path: Path):
        (tmp_path / "agentnb.toml").write_bytes(b'model = "\xff"')
        with pytest.raises(ConfigError, match="not UTF-8"):
            load_config(tmp_path)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, '"""', "[a\n", "\x00"])
def test_hostile_text(text: str):
    with pytest.raises(ConfigError):
        parse_config(text)


KEYS = st.sampled_from(
    ["model", "api_base", "budget", "approve", "teams", "mode", "agents", "tools", "name", "role", "x"]
)
VALUES = st.sampled_from(
    ['"a"', '"live"', '"auto"', "1", "nan", "[]", "{}", '["a:b"]', '[{command="a"}]', '"""\n', "1979-05-27"]
)
HEADERS = st.sampled_from(
    ["[teams]", "[teams.a]", "[[teams.a.agents]]", '[teams."b c"]', "[[teams]]", "[teams.a.agents]"]
)
LINES = st.one_of(st.builds("{} = {}".format, KEYS, VALUES), HEADERS, st.text(max_size=12))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(LINES, max_size=12).map("\n".join)))
def test_any_text_gives_a_config_or_a_config_error(text: str):
    with suppress(ConfigError):  # anything else is a fault
        assert isinstance(parse_config(text), Config)


def test_the_address_of_a_dask_scheduler():
    assert parse_config('[dask]\naddress = "tcp://127.0.0.1:8786"').dask == "tcp://127.0.0.1:8786"
    assert (parse_config("[dask]").dask, parse_config("").dask) == (None, None)
    with pytest.raises(ConfigError, match=r"line 1: `dask` must be a table.*under \[dask\]"):
        parse_config('dask = "tcp://127.0.0.1:8786"')
    with pytest.raises(ConfigError, match=r"line 2: unknown key `adress`; did you mean `address`"):
        parse_config('[dask]\nadress = "tcp://127.0.0.1:8786"')


@pytest.mark.parametrize(
    ("text", "size"), [("2 GB", 2 << 30), ("500mb", 500 << 20), ("1.5 kB", 1536), ("0", 0), ("10", 10)]
)
def test_memory_for_undo(text, size):
    assert parse_config(f'undo_memory = "{text}"').undo_memory == size


@pytest.mark.parametrize("text", ['"much"', "5", '"-1 GB"', '"2 gigs"'])
def test_memory_for_undo_that_is_no_size(text):
    with pytest.raises(ConfigError, match=r"agentnb.toml, line 1: .*undo_memory.*2 GB"):
        parse_config(f"undo_memory = {text}")


def test_what_is_asked_and_what_may_run_unasked():
    found = parse_config(
        'approve_timeout = 300\nallow_read_only = true\n[[teams.desk.agents]]\nname = "a"\nrole = "b"\n'
        'approve = "ask"\nread_only = true\ntools = [{ command = "x", approve = "ask" }]\n'
    )
    agent = found.teams["desk"].agents[0]
    assert (found.approve_timeout, found.allow_read_only) == (300.0, True)
    assert (agent.approve, agent.read_only, agent.tools[0].approve) == ("ask", True, "ask")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("allow_read_only = 1", "line 1: `allow_read_only` must be a truth value"),
        ("approve_timeout = 0", "line 1: `approve_timeout` must be a number of seconds above 0"),
        ('[[teams.a.agents]]\nname = "b"\nrole = "c"\napprove = "plan"', "line 4: `approve` cannot be 'plan'"),
    ],
)
def test_faults_in_what_is_asked(text, says):
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    assert says in str(caught.value)


def test_branches_of_a_team_and_of_one_of_its_agents():
    found = parse_config(
        '[teams.desk]\nmemory = "4 GB"\nif_lost = "fail"\n[[teams.desk.agents]]\nname = "a"\nrole = "b"\n'
        'memory = "512 MB"\nif_lost = "live"\n[[teams.desk.agents]]\nname = "c"\nrole = "d"\n'
    ).teams["desk"]
    team = team_from_config(found)
    assert (team.lead.memory, team.lead.if_lost) == (4.0, "fail")
    assert [(member.memory, member.if_lost) for member in team] == [(0.5, "live"), (None, None)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("memory = 4", '`memory` must be text, not a number; write memory = "2 GB"'),
        ('memory = "0"', '`memory` is a size above 0 such as "2 GB"; leave it out for the default'),
        ('memory = "much"', '`memory` is a size such as "2 GB" or "500 MB"'),
        ('if_lost = "retry"', "`if_lost` cannot be 'retry'"),
    ],
)
@pytest.mark.parametrize("table", ["[teams.a]\n", '[[teams.a.agents]]\nname = "b"\nrole = "c"\n'])
def test_faults_in_what_branches_may(table, line, says):
    with pytest.raises(ConfigError) as caught:
        parse_config(table + line)
    assert f"agentnb.toml, line {len(table.splitlines()) + 1}" in str(caught.value)
    assert says in str(caught.value)
