"""The table of the faults is whole: each row has a test, or a reason why it has none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

FOLDER = Path(__file__).parent
BROWSER = FOLDER.parent / "browser"
NUMBERED = re.compile(r"test_fault_(\d\d)_")
README = (FOLDER / "README.md").read_text("utf-8")


def numbered() -> dict[str, int]:
    """Name and row of every test of a fault."""
    found = {}
    for path in [*FOLDER.glob("test_*.py"), *BROWSER.glob("test_*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (match := NUMBERED.match(node.name)):
                found[node.name] = int(match[1])
    return found


def section(title: str) -> str:
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows_of(text: str) -> set[int]:
    numbers = re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE)
    return {int(number) for cell in numbers for number in cell.split(",")}


def test_every_row_has_a_test_or_stands_among_those_of_the_browser():
    assert set(numbered().values()) | rows_of(section("In the browser")) == set(range(1, 61))


def test_the_table_names_every_row_once_and_tests_that_exist():
    table = README.partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \|.*\| `(test_\w+)`.*\|$", table, re.MULTILINE)
    numbers = [int(number) for number, _ in rows]
    assert numbers == sorted(set(numbers))
    assert set(numbers) | rows_of(section("In the browser")) == set(range(1, 61))
    known = numbered()
    assert [(number, name) for number, name in rows if known.get(name) != int(number)] == []


def test_exceptions_have_a_reason():
    lines = [line for line in section("Exceptions").splitlines() if re.match(r"\| \d", line)]
    assert lines
    for line in lines:
        _, _, exception, reason, _ = line.split("|")
        assert exception.strip()
        assert reason.strip()
