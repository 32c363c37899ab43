import sys
from pathlib import Path

import pytest

from agentnb.errors import UserError
from agentnb.team.config import McpConfig
from agentnb.tools import MCPServer, aexpand_tools, as_tool, expand_tools, tool
from agentnb.tools.mcp import close

SCRIPT = str(Path(__file__).parents[2] / "support" / "mcp_server.py")
SERVER = {"command": sys.executable, "args": [SCRIPT]}


@pytest.fixture(scope="module", autouse=True)
def _closed():
    yield
    close()


def load():
    return 1


def names(tools) -> list[str]:
    return [each.name for each in tools]


def test_kinds_and_order():
    given = [load, ["math:sqrt", (tool(load, name="again"),)], "os.path:join"]
    assert names(expand_tools(given)) == ["load", "sqrt", "again", "join"]


def test_the_same_one_twice_is_one():
    class Desk:
        def get(self): ...

    desk = Desk()
    assert names(expand_tools([load, as_tool(load), load, desk.get, desk.get])) == ["load", "get"]


def test_two_of_one_name():
    def other():
        return 2

    with pytest.raises(UserError, match=r"two tools are called 'load'; name one of them: tool\(fn, name='load_2'\)"):
        expand_tools([load, tool(other, name="load")])


def test_two_objects_of_one_class_are_two():
    class Desk:
        def get(self): ...

    with pytest.raises(UserError, match="two tools are called 'get'"):
        expand_tools([Desk().get, Desk().get])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("load", "write it as"),
        ("no.such.module:f", "cannot be loaded .ModuleNotFoundError"),
        ("math:nothing", "cannot be loaded .AttributeError"),
        ({"comand": "x"}, "has no 'comand'; it takes command"),
        ({"args": []}, "needs a command or a url"),
        (5, "a int cannot be called"),
    ],
)
def test_what_is_no_tool(wrong, says):
    with pytest.raises(UserError, match=says):
        expand_tools([wrong])


async def test_servers_in_all_forms_are_one():
    config = McpConfig(command=SERVER["command"], args=(SCRIPT,))
    found = await aexpand_tools([SERVER, MCPServer(**SERVER), config, load])
    assert names(found).count("add") == 1
    assert names(found)[-1] == "load"


async def test_a_servers_tool_makes_way_for_another_of_its_name():
    def add(a: int) -> int:
        return a

    found = await aexpand_tools([add, MCPServer(**SERVER, name="my probe")])
    assert "add" in names(found)
    assert "my_probe_add" in names(found)
    assert "greet" in names(found)
    renamed = next(each for each in found if each.name == "my_probe_add")
    assert renamed.signature.startswith("my_probe_add(b: int")
    assert await renamed.call(2, 3) == 5


def test_config_takes_keys_from_the_environment(monkeypatch):
    config = McpConfig(command="x", env=("PROBE_KEY",))
    monkeypatch.delenv("PROBE_KEY", raising=False)
    with pytest.raises(UserError, match="needs PROBE_KEY; set it in the environment"):
        expand_tools([config])
