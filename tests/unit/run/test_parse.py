import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentnb.run.parse import parse_reply

PIECES = st.sampled_from(
    [
        "<code>",
        "</code>",
        "\n",
        "```python\n",
        "```",
        "x = 1",
        " ",
        "print('</code>')",
        "<code",
        "é",
        "\t",
        "# no",
        "\\",
    ]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join))


@given(TEXTS)
def test_any_text_is_read(text):
    parsed = parse_reply(text)
    assert parsed.code is None or parsed.code.strip()
    assert parsed.thought == parsed.thought.strip()


LINES = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n<`\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=40
)


@given(st.lists(LINES, min_size=1, max_size=8), LINES)
def test_what_a_recording_writes_is_read_back(lines, thought):
    code = "\n".join(lines).strip("\n").rstrip()
    parsed = parse_reply(f"{thought}\n<code>\n{code}\n</code>")
    assert parsed.thought == thought.strip()
    assert parsed.code == (code if code.strip() else None)
    assert not parsed.more


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("Do.\n<code>\nx = 1\n</code>", "x = 1"),
        ("Do. <code>x = 1</code>", "x = 1"),
        ("Do.\n<code>\nx = '</code>'\ny = 2\n</code>\nDone.", "x = '</code>'\ny = 2"),
        ("<code>x = '</code>'; y = 2</code>", "x = '</code>'; y = 2"),
        ("<code>\nx = 1\n", "x = 1"),
        ("Do.\n```python\nx = 1\n```", "x = 1"),
        ("Do.\n```py\nx = 1\n```", "x = 1"),
        ("Do.\n```\nx = 1\n```", "x = 1"),
        ("<code>\n```python\nx = 1\n```\n</code>", "x = 1"),
        ("<code>\nif x:\n    y = 1\n</code>", "if x:\n    y = 1"),
        ("<code>\n%time x = 1\n!ls\n</code>", "%time x = 1\n!ls"),
    ],
)
def test_code_is_found(reply, code):
    assert parse_reply(reply).code == code


@pytest.mark.parametrize("reply", ["", "I am done: 42.", "<code>\n\n</code>", "<code></code>", "```text\nhello\n```"])
def test_no_code_is_no_code(reply):
    assert parse_reply(reply).code is None


def test_an_indented_block_keeps_its_indentation_and_compiles():
    parsed = parse_reply("<code>\n\nfor i in range(2):\n    print(i)\n\n</code>")
    ast.parse(parsed.code)


@pytest.mark.parametrize(
    "reply", ["<code>\na\n</code>\nthen\n<code>\nb\n</code>", "```python\na\n```\nthen\n```python\nb\n```"]
)
def test_of_several_blocks_the_first_counts_and_it_is_said(reply):
    parsed = parse_reply(reply)
    assert (parsed.code, parsed.more) == ("a", True)


def test_a_fence_in_a_string_of_tagged_code_stays():
    code = "doc = '''\n```python\nx\n```\n'''"
    assert parse_reply(f"<code>\n{code}\n</code>").code == code
