"""What the page costs on the kernel's side, against a real kernel with a page in front of it.

10,000 events at 2,000 a second: how many the page loses, and how many messages they take. The bytes of runs of 10, 100
and 1,000 steps, sent to a page that has the comm and the widget, and kept in the notebook. From Stop, sent through the
page's comm on a subshell, to the end of the cell.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agentnb.record.document import MIME_TYPE
from agentnb.record.events import OutputAdded
from benchmarks._harness import Comparison, judge, table
from tests.kernel.cells import Cell
from tests.kernel.driver import Kernel
from tests.kernel.page import Page, start_run

EVENTS, RATE = 10_000, 2_000
SIZES = (10, 100, 1_000)
TURNS = 7

SETUP = """
%load_ext agentnb
import pathlib
from agentnb import Agent, Team
from agentnb.testing import ScriptedModel
import agentnb.page.view as view

def answering(*codes, latency=0.0):
    return ScriptedModel([f"Go.\\n<code>\\n{code}\\n</code>" for code in codes], latency=latency)
"""
FLOOD = f"""
import time
begun = time.perf_counter()
for number in range({EVENTS}):
    display({{"text/plain": str(number)}}, raw=True)
    while time.perf_counter() < begun + number / {RATE}: pass
"""
STEP = "for row in range(20): print('row', row, {number})"
LAG = "import time\nprint(time.time())\nend = time.time() + 0.3\nwhile time.time() < end: pass"
BUSY = {
    "in a loop": "while True: pass",
    "in a sleep": "import time; time.sleep(60)",
    "in C code of 1 ms": "import hashlib\ndata = bytes(2_000_000)\nwhile True: hashlib.sha256(data)",
    "in prints": "while True: print('x')",
    "in an await": "await asyncio.sleep(60)",
}


class Wire(Kernel):
    """Counts what comes from the kernel."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.bytes = 0
        self.times: list[float] = []

    def _on_iopub(self, message: dict[str, Any]) -> None:
        self.bytes += len(json.dumps(message["content"]))
        self.times.append(time.perf_counter())
        super()._on_iopub(message)

    def busiest_second(self) -> int:
        """The most messages within a second."""
        return max(sum(begun <= each < begun + 1 for each in self.times[n:]) for n, begun in enumerate(self.times))


@contextmanager
def kernel() -> Iterator[Wire]:
    with Wire() as wire:
        wire.run(SETUP, check=True)
        if not wire.eval("(view.STATIC / 'widget.js').exists()"):  # a tree without a build: one of the usual size
            wire.run("view.STATIC = pathlib.Path('static'); view.STATIC.mkdir()", check=True)
            wire.run("(view.STATIC / 'widget.js').write_text('export default {};//' + 'x' * 90_000)", check=True)
            wire.run("(view.STATIC / 'widget.css').write_text('')", check=True)
        wire.run("crew = Team(model=answering('final_answer(1)'))", check=True)
        wire.wait(wire.send("%%agents -t crew\nLoad what the first run loads.", allow_stdin=True))
        yield wire


def begin(wire: Wire, subshell: str, codes: str) -> tuple[Cell, Page]:
    """Start a cell as JupyterLab does, with a page that follows its run."""
    wire.run(f"crew = Team(model=answering({codes}), max_steps=2000)", check=True)
    cell, run_id = start_run(wire, "%%agents -t crew --new\nDo it.", subshell)
    page = Page.open(wire, run_id, subshell=subshell)
    page.until(lambda: page.record, what="a snapshot")
    return cell, page


