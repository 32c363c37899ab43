import pytest

from agentnb._smolagents import import_smolagents
from agentnb.errors import ToolError
from agentnb.tools import as_tool, expand_tools, tool

smolagents = import_smolagents()


class Converter(smolagents.Tool):
    name = "convert"
    description = "Converts an amount."
    inputs = {
        "amount": {"type": "number", "description": "how much"},
        "to": {"type": "string", "description": "currency", "nullable": True},
    }
    output_type = "object"

    def __init__(self):
        super().__init__()
        self.setups = 0

    def setup(self):
        self.setups += 1
        super().setup()

    def forward(self, amount: float, to: str | None = "EUR") -> dict:
        return {to: amount}


class Lookup(smolagents.Tool):
    name = "lookup"
    description = "Takes a dict whose keys are its own argument's name."
    inputs = {"table": {"type": "object", "description": "any"}}
    output_type = "any"

    def forward(self, table: dict):
        return table


def test_shape():
    made = as_tool(Converter())
    assert made.name == "convert"
    assert made.signature == "convert(amount: float, to: str | None = 'EUR') -> dict"
    assert made.doc == "Converts an amount.\namount: how much\nto: currency"


def test_setup_runs_at_the_first_call_only():
    converter = Converter()
    made = as_tool(converter)
    assert (converter.setups, converter.is_initialized) == (0, False)
    assert made.call(3) == {"EUR": 3}
    assert made.call(amount=3, to="USD") == {"USD": 3}
    assert made.call(3, "GBP") == {"GBP": 3}
    assert (converter.setups, converter.is_initialized) == (1, True)


def test_wrong_arguments():
    made = as_tool(Converter())
    with pytest.raises(ToolError, match=r"`amount` must be float.*call it as convert\(amount: float"):
        made.call("3")
    with pytest.raises(ToolError, match="unexpected keyword argument"):
        made.call(3, sanitize_inputs_outputs=True)


def test_a_dict_stays_one_argument():
    assert as_tool(Lookup()).call({"table": 1}) == {"table": 1}
    assert as_tool(Lookup()).call({}) == {}


def test_a_subclass_that_forgot_super_works_too():
    class Forgetful(Lookup):
        def __init__(self):
            pass

    assert as_tool(Forgetful()).call({"a": 1}) == {"a": 1}


def test_decorated_function():
    def shout(text: str) -> str:
        """Make it loud.

        Args:
            text: what to shout
        """
        return text.upper()

    shouter = smolagents.tool(shout)
    made = as_tool(shouter)
    assert (made.name, made.signature) == ("shout", "shout(text: str) -> str")
    assert made.call("a") == "A"
    assert tool(shouter, name="loud").call("a") == "A"


def test_collection():
    collection = smolagents.ToolCollection([Converter(), Lookup()])
    assert [each.name for each in expand_tools([collection])] == ["convert", "lookup"]
