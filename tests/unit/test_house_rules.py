"""The rules of CONTRIBUTING that a linter does not know."""

import ast
import importlib
import re
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "agentnb").rglob("*.py"))

LONGEST_FILE = 500
MEDIAN_OF_THE_PACKAGE = 150
MOST_EXPORTS = 12

FOREIGN = {
    "a path of one machine": r"(?<![\w.:~}$-])/(?:work|root|home/\w+|Users/\w+|tmp/w)/",
    "a registry's host": r"\b(?:(?:pypi|pythonhosted)\.org|registry\.(?:npmjs|yarnpkg)\.\w+|deb\.debian\.org)\b",
}


def tracked_files() -> list[Path]:
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_of_code_is_too_long():
    code = [path for path in tracked_files() if path.suffix in {".py", ".ts", ".tsx"}]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in code}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_the_packages_files_are_short():
    lengths = [len(path.read_text("utf-8").splitlines()) for path in MODULES if path.name != "__init__.py"]
    assert statistics.median(lengths) <= MEDIAN_OF_THE_PACKAGE


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_names_what_only_one_machine_knows(what):
    found = []
    for path in tracked_files():
        if path == Path(__file__):
            continue
        text = path.read_text("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in re.finditer(FOREIGN[what], text)]
    assert found == []


def test_the_lock_file_holds_exact_versions_and_nothing_else():
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_every_folder_of_the_package_is_a_package():
    folders = {path.parent for path in MODULES}
    assert {str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()} == set()


def test_the_shop_window_is_small_and_nothing_in_it_is_missing():
    agentnb = importlib.import_module("agentnb")
    assert 0 < len(agentnb.__all__) <= MOST_EXPORTS
    assert [name for name in agentnb.__all__ if not hasattr(agentnb, name)] == []
