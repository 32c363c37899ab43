"""States of pandas' tables and of numpy's arrays of objects; what plain arrays hold is memory, see ``memory``.

Looked up in ``sys.modules``, never imported. pandas' inner structure is that of 2.2 to 3.1; anything else raises
``AttributeError`` where it is copied, and the table is then not covered.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

from agentnb.kernel.namespace.fingerprint import cached_names
from agentnb.kernel.namespace.kinds import lineage
from agentnb.kernel.namespace.tables import is_array, is_frame, plain_view
from agentnb.kernel.undo.instances import same_state
from agentnb.kernel.undo.states import Kind, same_items, same_states

_ARRAY_FIELDS = ("_ndarray", "_dtype")
_CACHED = frozenset({"_cache", "_item_cache"})


class Blocks(NamedTuple):
    """How a table lies in memory: its blocks, of each the values, their place and who shares them, and its axes."""

    blocks: tuple[Any, ...]
    values: list[Any]
    places: list[Any]
    refs: list[Any]
    axes: list[Any]


def blocks_of(frame: Any) -> Blocks:
    """Return how a DataFrame or Series lies in memory now."""
    manager = frame._mgr
    blocks = tuple(manager.blocks)
    return Blocks(
        blocks,
        [block.values for block in blocks],
        [block.mgr_locs for block in blocks],
        [block.refs for block in blocks],
        list(manager.axes),
    )


def _same_blocks(now: Blocks, was: Blocks) -> bool:
    return (
        len(now.blocks) == len(was.blocks)
        and all(map(operator.is_, now.values, was.values))
        and len(now.axes) == len(was.axes)
        and all(map(_same_index, now.axes, was.axes))
        and all(
            one is other or one.as_array.tolist() == other.as_array.tolist()
            for one, other in zip(now.places, was.places, strict=True)
        )
    )


def columns_of(blocks: Blocks) -> list[tuple[Any, Any, int | None]]:
    """Return for each column the values it lies in, and its row there (None for an array of its own)."""
    if len(blocks.axes) == 1:
        return [(blocks.values[0], blocks.values[0], None)]
    columns: list[Any] = [None] * len(blocks.axes[0])
    for values, place in zip(blocks.values, blocks.places, strict=True):
        for row, column in enumerate(place.as_array.tolist()):
            inner = row if getattr(values, "ndim", 1) == 2 else None
            columns[column] = (values, values if inner is None else values[inner], inner)
    return columns


def _alike_blocks(now: Blocks, was: Blocks) -> bool:
    """Whether two ways to lie in memory hold the same table; only columns that moved are looked at."""
    if len(now.axes) != len(was.axes) or not all(map(_same_index, now.axes, was.axes)):
        return False
    for (values, column, row), (others, other, that) in zip(columns_of(now), columns_of(was), strict=True):
        if (values is not others or row != that) and not same_column(column, other):
            return False
    return True


def _same_index(one: Any, other: Any) -> bool:
    return one is other or bool(one.identical(other))


def same_column(one: Any, other: Any) -> bool:
    """Whether two columns hold the same values, bit for bit where they are plain arrays."""
    import numpy as np

    if type(one) is not type(other) or one.dtype != other.dtype or len(one) != len(other):
        return False
    if not is_array(type(one)):
        return bool(one.equals(other))
    if one.dtype.hasobject:
        return same_items(one.tolist(), other.tolist())
    if is_same_memory(one, other):
        return True
    return all(
        np.array_equal(_bits(one[start : start + _CHUNK]), _bits(other[start : start + _CHUNK]))
        for start in range(0, len(one), _CHUNK)
    )


def is_same_memory(one: Any, other: Any) -> bool:
    """Whether two arrays are views of the very same elements."""
    return bool(
        one.__array_interface__["data"] == other.__array_interface__["data"]
        and (one.dtype, one.shape, one.strides) == (other.dtype, other.shape, other.strides)
    )


_CHUNK = 1 << 20


def _bits(values: Any) -> Any:
    import numpy as np

    return np.ascontiguousarray(values).view(np.uint8)


def _frame_kind(cls: type) -> Kind:
    ignored = cached_names(cls) | {"_mgr"}

    def own(frame: Any) -> dict[str, Any]:
        found: dict[str, Any] = object.__getattribute__(frame, "__dict__")
        return found

    def copy(frame: Any) -> tuple[dict[str, Any], Any, Blocks, bool]:
        return own(frame).copy(), frame._mgr, blocks_of(frame), frame.flags.allows_duplicate_labels

    def parts(state: Any) -> Iterator[Any]:
        attributes, _, blocks, _ = state
        yield from [kept for name, kept in attributes.items() if name not in ignored]
        yield from blocks.values
        yield from blocks.axes

    def like(frame: Any, state: Any, compare: Any) -> bool:
        attributes, _, blocks, unique = state
        return (
            same_state(own(frame), attributes, ignored)
            and frame.flags.allows_duplicate_labels == unique
            and compare(blocks_of(frame), blocks)
        )

    def restore(frame: Any, state: Any) -> None:
        attributes, manager, blocks, unique = state
        _restore_manager(manager, blocks)
        inner = own(frame)
        inner.clear()
        inner.update({name: kept for name, kept in attributes.items() if name not in _CACHED})
        if "_item_cache" in attributes:
            inner["_item_cache"] = {}
        frame.flags._allows_duplicate_labels = unique

    def exact(frame: Any, state: Any) -> bool:
        return frame._mgr is state[1] and all(map(operator.is_, frame._mgr.axes, state[2].axes))

    return Kind(
        copy,
        parts,
        lambda frame, state: like(frame, state, _same_blocks),
        restore,
        lambda frame, state: like(frame, state, _alike_blocks),
        lambda one, other: (
            same_state(one[0], other[0], ignored) and one[3] == other[3] and _alike_blocks(one[2], other[2])
        ),
        exact=exact,
    )


def _restore_manager(manager: Any, blocks: Blocks) -> None:
    for block, values, place, refs in zip(blocks.blocks, blocks.values, blocks.places, blocks.refs, strict=True):
        if block.values is not values:
            block.values = values
        if block.refs is not refs:
            block.refs = refs
        if block.mgr_locs is not place:
            block._mgr_locs = place
    manager.blocks, manager.axes = blocks.blocks, list(blocks.axes)
    if len(blocks.axes) == 2:
        manager._known_consolidated = manager._is_consolidated = False
        manager._blknos = manager._blklocs = None
        manager._rebuild_blknos_and_blklocs()
    if hasattr(type(manager), "_dtypes_cache"):
        manager._dtypes_cache = None


# --- arrays -----------------------------------------------------------------------------------------------------------


def _same_objects(value: Any, state: Any) -> bool:
    plain = plain_view(value)
    if (plain.shape, plain.dtype, plain.flags.writeable) != (state.shape, state.dtype, state.flags.writeable):
        return False
    if plain.dtype.names is not None:
        return all(_same_objects(plain[name], state[name]) for name in plain.dtype.names)
    if not plain.dtype.hasobject:
        return bool(plain.tobytes() == state.tobytes())
    return same_items(plain.reshape(-1).tolist(), state.reshape(-1).tolist())


def _objects_in(state: Any) -> list[Any]:
    if state.dtype.names is not None:
        return [part for name in state.dtype.names for part in _objects_in(state[name])]
    return list(state.reshape(-1).tolist()) if state.dtype.hasobject else []


def _copy_objects(value: Any) -> Any:
    plain = plain_view(value)
    state = plain.copy()
    state.flags.writeable = plain.flags.writeable
    return state


def _restore_objects(value: Any, state: Any) -> None:
    plain = plain_view(value)
    if plain.shape != state.shape:
        plain.resize(state.shape, refcheck=False)
    if not plain.flags.writeable:
        plain = value
        plain.flags.writeable = True
    plain[...] = state
    value.flags.writeable = state.flags.writeable


OBJECTS = Kind(
    _copy_objects,
    _objects_in,
    _same_objects,
    _restore_objects,
    alike_states=_same_objects,
)
"""Arrays of references: held as such, since their memory is no use without the objects."""


def _extension_state(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes that an extension array keeps in C, and those in its ``__dict__``."""
    own = {name: kept for name, kept in getattr(value, "__dict__", {}).items() if name not in _CACHED}
    return {name: getattr(value, name) for name in _ARRAY_FIELDS if name not in own and hasattr(value, name)}, own