def flood() -> Iterator[Comparison]:
    with kernel() as wire:
        subshell = wire.create_subshell()
        wire.times.clear()
        cell, page = begin(wire, subshell, f"{FLOOD!r}, 'final_answer(1)', latency=1.5")
        wire.wait(cell, timeout=120)
        page.until(lambda: page.status == "done", timeout=60)
        steps = page.record.steps if page.record else []
        lost = EVENTS - sum(len(step.outputs) for step in steps) + page.gaps
        taken = steps[0].timing
        seconds = (taken.code_ended_at or 0) - (taken.code_started_at or 0)
        yield judge(f"{EVENTS:,} events: lost", lost, unit="events", at_most=0)
        yield judge("their rate", EVENTS / seconds, unit="a second")
        yield judge("messages in the busiest second, all of the kernel's", wire.busiest_second(), unit="", at_most=300)
        sent = sum(len(message.get("events", [])) for message in page.messages)
        assert sent >= EVENTS, "the page was given the events by snapshots"
        assert sum(isinstance(event, OutputAdded) for event in page.events) >= EVENTS


def volume(steps: int) -> tuple[float, float]:
    """Bytes a step on the wire and in the file, beyond those of a run of one step."""
    found = []
    for count in (1, steps + 1):
        with kernel() as wire:
            subshell = wire.create_subshell()
            codes = [STEP.format(number=n) for n in range(count - 1)]
            wire.bytes = 0
            cell, page = begin(
                wire, subshell, f"*{codes!r}, 'import time; time.sleep(0.5)', 'final_answer(1)', latency=0.01"
            )
            wire.wait(cell, timeout=600)
            page.until(lambda page=page: page.status == "done", timeout=60)
            wire.pump(0.3)
            final = cell.outputs[0]["data"]
            assert len(final[MIME_TYPE]["steps"]) == count + 1
            found.append((wire.bytes, len(json.dumps(final))))
    (wire_one, file_one), (wire_all, file_all) = found
    return (wire_all - wire_one) / steps, (file_all - file_one) / steps


def volumes() -> Iterator[Comparison]:
    """Whether they are linear; the record is sent when it has grown by half, and a run may end at any point of that."""
    found = {steps: volume(steps) for steps in SIZES}
    for place, name in enumerate(("on the wire", "in the file")):
        smallest = max(found[steps][place] for steps in SIZES[:2])
        for steps in SIZES:
            last = steps == SIZES[-1]
            yield judge(
                f"bytes a step {name}, run of {steps:,} steps",
                found[steps][place],
                smallest if last else None,
                unit="",
                at_most_ratio=1.5 if last else None,
            )


def lag() -> Iterator[Comparison]:
    """From a print in busy code to the page."""
    with kernel() as wire:
        subshell, taken = wire.create_subshell(), []
        for _ in range(TURNS):
            cell, page = begin(wire, subshell, f"{LAG!r}, 'final_answer(1)', latency=0.2")
            page.until(lambda page=page: page.text)
            taken.append(time.time() - float(page.text))
            wire.wait(cell)
        yield judge("from a print in busy code to the page, median", statistics.median(taken), at_most=0.2)


def stops() -> Iterator[Comparison]:
    every = []
    with kernel() as wire:
        subshell = wire.create_subshell()
        for name, code in BUSY.items():
            taken = []
            for _ in range(TURNS):
                code_and_mark = f"print('begun')\n{code}"
                cell, page = begin(wire, subshell, f"{code_and_mark!r}")
                page.until(lambda page=page: "begun" in page.text)
                settled = time.perf_counter() + 0.3
                while time.perf_counter() < settled:
                    wire.pump(0.05)
                begun = time.perf_counter()
                page.command("stop")
                wire.wait(cell)
                taken.append(time.perf_counter() - begun)
                assert wire.eval("agents_run.status") == "cancelled"
            every += taken
            yield judge(f"Stop to the end of the cell, {name}", statistics.median(taken))
    yield judge("Stop to the end of the cell, median", statistics.median(every), at_most=0.15)
    yield judge("Stop to the end of the cell, worst", max(every))


def main() -> None:
    print(table([*flood(), *lag(), *stops(), *volumes()], peer="few steps"))


if __name__ == "__main__":
    main()
