from __future__ import annotations

import asyncio
import functools
import inspect
import math
import typing
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from agentnb import Agent
from agentnb.errors import ToolError, UserError
from agentnb.tools import Tool, as_tool, tool


def load_prices(ticker: str, years: int = 5, *, how: Literal["raw", "clean"] = "raw") -> pd.DataFrame:
    """Monthly closing prices of one ticker."""
    if ticker == "NONE":
        raise ValueError("no such ticker")
    return pd.DataFrame({"close": range(years)})


def loose(df, scale: float = 1.0, names: list[str] | None = None, more: nowhere.Thing = None, flag: bool = False):  # noqa: F821
    return df


class Desk:
    def load(self, ticker: str) -> str:
        """Load from the desk."""
        return f"desk {ticker}"


class PriceLoader:
    """Loads prices."""

    def __call__(self, ticker: str) -> str:
        return f"loader {ticker}"


class SlowLoader:
    async def __call__(self, ticker: str) -> str:
        """Load without haste."""
        return ticker


class TestShape:
    def test_function(self):
        made = as_tool(load_prices)
        assert made.name == "load_prices"
        assert made.signature == (
            "load_prices(ticker: str, years: int = 5, *, how: Literal['raw', 'clean'] = 'raw') -> DataFrame"
        )
        assert made.doc == "Monthly closing prices of one ticker."
        assert (made.is_async, made.timeout, made.origin) == (False, 60.0, load_prices)

    def test_annotations_that_cannot_be_resolved_stay_as_written(self):
        assert as_tool(loose).signature == (
            "loose(df, scale: float = 1.0, names: list[str] | None = None, more: nowhere.Thing = None, "
            "flag: bool = False)"
        )
        assert as_tool(loose).doc == "loose"

    def test_annotation_kinds(self):
        def kinds(
            a: typing.Optional[int],  # noqa: UP045
            b: typing.Callable[[int], str],
            c: typing.Annotated[str, "note"],
            d: dict[str, list[float]],
            e: typing.Any,
            *rest: np.ndarray,
            **named: tuple[int, ...],
        ) -> None: ...

        assert as_tool(kinds).signature == (
            "kinds(a: int | None, b: Callable[[int], str], c: str, d: dict[str, list[float]], e: Any, "
            "*rest: ndarray, **named: tuple[int, ...]) -> None"
        )

    def test_long_or_odd_defaults_are_not_shown(self):
        class Loud:
            def __repr__(self) -> str:
                raise RuntimeError

        def odd(a=object(), b="x" * 100, c=Loud(), d=math.sqrt): ...  # noqa: B008

        assert as_tool(odd).signature == "odd(a=..., b=..., c=..., d=sqrt)"

    def test_partial_shows_what_is_left(self):
        made = as_tool(functools.partial(functools.partial(load_prices, "AAPL"), how="clean"))
        assert made.name == "load_prices"
        assert made.signature == "load_prices(years: int = 5) -> DataFrame"
        assert len(made.call(2)) == 2
        with pytest.raises(ToolError, match="unexpected keyword argument 'how'"):
            made.call(how="raw")

    def test_methods_and_callables(self):
        desk = Desk()
        method = as_tool(desk.load)
        assert (method.name, method.signature, method.doc) == (
            "load",
            "load(ticker: str) -> str",
            "Load from the desk.",
        )
        assert method.call("A") == "desk A"
        loader = as_tool(PriceLoader())
        assert (loader.name, loader.doc) == ("price_loader", "Loads prices.")
        assert loader.signature == "price_loader(ticker: str) -> str"
        assert loader.call("A") == "loader A"
        assert as_tool(SlowLoader()).is_async
        assert as_tool(SlowLoader()).doc == "Load without haste."

    def test_builtins_that_tell_nothing(self):
        assert as_tool(math.hypot).call(3, 4) == 5
        assert as_tool(math.sqrt).call(4) == 2

    def test_help_and_inspect_in_the_agents_code_tell_the_same(self):
        made = as_tool(load_prices)
        assert list(inspect.signature(made.call).parameters) == ["ticker", "years", "how"]
        assert made.call.__name__ == "load_prices"
        assert made.call.__doc__ == made.doc

    def test_a_tool_passes_through(self):
        made = as_tool(load_prices)
        assert as_tool(made) is made


class TestOptions:
    def test_name_and_timeout(self):
        made = tool(load_prices, name="prices", timeout=5)
        assert (made.name, made.timeout, made.origin) == ("prices", 5.0, load_prices)
        assert made.signature.startswith("prices(ticker: str")

    def test_decorated_function_can_still_be_called(self):
        @tool(timeout=3)
        def twice(x: int) -> int:
            return 2 * x

        @tool
        def thrice(x: int) -> int:
            return 3 * x

        assert isinstance(twice, Tool)
        assert (twice(2), thrice(2), twice.timeout) == (4, 6, 3.0)

    def test_a_tool_can_be_renamed(self):
        renamed = tool(as_tool(load_prices), name="other")
        assert renamed.signature.startswith("other(ticker")
        assert (renamed.origin, renamed.timeout, len(renamed.call("A", 1))) == (load_prices, 60.0, 1)

    def test_a_named_lambda_will_do(self):
        assert tool(lambda x: x + 1, name="add_one").call(1) == 2

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            (lambda x: x, r"write it with def, or as tool\(lambda"),
            (Desk, r"Desk is a class.*pass Desk\(\.\.\.\)"),
            (3, "a int cannot be called"),
            (None, "cannot be called"),
        ],
    )
    def test_what_cannot_be_a_tool(self, wrong, says):
        with pytest.raises(UserError, match=says):
            as_tool(wrong)

    @pytest.mark.parametrize(("name", "better"), [("web-search", "web_search"), ("class", "class_"), ("2x", "_2x")])
    def test_bad_names_get_a_better_one(self, name, better):
        with pytest.raises(UserError, match=f"name='{better}'"):
            tool(load_prices, name=name)

    @pytest.mark.parametrize("timeout", [0, -1, math.inf, math.nan])
    def test_bad_timeouts(self, timeout):
        with pytest.raises(UserError, match="timeout=60"):
            tool(load_prices, timeout=timeout)


