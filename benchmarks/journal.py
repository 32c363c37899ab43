"""What it costs that each step is redacted, journaled to disk and folded into the record before anybody sees it.

A step is its five events: asked, answered, begun, one output, ended. The output holds 5 kB or 1 MB: text as it is
printed, HTML, or an image. The environment holds three keys, and the text none of them, as it mostly is.
"""

import base64
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

from agentnb.record import events as ev
from agentnb.record.journal import Journal
from agentnb.record.redact import Redactor
from agentnb.run.recorder import Recorder
from benchmarks._harness import compare, table

SIZES = {"5 kB": (5_000, 1e-3), "1 MB": (1_000_000, 10e-3)}
ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-proj-Zq8vX2mK4tR7wY1bN5cJ",
    "HF_TOKEN": "hf_Qw3rTy5uI7oPaSdFgHjK",
    "DATABASE_URL": "postgres://desk:n0tTh1sOne@db/prices",
}

Output = dict[str, Any]


def printed(size: int) -> Output:
    lines = (f"{number:6d}  ACME_{number % 97:02d}  {number * 0.37:12.4f}\n" for number in range(size // 30))
    return {"output_type": "stream", "name": "stdout", "text": "".join(lines)[:size]}


def html(size: int) -> Output:
    cells = (f'<div class="cell_{number}" style="left: {number}px">-{number}</div>\n' for number in range(size // 45))
    data = {"text/html": "".join(cells)[:size], "text/plain": "<Figure>"}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def image(size: int) -> Output:
    encoded = base64.b64encode(random.Random(0).randbytes(size * 3 // 4)).decode()
    return {"output_type": "display_data", "data": {"image/png": encoded, "text/plain": "<Figure>"}, "metadata": {}}


def step(recorder: Recorder, output: Output) -> Callable[[], None]:
    numbers = iter(range(1, 10_000))

    def run() -> None:
        name = f"t1.{next(numbers)}"
        recorder.emit(ev.StepStarted(step=name, task="t1", agent="coordinator", number=1))
        recorder.emit(ev.ReplyEnded(step=name, thought="Next I look at it.", code="prices.describe()\n" * 10))
        recorder.emit(ev.ActionStarted(step=name))
        recorder.emit(ev.OutputAdded(step=name, output=output))
        recorder.emit(ev.StepEnded(step=name, status="done", acted=True))

    return run


def main() -> None:
    rows = []
    folder = tempfile.mkdtemp(prefix="bench-")
    os.environ.update(ENVIRONMENT)
    for what in (printed, html, image):
        for size, (characters, target) in SIZES.items():
            recorder = Recorder(Redactor(), Journal.open(f"{what.__name__}-{characters}", folder))
            recorder.emit(ev.RunStarted(run_id="r", task="count", created="", generator="benchmark"))
            name = f"a step with {size}, {what.__name__}"
            rows.append(compare(name, step(recorder, what(characters)), n=51, at_most=target))
            recorder.close()
    shutil.rmtree(folder)
    print(table(rows, "-"))


if __name__ == "__main__":
    main()
