"""The widget's own script in an empty page, with a kernel that the test plays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page

from agentnb.record.codec import to_dict
from agentnb.record.document import RunRecord

STATIC = Path(__file__).parents[2] / "agentnb" / "static"

_MOUNT = """
async () => {
  const begun = performance.now();
  const [script, snapshot] = given;
  const listeners = {};
  const sent = [];
  const traits = { snapshot };
  const contract = {
    get: name => traits[name],
    on: (name, listener) => (listeners[name] ??= []).push(listener),
    off: (name, listener) => (listeners[name] = (listeners[name] ?? []).filter(each => each !== listener)),
    send: message => sent.push(message),
  };
  const model = new Proxy(contract, {
    get: (has, name) => {
      if (!(name in has)) throw new Error(`no page promises model.${String(name)}`);
      return has[name];
    },
  });
  const says = (name, ...parts) => (listeners[name] ?? []).forEach(listener => listener(...parts));
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const globals = new Set(Object.getOwnPropertyNames(window));
  const widget = (await import(url)).default;
  const el = document.getElementById('output');
  const forget = widget.initialize({ model });
  const cleanup = widget.render({ model, el });
  const added = Object.getOwnPropertyNames(window).filter(name => !globals.has(name));
  Object.assign(window, { sent, says, el, cleanup, forget, listeners, added });
  await new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)));
  return (performance.now() - begun) / 1000;
}
"""


_SAY = """
async message => {
  says('msg:custom', message);
  await new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn, 5)));
}
"""


class WidgetPage:
    """A page that shows ``record``; ``errors`` and ``requests`` hold what its scripts raised and what it loaded.

    ``drawn_in`` are the seconds from the script's text and the record's to the first picture.
    """

    def __init__(self, browser: Browser, record: RunRecord | dict[str, Any], *, width: int = 1000) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 800})
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        style = (STATIC / "widget.css").read_text(encoding="utf-8")
        self.page.set_content(f"<!doctype html><style>{style}</style><div id=output></div>")
        snapshot = to_dict(record) if isinstance(record, RunRecord) else record
        script = (STATIC / "widget.js").read_text(encoding="utf-8")
        # text goes to the browser far faster than objects
        self.page.evaluate("sent => (window.given = sent)", [script, json.dumps(snapshot)])
        self.drawn_in: float = self.page.evaluate(_MOUNT)
        self.run.wait_for()

    @property
    def run(self) -> Locator:
        return self.page.locator(".agentnb-run")

    def row(self, id: str) -> Locator:
        """The row of the tree with this id: ``task:t1``, ``step:s1``."""
        return self.page.locator(f'[data-row="{id}"]')

    def button(self, name: str, *, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def sent(self) -> list[dict[str, Any]]:
        """The commands so far, without their ids; each is answered with a yes."""
        messages: list[dict[str, Any]] = self.page.evaluate("sent.splice(0)")
        for message in messages:
            self.say({"kind": "reply", "id": message["id"], "ok": True, "text": ""})
        return [{key: value for key, value in each.items() if key not in ("kind", "id")} for each in messages]

    def say(self, message: dict[str, Any]) -> None:
        """Send a message as the kernel would, and wait until it is drawn."""
        self.page.evaluate(_SAY, message)

    def close(self) -> None:
        self.page.close()