class TestCalls:
    @pytest.mark.parametrize(
        ("args", "kwargs", "says"),
        [
            ((), {}, "missing a required argument: 'ticker'"),
            (("A", 1, "raw"), {}, "too many positional arguments"),
            (("A",), {"symbol": "B"}, "unexpected keyword argument 'symbol'"),
            ((7,), {}, "`ticker` must be str, not int (7)"),
            (("A", "5"), {}, "`years` must be int, not str ('5')"),
            (("A", 5.5), {}, "`years` must be int, not float (5.5)"),
            (("A",), {"how": "wild"}, "`how` must be Literal['raw', 'clean'], not str ('wild')"),
        ],
    )
    def test_wrong_calls_are_told_the_right_one(self, args, kwargs, says):
        with pytest.raises(ToolError) as caught:
            as_tool(load_prices).call(*args, **kwargs)
        message = str(caught.value)
        assert message.startswith("load_prices: ")
        assert says in message
        assert "call it as load_prices(ticker: str, years: int = 5, *, how:" in message

    def test_what_was_given_is_shown_in_brief(self):
        with pytest.raises(ToolError, match=r"given was \(<DataFrame>, <str>, how='raw'\)"):
            as_tool(load_prices).call(pd.DataFrame(), "x" * 1000, how="raw")

    @pytest.mark.parametrize("years", [2, True, np.int64(2), np.uint8(2)])
    def test_whole_numbers(self, years):
        assert len(as_tool(load_prices).call("A", years)) == years

    @pytest.mark.parametrize(
        "given",
        [
            {"scale": 1},
            {"scale": np.float32(1.5)},
            {"scale": np.int64(1)},
            {"names": ("a",)},
            {"names": pd.Series(["a"])},
            {"names": None},
            {"flag": np.True_},
            {"more": object()},
        ],
    )
    def test_what_fits(self, given):
        assert as_tool(loose).call("df", **given) == "df"

    @pytest.mark.parametrize("given", [{"scale": "1"}, {"names": "a"}, {"names": {}}, {"names": 3}, {"flag": 1}])
    def test_what_does_not_fit(self, given):
        with pytest.raises(ToolError, match=f"`{next(iter(given))}` must be"):
            as_tool(loose).call("df", **given)

    def test_variable_arguments_are_checked_one_by_one(self):
        def total(*numbers: int, **named: str) -> int:
            return sum(numbers)

        assert as_tool(total).call(1, 2, a="x") == 3
        with pytest.raises(ToolError, match="`numbers` must be int"):
            as_tool(total).call(1, "2")
        with pytest.raises(ToolError, match="`named` must be str"):
            as_tool(total).call(a=1)

    def test_none_as_default_may_be_given(self):
        def implicit(years: int = None) -> int:  # noqa: RUF013
            return years

        assert as_tool(implicit).call(None) is None

    async def test_a_forgotten_await_is_said(self):
        async def later() -> int:
            return 1

        pending = later()
        with pytest.raises(ToolError, match="`df` was given a result that is not there yet: write `await`"):
            as_tool(loose).call(pending)
        await pending

    def test_the_tools_own_error_is_told_with_its_cause(self):
        with pytest.raises(ToolError, match="load_prices failed: ValueError: no such ticker;") as caught:
            as_tool(load_prices).call("NONE")
        assert isinstance(caught.value.__cause__, ValueError)
        assert caught.value.__cause__.__traceback__.tb_next is not None

    def test_a_huge_message_and_one_that_raises_are_bounded(self):
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        def huge():
            raise ValueError("x" * 10**6)

        def mute():
            raise Mute

        with pytest.raises(ToolError) as caught:
            as_tool(huge).call()
        assert len(str(caught.value)) < 2000
        with pytest.raises(ToolError, match=r"mute failed: Mute: \(no message\)"):
            as_tool(mute).call()

    def test_corrections_and_interrupts_pass_unchanged(self):
        def correct():
            raise ToolError("mine")

        def interrupt():
            raise KeyboardInterrupt

        with pytest.raises(ToolError, match=r"^mine$"):
            as_tool(correct).call()
        with pytest.raises(KeyboardInterrupt):
            as_tool(interrupt).call()


class TestAsync:
    async def test_async_function(self):
        async def fetch(ticker: str) -> str:
            """Fetch."""
            await asyncio.sleep(0)
            return ticker

        made = as_tool(functools.partial(fetch))
        assert made.is_async
        assert await made.call("A") == "A"
        with pytest.raises(ToolError, match="`ticker` must be str"):
            await made.call(1)

    async def test_time_limit(self):
        async def hang() -> None:
            await asyncio.Event().wait()

        with pytest.raises(ToolError, match=r"hang took over 0\.05 s"):
            await tool(hang, timeout=0.05).call()

    async def test_a_timeout_of_the_tools_own_is_its_failure(self):
        async def give_up() -> None:
            raise TimeoutError("upstream")

        with pytest.raises(ToolError, match="give_up failed: TimeoutError: upstream"):
            await as_tool(give_up).call()

    async def test_cancelling_is_no_tool_error(self):
        async def hang() -> None:
            await asyncio.Event().wait()

        task = asyncio.ensure_future(as_tool(hang).call())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_an_agent_is_no_tool():
    with pytest.raises(UserError, match="put it on the team"):
        tool(Agent("quant", "fits"))