def _restore_extension(value: Any, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    inner, kept = state
    if "_ndarray" in inner and value._ndarray is not inner["_ndarray"]:
        from pandas._libs import arrays

        backed: Any = arrays.NDArrayBacked
        backed.__init__(value, inner["_ndarray"], inner["_dtype"])
    own = getattr(value, "__dict__", None)
    if own is not None:
        own.clear()
        own.update(kept)


def former_parts(value: Any, state: tuple[dict[str, Any], dict[str, Any]] | None) -> dict[str, Any]:
    """Return what an extension array consists of, as a state says or as it is now, by name."""
    inner, own = _extension_state(value) if state is None else state
    return inner | own


def extension_of(value: Any, parts: dict[str, Any]) -> Any:
    """Return an extension array of the class of ``value`` made of other parts, to be read only."""
    if "_ndarray" in parts and "_dtype" in parts:
        return type(value)._simple_new(parts["_ndarray"], dtype=parts["_dtype"])
    if "_left" in parts:
        return type(value)._simple_new(parts["_left"], parts["_right"], dtype=parts["_dtype"])
    former = object.__new__(type(value))
    former.__dict__.update(parts)
    return former


_EXTENSION = Kind(
    _extension_state,
    lambda state: [*state[0].values(), *state[1].values()],
    lambda value, state: same_states(_extension_state(value), state),
    _restore_extension,
)

_NAMES = ("_name", "_names", "_levels", "_codes")


def _index_state(value: Any) -> dict[str, Any]:
    own = object.__getattribute__(value, "__dict__")
    found = {name: list(own[name]) if name == "_names" else own[name] for name in _NAMES if name in own}
    holder = _freq_holder(own)
    return found | {"_freq": holder["_freq"]} if "_freq" in holder else found


def _freq_holder(own: dict[str, Any]) -> dict[str, Any]:
    """Return where the frequency is kept: in the index, before pandas 3.1 in its array."""
    return own if "_freq" in own else getattr(own.get("_data"), "__dict__", {})


def _same_labels(value: Any, state: dict[str, Any]) -> bool:
    now = _index_state(value)
    return now.keys() == state.keys() and all(now[name] is state[name] or now[name] == state[name] for name in now)


def _restore_index(value: Any, state: dict[str, Any]) -> None:
    own = object.__getattribute__(value, "__dict__")
    own.update({name: list(kept) if name == "_names" else kept for name, kept in state.items() if name != "_freq"})
    own.get("_cache", {}).pop("levels", None)  # they carry the names
    if "_freq" in state:
        _freq_holder(own)["_freq"] = state["_freq"]


_INDEX = Kind(_index_state, lambda state: (), _same_labels, _restore_index)
"""The labels of an index are fixed; its names and its frequency are not."""


def table_kind(cls: type) -> Kind | None:
    """Return how a class of pandas' is kept, None for all others."""
    if is_frame(cls):
        return _frame_kind(cls)
    kinds = set(lineage(cls))
    if "pandas.Index" in kinds:
        return _INDEX
    return _EXTENSION if "pandas.ExtensionArray" in kinds else None
