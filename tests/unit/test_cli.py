"""The command line: its exit status, what it prints and what it writes."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from agentnb._version import __version__
from agentnb.cli import main
from agentnb.record.codec import encode
from agentnb.record.document import MIME_TYPE
from tests.kernel.driver import REPOSITORY
from tests.support import records as samples
from tests.support.endpoint import endpoint, streams
from tests.support.notebooks import (
    CELLS,
    FAILING,
    LOAD,
    TEAM,
    command_line,
    read,
    record_desk,
    records,
    value_of,
    ways_out,
    write,
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A notebook with its recording."""
    return record_desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A shell in a folder of its own, without keys and without network."""
    monkeypatch.chdir(tmp_path)
    with command_line(tmp_path) as patch:
        yield patch


def one_line(text):
    return " ".join(text.split())


# --- run --------------------------------------------------------------------------------------------------------------


def test_run_executes_the_notebook_and_prints_the_result(shell, tmp_path, capsys):
    notebook = write(tmp_path / "desk.ipynb", *CELLS)
    assert main(["run", "desk.ipynb"]) == 0
    shown = capsys.readouterr()
    assert "{'sorted': [1, 2, 3], 'total': 6}" in shown.out
    assert "written to desk.out.ipynb" in shown.out
    assert "desk.ipynb: cell 3 of 4" in shown.err
    out = tmp_path / "desk.out.ipynb"
    assert value_of(out, "answer") == "{'sorted': [1, 2, 3], 'total': 6}"
    assert [record.status for record in records(out)] == ["done"]
    assert all(not cell.outputs for cell in read(notebook).cells)  # the notebook itself is left alone


@pytest.mark.parametrize(
    ("cells", "runs", "told"),
    [
        ([LOAD, FAILING, "%%agents -t desk\nDo it."], ["failed"], "the run ended as failed"),
        ([*CELLS, "1 / 0"], ["done"], "ZeroDivisionError: division by zero"),
        (["1 + 1"], [], "holds no run; give it a %%agents cell"),
        ([LOAD, TEAM, "%%agents -t desk -b '1 steps'\nDo it."], ["limit"], "the run ended as limit"),
    ],
    ids=["failed run", "failing cell", "no run", "limit"],
)
def test_whatever_is_not_done_exits_1_and_is_written_all_the_same(shell, tmp_path, capsys, cells, runs, told):
    write(tmp_path / "some.ipynb", *cells)
    assert main(["run", "some.ipynb", "-o", "to/there.ipynb"]) == 1
    shown = capsys.readouterr()
    assert told in one_line(shown.err)
    assert "Traceback" not in shown.err
    out = tmp_path / "to" / "there.ipynb"
    assert [record.status for record in records(out)] == runs
    assert len(read(out).cells) == len(cells)


def test_a_failing_cell_stops_the_notebook(shell, tmp_path):
    write(tmp_path / "some.ipynb", "1 / 0", "open('late', 'w')")
    assert main(["run", "some.ipynb"]) == 1
    assert not (tmp_path / "late").exists()


def test_a_run_that_a_cell_catches_still_counts_as_not_done(shell, tmp_path):
    source = "run = await desk.run('Do it.')\nrun.status"
    write(tmp_path / "some.ipynb", LOAD, FAILING, source)
    assert main(["run", "some.ipynb"]) == 1
    assert value_of(tmp_path / "some.out.ipynb", source) == "'failed'"


def test_the_model_of_the_command_line_serves_teams_that_name_none(shell, tmp_path, capsys):
    write(tmp_path / "some.ipynb", LOAD, "%%agents\nHow much is six times seven?")
    with endpoint(streams("Easy.\n<code>\nfinal_answer(6 * 7)\n</code>")) as server:
        shell.setenv("AGENTNB_API_BASE", server.url)
        assert main(["run", "some.ipynb", "-m", "openai-compatible/tiny"]) == 0
    assert server.requests[0]["model"] == "tiny"
    assert "42" in capsys.readouterr().out
    assert records(tmp_path / "some.out.ipynb")[0].roster[0].model == "openai-compatible/tiny"


@pytest.mark.parametrize("command", ["run", "replay", "export", "show", "validate"])
def test_a_file_that_is_not_there_is_one_sentence_and_exits_2(shell, capsys, command):
    assert main([command, "no.ipynb"]) == 2
    told = capsys.readouterr().err.strip()
    assert one_line(told).startswith("agentnb: ")
    assert "no.ipynb" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("command", ["run", "replay", "export", "show", "validate"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b'{"cells": 3, "nbformat": 4}'])
def test_a_file_that_is_no_notebook_is_one_sentence_and_exits_2(shell, tmp_path, capsys, command, content):
    (tmp_path / "odd.ipynb").write_bytes(content)
    status = main([command, "odd.ipynb"])
    told = capsys.readouterr()
    assert status == (1 if (command, content) == ("validate", b"[1, 2]") else 2), told
    assert "Traceback" not in told.err
    assert one_line(told.err or told.out).startswith(("agentnb: ", "odd.ipynb: "))


def test_a_place_that_cannot_be_written_is_one_sentence_and_exits_2(shell, desk, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["export", str(desk), "-o", "file/plain.ipynb"]) == 2
    assert one_line(capsys.readouterr().err).startswith("agentnb: file")


# --- replay -----------------------------------------------------------------------------------------------------------


def test_replay_gives_the_recorded_results_without_network(shell, desk, tmp_path, capsys):
    assert main(["replay", str(desk), "-o", "again.ipynb"]) == 0
    out = tmp_path / "again.ipynb"
    assert value_of(out, "answer") == value_of(desk, "answer")
    (now,) = records(out)
    assert now.replayed
    assert now.usage.calls == 0
    assert [m.text for m in now.messages if m.sender == "agentnb"] == []
    assert "{'sorted': [1, 2, 3], 'total': 6}" in capsys.readouterr().out
    assert ways_out(tmp_path) == ""


def test_the_guard_of_these_tests_notices_a_way_out(shell, tmp_path):
    source = "import urllib.request\nurllib.request.urlopen('http://192.0.2.1', timeout=1)"
    write(tmp_path / "some.ipynb", source)
    assert main(["run", "some.ipynb"]) == 1
    assert "192.0.2.1" in ways_out(tmp_path)


def test_replay_of_a_notebook_without_a_recording_says_what_to_do(shell, tmp_path, capsys):
    write(tmp_path / "fresh.ipynb", *CELLS)
    assert main(["replay", "fresh.ipynb"]) == 2
    assert "run its %%agents cells once and save" in one_line(capsys.readouterr().err)


# --- export, show, validate -------------------------------------------------------------------------------------------


def test_export_writes_plain_cells(shell, desk, tmp_path, capsys):
    shutil.copy(desk, "desk.ipynb")
    assert main(["export", "desk.ipynb"]) == 0
    assert "written to desk.plain.ipynb" in capsys.readouterr().out
    sources = [cell.source for cell in read(tmp_path / "desk.plain.ipynb").cells if cell.cell_type == "code"]
    live = [line for source in sources for line in source.splitlines() if not line.startswith("#")]
    assert not [line for line in live if "agentnb" in line or "%%agents" in line]


def journal_of(desk):
    return desk.parent / ".agentnb" / "runs" / f"{records(desk)[0].run_id}.jsonl"


def json_of(desk):
    path = desk.with_suffix(".json")
    path.write_bytes(encode(records(desk)[0]))
    return path


def itself(desk):
    return desk


@pytest.mark.parametrize("form", [itself, json_of, journal_of], ids=["ipynb", "json", "jsonl"])
def test_show_and_validate_take_every_form_of_a_record(shell, desk, capsys, form):
    path = str(form(desk))
    assert main(["show", path]) == 0
    shown = capsys.readouterr().out
    for part in ("done", "Sort the numbers", "sorter", "adder", "t = sum(numbers)", "'total': 6"):
        assert part in shown
    assert main(["validate", path]) == 0
    assert one_line(capsys.readouterr().out).endswith("valid")


def test_show_of_a_failed_run_exits_1(shell, tmp_path, capsys):
    (tmp_path / "run.json").write_bytes(encode(samples.failed()))
    assert main(["show", "run.json"]) == 1
    assert "failed" in capsys.readouterr().out


def test_show_of_a_newer_record_says_how_to_open_it(shell, tmp_path, capsys):
    (tmp_path / "run.json").write_text('{"version": 99, "run_id": "a", "status": "done", "task": "t"}')
    main(["show", "run.json"])
    assert "pip install -U agentnb" in capsys.readouterr().out


def test_validate_prints_each_fault_and_exits_1(shell, desk, tmp_path, capsys):
    notebook = json.loads(desk.read_text())
    for cell in notebook["cells"]:
        for output in cell["outputs"]:
            if MIME_TYPE in output.get("data", {}):
                output["data"][MIME_TYPE]["status"] = "splendid"
    (tmp_path / "bad.ipynb").write_text(json.dumps(notebook))
    assert main(["validate", "bad.ipynb"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("bad.ipynb: cell 3: ")
    assert "splendid" in told


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_demo_replays_the_example_into_a_page_that_loads_nothing(shell, tmp_path, capsys):
    assert main(["demo", "-o", "shown"]) == 0
    shown = capsys.readouterr().out
    assert "as a page:" in shown
    assert "jupyter lab" in shown
    assert [record.status for record in records(tmp_path / "shown" / "01_risk_desk.ipynb")] == ["done", "done"]
    page = (tmp_path / "shown" / "01_risk_desk.html").read_text(encoding="utf-8")
    assert loads(page) == []
    assert "A risk desk" in page
    assert ways_out(tmp_path) == ""


def loads(page):
    """The addresses that a browser fetches when it opens the page."""
    tags = re.findall(r"<(?:script|link|img|iframe|source|video|audio|embed|object)\b[^>]*>", page)
    found = [
        address for tag in tags for address in re.findall(r"""(?:src|href|data)\s*=\s*["']?(https?:[^"'\s>]+)""", tag)
    ]
    found += re.findall(r"""url\(\s*["']?(https?:[^"')]+)""", page) + re.findall(r"@import\s+[^;]*https?:[^;]*", page)
    return found + re.findall(r"""(?:import\(|import |from )\s*["'](https?:[^"']+)""", page)


def test_the_finder_of_loads_finds_them():
    for page in (
        '<script src="https://a.b/c.js"></script>',
        "<link rel=stylesheet href='http://a.b/c.css'>",
        '<script type="module">import m from "https://a.b/m.mjs";</script>',
        "<style>@font-face { src: url(https://a.b/f.woff) }</style>",
    ):
        assert loads(page), page


def test_version_and_help(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out.strip()) == (0, f"agentnb {__version__}")
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("run", "replay", "export", "show", "validate", "demo"))
    assert "%%agents" in shown
    assert "%%%" not in shown


@pytest.mark.parametrize("arguments", [[], ["rnu"], ["run"], ["run", "a.ipynb", "--modle", "x"]])
def test_a_slip_exits_2_with_the_usage(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: agentnb" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["agentnb", "agentnb.cli"])
def test_the_module_can_be_run(module):
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, f"agentnb {__version__}", "")


def test_the_console_script_is_this_main():
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    assert importlib.metadata.EntryPoint("agentnb", scripts["agentnb"], "console_scripts").load() is main
