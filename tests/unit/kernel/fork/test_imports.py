"""Imports of another thread at the moment of a fork."""

import importlib.util
import sys
import threading
from collections.abc import Iterator
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from agentnb.kernel.fork import ForkRefused, fork
from agentnb.kernel.fork.imports import native_import

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux")
HALF = "import sys; sys.half_made.set(); sys.rest.wait(30); done = True"


@pytest.fixture
def halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to import from; what is imported may wait for ``sys.rest`` and say that it does."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("half_made", "rest"):
        monkeypatch.setattr(sys, name, threading.Event(), raising=False)
    yield tmp_path
    sys.rest.set()  # type: ignore[attr-defined]
    for name in [name for name in sys.modules if name.startswith("half")]:
        del sys.modules[name]


def in_thread(name: str) -> threading.Thread:
    thread = threading.Thread(target=__import__, args=(name,), name="importer", daemon=True)
    thread.start()
    assert sys.half_made.wait(30)  # type: ignore[attr-defined]
    return thread


def test_a_half_made_module_of_python_code_is_run_again_in_the_child(halves: Path) -> None:
    (halves / "half.py").write_text(HALF)
    thread = in_thread("half")

    def main(connection) -> None:  # type: ignore[no-untyped-def]
        sys.rest.set()  # type: ignore[attr-defined]
        connection.send(str(__import__("half").done).encode())

    child = fork(main, patience=5)
    assert child.connection.receive().data == b"True"
    child.kill()
    sys.rest.set()  # type: ignore[attr-defined]
    thread.join(30)
    assert sys.modules["half"].done


def test_a_half_made_package_with_native_modules_means_no_fork_until_it_is_made(halves: Path) -> None:
    (halves / "half").mkdir()
    native = importlib.util.find_spec("_queue" if "_queue" not in sys.builtin_module_names else "_json")
    assert native is not None
    assert native.origin is not None
    copy = halves / "half" / Path(native.origin).name
    copy.write_bytes(Path(native.origin).read_bytes())
    (halves / "half" / "__init__.py").write_text(f"import half.{native.name}\n{HALF}")
    thread = in_thread("half")
    assert native_import() == "importer"
    with pytest.raises(ForkRefused, match="the thread importer is half way through the import of a native") as refused:
        fork(lambda connection: None, patience=0.05)
    assert refused.value.passing
    sys.rest.set()  # type: ignore[attr-defined]
    thread.join(30)
    assert native_import() is None
    assert fork(lambda connection: None, patience=5).wait(30) is not None


def test_so_does_a_native_module_that_is_being_set_up(halves: Path) -> None:
    loader = ExtensionFileLoader("half_native", "nowhere")
    started, stop = threading.Event(), threading.Event()

    def create(module: object) -> None:
        started.set()
        stop.wait(30)
        raise ImportError

    bootstrap = pytest.MonkeyPatch()
    bootstrap.setattr(importlib._bootstrap_external._imp, "exec_dynamic", create)  # type: ignore[attr-defined]

    def act() -> None:
        with pytest.raises(ImportError):
            loader.exec_module(ModuleType("half_native"))

    thread = threading.Thread(target=act, name="importer", daemon=True)
    thread.start()
    try:
        assert started.wait(30)
        assert native_import() == "importer"
    finally:
        stop.set()
        thread.join(30)
        bootstrap.undo()
    assert native_import() is None
