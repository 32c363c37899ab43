"""Tab as a notebook asks for it: the kernel's reply to a completion request."""

import pytest

SETUP = """
prices, profits = [1.0], 2
desk = Team([Agent("quant", "fits models")])
"""


@pytest.fixture
def tab(agents_kernel):
    agents_kernel.run(SETUP, check=True)

    def press(text):
        code, position = text.replace("|", "", 1), text.index("|")
        reply = agents_kernel.request("complete_request", {"code": code, "cursor_pos": position})
        replaced = code[reply["cursor_start"] : reply["cursor_end"]]
        return replaced, [match.strip() for match in reply["matches"]]

    return press


def test_options_agents_and_variables_are_offered_and_nothing_of_python(tab):
    assert tab("%%agents --mo|\nThe task.") == ("--mo", ["--mode", "--model"])
    assert tab("%%agents -t desk @|\nThe task.") == ("@", ["@quant"])
    assert tab("%%agents\nAverage {pr|} by month.") == ("pr", ["prices", "profits"])
    assert tab("%agents sto|") == ("sto", ["stop"])


def test_python_is_completed_as_ever(tab):
    replaced, matches = tab("x = 1\npric|")
    assert (replaced, "prices" in matches) == ("pric", True)
    assert "%%agents" in tab("%%agen|")[1]


def test_nothing_of_it_is_left_after_unloading(tab, agents_kernel):
    agents_kernel.run("%unload_ext agentnb", check=True)
    try:
        assert "--mode" not in tab("%%agents --mo|")[1]
    finally:
        agents_kernel.run("%load_ext agentnb", check=True)
