"""A display belongs to the cell that made it, whatever runs when it is brought up to date."""

import contextvars

import pytest
from IPython.utils.capture import capture_output

from agentnb.kernel.shell import current_shell
from agentnb.kernel.show import CellDisplay

cell = contextvars.ContextVar("cell")


@pytest.fixture
def published(monkeypatch):
    """What the shell publishes, with the cell in whose context it does."""
    shown = []
    publisher = type(current_shell().display_pub)

    class Recording(publisher):
        def publish(self, data, metadata=None, **options):
            shown.append((cell.get(), data, metadata, options))
            super().publish(data, metadata, **options)

    monkeypatch.setattr(current_shell(), "display_pub", Recording(parent=current_shell(), shell=current_shell()))
    return shown


def test_it_is_shown_in_the_context_of_the_cell_that_made_it(published, capsys):
    cell.set("first")
    display = CellDisplay(current_shell())
    cell.set("second")
    display.show({"text/plain": "a"}, {"m": 1})
    display.show({"text/plain": "b"}, {})
    assert [(where, data["text/plain"], metadata) for where, data, metadata, _ in published] == [
        ("first", "a", {"m": 1}),
        ("first", "b", {}),
    ]
    assert capsys.readouterr().out == "a\nb\n"


def test_every_display_has_an_id_of_its_own_and_keeps_it(published):
    cell.set("c")
    one, two = CellDisplay(current_shell()), CellDisplay(current_shell())
    for display in (one, two, one):
        display.show({"text/plain": "x"}, {})
    ids = [options["transient"]["display_id"] for *_, options in published]
    assert ids[0] == ids[2] != ids[1]
    assert not any(options["update"] for *_, options in published)  # there is no kernel to do it


def test_without_a_kernel_nothing_is_updated_in_place():
    display = CellDisplay(current_shell())
    assert not display.updates
    with capture_output() as shown:
        display.show({"text/plain": "a"}, {})
        display.show({"text/plain": "b"}, {})
    assert [output.data["text/plain"] for output in shown.outputs] == ["a", "b"]
