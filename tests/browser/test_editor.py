"""`%%agents` cells in the editor: coloured as what they are, completed by Tab."""

from tests.browser.work import LOAD

CELL = "%%agents -t desk @quant\nImport the data for {prices}, is it a class?"


def coloured(notebook, index):
    """The texts in the editor that are coloured, each with its colour."""
    script = """arg => [...document.querySelectorAll('.jp-Notebook .jp-Cell')[arg].querySelectorAll('.cm-line span')]
        .map(span => [span.textContent, getComputedStyle(span).color])"""
    return dict(notebook.page.evaluate(script, index))


def test_the_line_is_coloured_as_options_and_the_task_as_prose(open_notebook):
    notebook = open_notebook("import os", CELL)
    notebook.page.wait_for_function("() => document.querySelectorAll('.cm-line span').length > 4")
    spans = coloured(notebook, 1)
    assert {"%%agents", "-t", "@quant", "{prices}"} <= set(spans)
    assert len({spans["%%agents"], spans["-t"], spans["@quant"]}) == 3
    python = coloured(notebook, 0)["import"]
    assert all(colour != python for text, colour in spans.items() if text.strip() in {"Import", "for", "is", "class"})


def test_a_cell_changes_its_language_with_its_first_line(open_notebook):
    notebook = open_notebook("for each in all: pass")
    assert "for" in coloured(notebook, 0)
    editor = notebook.cell(0).locator(".cm-content")
    editor.click()
    notebook.page.keyboard.press("Control+Home")
    notebook.page.keyboard.type("%%agents\n")
    notebook.until(lambda: "%%agents" in coloured(notebook, 0) and "for" not in coloured(notebook, 0))
    notebook.page.keyboard.press("Control+Home")
    notebook.page.keyboard.press("Shift+ArrowDown")
    notebook.page.keyboard.press("Delete")
    notebook.until(lambda: "for" in coloured(notebook, 0))


def test_tab_offers_options_agents_and_variables(open_notebook):
    notebook = open_notebook(LOAD + "prices = 1\ndesk = Team([Agent('quant', 'fits')])", "%%agents ")
    notebook.run(0)
    notebook.cell(1).locator(".cm-content").click()
    keyboard = notebook.page.keyboard
    keyboard.press("Control+End")
    for typed, completed in (
        ("-t desk --mo", "--model"),
        (" x --bu", "--budget"),
        (" 5m @q", "@quant"),
        ("\nUse {pri", "prices"),
    ):
        keyboard.type(typed)
        keyboard.press("Tab")
        notebook.page.locator(".jp-Completer-item", has_text=completed).click()
        notebook.until(lambda completed=completed: completed in notebook.sources()[1])
    assert notebook.sources()[1] == "%%agents -t desk --model x --budget 5m @quant\nUse {prices}"
