"""What can change of an array beside its memory: attributes, how it is laid out, whether it can be written to."""

from __future__ import annotations

from typing import Any

from agentnb.kernel.namespace.tables import plain_view
from agentnb.kernel.undo.instances import same_state
from agentnb.kernel.undo.memory import Header, Moved, header_of, span
from agentnb.kernel.undo.states import Kind


def _restore_attributes(value: Any, state: dict[str, Any]) -> None:
    value.__dict__.clear()
    value.__dict__.update(state)


ATTRIBUTES = Kind(
    lambda value: dict(value.__dict__),
    lambda state: [kept for name, kept in state.items() if name != "_mmap"],
    lambda value, state: same_state(value.__dict__, state, frozenset({"_fill_value", "_basedict"})),
    _restore_attributes,
    aspect="attributes",
)
"""What a subclass of numpy's array keeps beside its memory, the mask of a masked array for instance."""


def _header_in(state: Header | Moved) -> Header:
    return state.header if isinstance(state, Moved) else state


def _restore_layout(value: Any, state: Header | Moved) -> None:
    import numpy as np

    if not isinstance(state, Moved):
        return
    header, writeable = state.header, value.flags.writeable
    if not writeable:  # whether it is to be so is another matter
        value.flags.writeable = True
    if value.dtype != header.dtype:
        value.dtype = header.dtype
    if value.size != int(np.prod(header.shape)):
        value.resize(header.shape, refcheck=False)
    value.shape = header.shape
    start, _ = span(header)
    plain_view(value)[...] = np.ndarray(
        header.shape, header.dtype, buffer=state.before, offset=header.start - start, strides=header.strides
    )
    value.flags.writeable = writeable


def _restore_lock(value: Any, state: bool) -> None:
    value.flags.writeable = state


LAYOUT = Kind(
    header_of,
    lambda state: [state.before] if isinstance(state, Moved) else [],
    lambda value, state: header_of(value) == _header_in(state),
    _restore_layout,
    alike_states=lambda one, other: _header_in(one) == _header_in(other),
    aspect="layout",
)
"""Arrays that were reshaped or resized in place."""
LOCK = Kind(
    lambda value: value.flags.writeable,
    lambda state: (),
    lambda value, state: bool(value.flags.writeable == state),
    _restore_lock,
    aspect="lock",
)
"""Whether an array can be written to."""
