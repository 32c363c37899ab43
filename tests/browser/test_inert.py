"""Nothing in a record acts: in JupyterLab and Notebook 7, trusted or not, and in the page that nbconvert makes."""

from __future__ import annotations

import nbformat
import pytest
from nbconvert import HTMLExporter

from tests.browser.hostile import bundles
from tests.browser.test_widget_view import CORPUS

FAULTS = """
() => {
  const faults = [];
  const tags = /^(script|iframe|object|embed|meta|link|base|form|frame|portal)$/;
  for (const node of document.querySelectorAll('.agentnb-run *, .anb *')) {
    if (tags.test(node.localName)) faults.push(node.localName);
    for (const { name, value } of node.attributes) {
      const compact = value.replace(/\\s/g, '').toLowerCase();
      if (/^on|commandlinker|^(srcset|ping|background)$/.test(name)) faults.push(name);
      if (name === 'src' && !compact.startsWith('data:image/')) faults.push(`src=${value}`);
      if (name === 'href' && !/^(https?:|mailto:|#)/.test(compact)) faults.push(`href=${value}`);
    }
  }
  return faults;
}
"""
UNFOLD = """
() => {
  for (const all of document.querySelectorAll('details')) all.open = true;
  for (const row of document.querySelectorAll('.agentnb-run [role=treeitem][aria-expanded=false]'))
    row.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
}
"""


def watch(page, address: str) -> list[str]:
    """Return a list that grows by every dialog, and by every request to another place than ``address``."""
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    page.on(
        "request",
        lambda request: None if request.url.startswith((address, "data:", "blob:")) else seen.append(request.url),
    )
    return seen


def expect_inert(page, seen: list[str], count: int, selector: str) -> None:
    page.wait_for_function(
        "([selector, count]) => document.querySelectorAll(selector).length >= count", arg=[selector, count]
    )
    page.evaluate(UNFOLD)
    page.wait_for_timeout(500)
    assert page.evaluate(FAULTS) == []
    assert seen == []


HALF = (len(CORPUS) + 1) // 2  # JupyterLab shows at most 50 outputs of a cell


@pytest.mark.parametrize("first", [0, HALF])
@pytest.mark.parametrize("trusted", [True, False], ids=["made in this session", "not trusted"])
def test_nothing_in_a_record_acts(open_notebook, jupyter, trusted, first):
    part = CORPUS[first : first + HALF]
    notebook = open_notebook(f"from tests.browser.hostile import show\nshow({first}, {first + HALF})")
    seen = watch(notebook.page, jupyter.url)
    if trusted:
        notebook.run(0)
    else:
        stored = notebook.save()
        stored.cells[0].outputs = [nbformat.v4.new_output("display_data", data) for data in bundles(part)]
        nbformat.write(stored, notebook.file)
        notebook.open(kernel=False)
    expect_inert(notebook.page, seen, len(part), ".agentnb-run")


def test_nothing_acts_in_the_page_of_nbconvert(window):
    cell = nbformat.v4.new_code_cell("show()")
    cell.outputs = [nbformat.v4.new_output("display_data", data) for data in bundles()]
    text, _ = HTMLExporter(template_name="basic").from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    page = window.new_page()
    try:
        seen = watch(page, "about:")
        page.set_content(text)
        expect_inert(page, seen, len(CORPUS), ".anb")
    finally:
        page.close()
