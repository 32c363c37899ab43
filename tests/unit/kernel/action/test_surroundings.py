"""What code changes beside variables: put back or told."""

import builtins
import os
import subprocess
import time

import pytest

from agentnb.kernel.action import children
from agentnb.kernel.action.children import Children, described
from agentnb.kernel.action.surroundings import Surroundings


def told(act, namespace=None):
    around = Surroundings({} if namespace is None else namespace)
    around.enter()
    try:
        act()
    finally:
        around.leave()
    return around.notes()


def test_nothing_is_told_of_nothing():
    assert told(lambda: None) == []


def test_the_environment_and_the_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLD_MODE", "x")
    (tmp_path / "sub").mkdir()

    def act():
        os.environ["NEW_MODE"] = "secret-value"
        del os.environ["OLD_MODE"]
        os.chdir("sub")

    notes = told(act)
    assert notes == [
        "environment variables were changed: OLD_MODE, NEW_MODE",
        f"the working directory is now {tmp_path / 'sub'}",
    ]
    assert "secret-value" not in str(notes)
    monkeypatch.delenv("NEW_MODE")


def test_builtins_are_put_back(monkeypatch):
    before = builtins.len
    notes = told(lambda: setattr(builtins, "len", None))
    assert builtins.len is before
    assert notes == ["builtins were replaced and are put back: len"]


def test_names_that_cells_rely_on_are_put_back_and_variables_are_not():
    namespace = {"display": "as it was"}
    notes = told(lambda: namespace.update(print=None, display=None, list=[1], id=5), namespace)
    assert namespace == {"display": "as it was", "list": [1], "id": 5}
    assert notes == ["names that cells rely on were bound anew and are put back: display, print"]


def test_seeds_are_told_wherever_the_code_sets_them():
    code = compile("def prepare():\n    numpy.random.seed(1)\n", "cell", "exec")
    assert "a seed was set" in Surroundings({}).notes([code, None])[0]
    assert Surroundings({}).notes([compile("x = 1", "cell", "exec")]) == []


@pytest.fixture
def sleeper():
    started = []
    yield lambda: started.append(subprocess.Popen(["sleep", "60"])) or started[-1]
    for process in started:
        process.kill()
        process.wait()


def test_children_of_the_stretch_are_known_and_others_are_not(sleeper):
    before, watch = sleeper(), Children()
    watch.enter()
    within = sleeper()
    watch.leave()
    after = sleeper()
    assert [process.pid for process in watch.running()] == [within.pid]
    assert described(watch.running()) == f"`sleep 60` (pid {within.pid})"
    children.end(watch.running())
    deadline = time.monotonic() + 10
    while watch.running() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert watch.running() == []
    assert (before.poll(), after.poll()) == (None, None)
