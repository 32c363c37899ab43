"""What the page costs in the browser, against a real Chromium that draws the widget.

10,000 events at 2,000 a second: what is lost, and the share of frames that take longer than 25 ms, beside the same page
at rest (a machine without a display has slow frames of its own). A record of 10,000 steps: until it is drawn, and until
it is scrolled through in 20 jumps. The size of what is built.
"""

import gzip
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, sync_playwright

from agentnb.record import events as ev
from agentnb.record.codec import to_dict
from agentnb.record.fold import fold
from benchmarks._harness import judge, table
from tests.browser.driver import CHROMIUM, FLAGS
from tests.browser.widget import STATIC, WidgetPage
from tests.support import records

EVENTS, RATE, HERTZ = 10_000, 2_000, 30
SLOW = 25  # ms
STEPS = 10_000

FLOOD = """
async ([batches, pause]) => {
  const frames = [];
  let last = performance.now(), going = true;
  const look = now => { frames.push(now - last); last = now; if (going) requestAnimationFrame(look); };
  requestAnimationFrame(look);
  const begun = performance.now();
  for (let number = 0; number < batches.length; number++) {
    const due = begun + number * pause - performance.now();
    if (due > 0) await new Promise(done => setTimeout(done, due));
    if (batches[number].length) says('msg:custom', { kind: 'events', events: batches[number] });
  }
  await new Promise(done => setTimeout(done, 300));
  going = false;
  return frames.slice(1);
}
"""
SCROLL = """
async () => {
  const begun = performance.now();
  const height = document.documentElement.scrollHeight;
  for (let number = 1; number <= 20; number++) {
    scrollTo(0, height * number / 20);
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  return (performance.now() - begun) / 1000;
}
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def begun() -> list[ev.AnyEvent]:
    events: list[ev.AnyEvent] = [
        ev.RunStarted(run_id="flood", task="Print much.", created="2026-01-01T00:00:00Z", generator="agentnb"),
        ev.TaskAdded(task="t1", agent="coordinator", brief="Print much."),
        ev.TaskChanged(task="t1", status="in_progress"),
        ev.StepStarted(step="t1.1", task="t1", agent="coordinator", number=1),
    ]
    for seq, event in enumerate(events):
        event.seq, event.at = seq, 0.0
    return events


def flood(browser: Browser, *, silent: bool) -> tuple[float, int]:
    """Return the share of slow frames, and how many events the page has not taken in."""
    start = begun()
    page = WidgetPage(browser, fold(start))
    events = [ev.ReplyDelta(step="t1.1", text=f"word{n} ") for n in range(EVENTS)]
    for seq, event in enumerate(events, len(start)):
        event.seq, event.at = seq, seq / RATE
    size = RATE // HERTZ
    batches = [[to_dict(event) for event in events[n : n + size]] for n in range(0, EVENTS, size)]
    frames = page.page.evaluate(FLOOD, [[[]] * len(batches) if silent else batches, 1000 / HERTZ])
    taken = int(page.run.get_attribute("data-seq") or 0) - len(start)
    page.close()
    return sum(frame > SLOW for frame in frames) / len(frames), 0 if silent else EVENTS - taken


def long_record(browser: Browser) -> tuple[float, float]:
    """Return the seconds until a record is drawn, and those of scrolling through all of its steps."""
    page = WidgetPage(browser, to_dict(records.huge(STEPS, 1)))
    drawn = page.drawn_in
    page.run.get_by_text("earlier steps").click()
    page.page.wait_for_timeout(500)
    scrolled: float = page.page.evaluate(SCROLL)
    page.close()
    return drawn, scrolled


def gzipped(path: Path) -> float:
    return len(gzip.compress(path.read_bytes(), 9)) / 1e3


def extension() -> float:
    """The extension's own code in kB: what JupyterLab shares is not in it."""
    scripts = (STATIC.parent / "labextension" / "static").glob("*.js")
    return sum(gzipped(path) for path in scripts)


def main() -> None:
    if not (STATIC / "widget.js").exists():
        sys.exit("there is no page to draw: type `make page`")
    with chromium() as browser:
        pairs = [(flood(browser, silent=True), flood(browser, silent=False)) for _ in range(5)]
        opened = [long_record(browser) for _ in range(5)]
    calm = statistics.median(silent for (silent, _), _ in pairs)
    slow = statistics.median(share for _, (share, _) in pairs)
    lost = max(lost for _, (_, lost) in pairs)
    drawn, scrolled = (statistics.median(each) for each in zip(*opened, strict=True))
    rows = [
        judge(f"{EVENTS:,} events at {RATE:,} a second: lost", lost, unit="", at_most=0),
        judge(
            f"% of frames over {SLOW} ms meanwhile; the peer is the page at rest",
            100 * slow,
            100 * calm,
            unit="",
            at_most=1,
        ),
        judge(f"a record of {STEPS:,} steps drawn", drawn, at_most=1),
        judge("all of it scrolled through in 20 jumps", scrolled, at_most=1),
        judge("widget.js, gzipped", gzipped(STATIC / "widget.js"), unit="kB", at_most=40),
        judge("the extension, gzipped", extension(), unit="kB", at_most=40),
    ]
    print(table(rows, "at rest"))
