"""What is written past Python is output of the action."""

import os
import resource
import subprocess
import time

import pytest

from agentnb.kernel.action.descriptors import descriptors
from tests.unit.kernel.actions import act


async def test_children_and_descriptors_write_to_the_step_in_order():
    code = """
    import os, subprocess, sys
    subprocess.run("echo out; echo err >&2", shell=True)
    os.write(1, "gr\\u00fc\\u00df".encode()[:3])
    os.write(1, "gr\\u00fc\\u00df".encode()[3:])
    await asyncio.sleep(0)
    print("printed")
    """
    stage, outcome = await act(code)
    assert outcome.error is None
    texts = dict.fromkeys(("stdout", "stderr"), "")
    for output in stage.outputs:
        if output["output_type"] == "stream":
            texts[output["name"]] += output["text"]
    assert texts == {"stdout": "out\ngr\u00fc\u00dfprinted\n", "stderr": "err\n"}


async def test_it_works_in_a_process_with_thousands_of_open_files(monkeypatch):
    monkeypatch.setattr(descriptors, "_pipes", None)
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2000, hard), hard))
    held = []
    try:
        while not held or held[-1] < 1100:
            held.append(os.open(os.devnull, os.O_RDONLY))
        stage, _ = await act("import os; os.write(1, b'read');")
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    assert stage.outputs.text == "read"


async def test_the_process_has_its_own_again(capfd):
    await act("import os; os.write(1, b'of the action');")
    await act("import os; os.write(2, b'of another');")
    os.write(1, b"of the process")
    subprocess.run(["echo", "!"], check=True)
    assert capfd.readouterr() == ("of the process!\n", "")


class SlowReader:
    """Takes text as on a busy machine."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        time.sleep(0.3)
        return self.stream.write(text)


@pytest.fixture
def slow(monkeypatch):
    lead_to = descriptors.lead_to
    monkeypatch.setattr(descriptors, "lead_to", lambda pair: lead_to(tuple(map(SlowReader, pair))))


@pytest.mark.usefixtures("slow")
async def test_what_a_child_wrote_last_is_there_before_the_end():
    stage, _ = await act("import os; os.write(1, b'the end');")
    assert stage.outputs.text == "the end"


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(("shown", "kind"), [("'value'", "execute_result"), ("plt.figure();", "display_data")])
async def test_what_a_child_wrote_is_there_before_what_is_shown_after_it(shown, kind, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    stage, outcome = await act(f"import matplotlib.pyplot as plt, os\nos.write(1, b'first')\n{shown}")
    assert outcome.error is None
    assert [output["output_type"] for output in stage.outputs] == ["stream", kind]
