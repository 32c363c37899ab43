"""Rows 38 to 47: damaged, foreign, huge, edited and hostile records, as Python and the static page see them."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import nbformat
import pytest
from nbconvert import HTMLExporter

from agentnb.cli import main
from agentnb.errors import RecordError
from agentnb.record.codec import encode, to_dict
from agentnb.record.document import MIME_TYPE, RunRecord
from agentnb.record.read import Summary, edited_cells, read_record, records_of
from agentnb.record.seal import seal
from agentnb.views.bundle import bundle
from agentnb.views.html import render_html
from agentnb.views.notebook import export_cells
from agentnb.views.text import render_text
from tests.support import records
from tests.unit.views.test_safe_html import everywhere, faults_of


def notebook(*made: tuple[dict, dict]) -> nbformat.NotebookNode:
    """A notebook with these bundles and their metadata, each the output of a cell."""
    outputs = [nbformat.v4.new_output("display_data", data, metadata=metadata) for data, metadata in made]
    cells = [nbformat.v4.new_code_cell("%%agents\nDo it.", outputs=[output]) for output in outputs]
    return nbformat.v4.new_notebook(cells=cells)


def stored(folder: Path, node: nbformat.NotebookNode) -> Path:
    path = folder / "stored.ipynb"
    nbformat.write(node, path)
    return path


def test_fault_38_a_truncated_record(tmp_path, capsys):
    whole = encode(records.done())
    for size in range(0, len(whole), 499):
        with pytest.raises(RecordError, match=r"damaged|not a record"):
            read_record(whole[:size])
    data, metadata = bundle(records.done())
    node = notebook(({**data, MIME_TYPE: whole[:5000].decode()}, metadata))
    ((_, found),) = records_of(nbformat.read(stored(tmp_path, node), 4))
    assert isinstance(found, Summary)
    assert "damaged" in found.text
    assert data["text/plain"] in found.text
    assert main(["show", str(tmp_path / "stored.ipynb")]) != 0 or "damaged" in capsys.readouterr().out


def test_fault_39_a_record_of_a_newer_version():
    found = read_record({**to_dict(records.done()), "version": 999, "steps": {"new": "form"}})
    assert isinstance(found, Summary)
    assert found.version == 999
    assert "newer agentnb" in found.text
    assert "pip install -U agentnb" in found.text
    assert found.task == records.done().task


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    '<form action="https://x/"><input name=k></form>',
    '<div data-commandlinker-command="notebook:run-all" data-commandlinker-args="{}">x</div>',
    "</div></details><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "<style>body{display:none}</style><meta http-equiv=refresh content='0;url=https://x/'>",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("live", [False, True])
def test_fault_41_hostile_text_is_inert_in_the_static_page(text, live):
    assert faults_of(render_html(everywhere(text), live=live)) == []


def test_fault_42_a_picture_from_the_network_is_a_link():
    record = records.done()
    record.result = {"text/markdown": "![chart](https://x.example/?k=secret)", "text/plain": "chart"}
    page = render_html(record)
    assert 'href="https://x.example/?k=secret"' in page
    assert 'src="https' not in page
    assert faults_of(page) == []


def test_fault_43_a_script_end_in_exported_html():
    node = notebook(bundle(everywhere("</script><script>alert(1)</script>")))
    page, _ = HTMLExporter().from_notebook_node(nbformat.reads(nbformat.writes(node), 4))
    assert "<script>alert(1)" not in page


def test_fault_44_10_000_steps():
    record = records.huge()
    started = time.process_time()
    text, page = render_text(record), render_html(record)
    encoded = encode(record)
    assert isinstance(read_record(encoded), RunRecord)
    assert time.process_time() - started < 30  # 3 s are the page's; here it is that nothing is quadratic
    assert len(text) < 1_000_000
    assert len(page) < 5_000_000


def test_fault_45_an_edited_result_is_told(tmp_path, capsys):
    made = bundle(records.done())
    path = stored(tmp_path, notebook(made, copy.deepcopy(made)))
    node = nbformat.read(path, 4)
    assert edited_cells(node) == []
    node.cells[1].outputs[0].data[MIME_TYPE]["result"]["text/plain"] = "all is well"
    path = stored(tmp_path, node)
    assert edited_cells(nbformat.read(path, 4)) == [1]
    assert main(["validate", str(path)]) != 0
    assert "cell 2: the record was edited after the run" in capsys.readouterr().out


def test_fault_45_a_seal_outlives_other_writers_of_json():
    plain = to_dict(records.done())
    rewritten = json.loads(json.dumps(plain, sort_keys=True))
    rewritten["timing"]["elapsed"] = rewritten["timing"]["elapsed"] + 0.0
    assert seal(rewritten) == seal(plain)
    assert seal({"a": 1.0}) == seal({"a": 1})
    assert seal({"a": "1"}) != seal({"a": 1})
    assert seal({"a": ["b", "c"]}) != seal({"a": ["bc"]})


def test_fault_46_reading_never_executes(tmp_path):
    witness = tmp_path / "witness"
    code = f"open({str(witness)!r}, 'w').close()"
    record = records.asking()
    for step in record.steps:
        step.code = code
    for request in record.requests:
        request.code, request.status = code, "allowed"
    path = stored(tmp_path, notebook(bundle(record)))
    (tmp_path / "record.json").write_bytes(encode(record))
    for command in (
        ["show", str(path)],
        ["validate", str(path)],
        ["export", str(path), "-o", str(tmp_path / "x.ipynb")],
    ):
        main(command)
    cells = export_cells(record)
    assert any(code in cell.source for cell in cells)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from agentnb.record import read_record; from pathlib import Path\n"
            "read_record(Path(sys.argv[1]).read_bytes())",
            str(tmp_path / "record.json"),
        ],
        check=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert not witness.exists()


def test_fault_47_ids_stay_unique_where_outputs_are_cleared_merged_or_copied(tmp_path):
    data, metadata = bundle(records.done())
    twice = to_dict(records.done())
    twice["steps"] += copy.deepcopy(twice["steps"])
    twice["tasks"] += copy.deepcopy(twice["tasks"])
    node = notebook((data, metadata), (data, metadata), ({**data, MIME_TYPE: twice}, metadata))
    node.cells[0].outputs = []
    node.cells[1].outputs *= 2
    found = [record for _, record in records_of(nbformat.read(stored(tmp_path, node), 4))]
    assert len(found) == 3
    for record in found:
        assert isinstance(record, RunRecord)
        for entries in (record.steps, record.tasks):
            ids = [entry.id for entry in entries]
            assert len(set(ids)) == len(ids)
        assert faults_of(render_html(record)) == []
    assert msgspec.json.encode(to_dict(found[2]))
