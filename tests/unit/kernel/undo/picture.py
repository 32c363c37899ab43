"""A deep picture of variables: values, types, dtypes, layout, and which objects they are, so that aliases count."""

import array
import collections
import functools
import random
import types

import numpy as np
import pandas as pd

PLAIN = (int, float, str, bytes, bool, complex, type(None), range, slice)
VALUES = (pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval, np.generic, type(pd.NA), type(pd.NaT))
_OWN = {"_mgr", "_attrs", "_flags", "_item_cache", "_name"}
_OF_ARRAYS = {"_basedict", "_fill_value"}
_CLASSES = {"__slotnames__", "__dict__", "__weakref__", "__annotations__", "__abstractmethods__", "_abc_impl"}


class Picture:
    """What ``names`` of a namespace lead to; two are equal where nothing changed. Holds the objects."""

    def __init__(self, names):
        self._held = []
        self._seen = set()
        self.told = {name: self.of(names[name]) for name in sorted(names)}

    def __eq__(self, other):
        return self.told == other.told

    def differing(self, other):
        return {name for name in self.told.keys() | other.told.keys() if self.told.get(name) != other.told.get(name)}

    def of(self, value):
        cls = type(value)
        if cls in PLAIN or isinstance(value, VALUES):
            return cls.__name__, repr(value)
        if id(value) in self._seen or isinstance(value, types.ModuleType | types.BuiltinFunctionType):
            return id(value)
        self._seen.add(id(value))
        self._held.append(value)
        return [id(value), id(cls), *(self.of(part) if part is not None else None for part in self.parts(value, cls))]

    def parts(self, value, cls):
        way = next((way for classes, way in self.ways().items() if isinstance(value, classes)), None)
        if way is not None:
            yield from way(value)
        else:
            yield from self.elements(value, cls)

    def ways(self):
        return {
            np.ndarray: self.array,
            (pd.DataFrame, pd.Series): self.table,
            pd.Index: index,
            pd.api.extensions.ExtensionArray: lambda value: [repr((value.tolist(), str(value.dtype)))],
            np.random.Generator: lambda value: [repr(value.bit_generator.state)],
            np.random.RandomState: lambda value: [repr(value.get_state())],
            random.Random: lambda value: [repr(value.getstate())],
            types.FunctionType: function,
            type: user_class,
            functools.partial: lambda value: [value.func, value.args, value.keywords],
        }

    def array(self, value):
        plain = value.view(np.ndarray)
        flags = plain.flags.writeable, plain.flags.f_contiguous
        yield repr((str(plain.dtype), plain.shape, plain.strides if plain.size else None, flags))
        if type(value) is np.ndarray and value.base is not None:
            yield id(value.base)
        yield from leaves(plain)
        if hasattr(value, "__dict__"):
            yield from [
                part for name, part in sorted(value.__dict__.items()) if name not in ("_basedict", "_fill_value")
            ]

    def table(self, value):
        yield from (value.attrs, value.flags.allows_duplicate_labels, *index(value.index))
        if isinstance(value, pd.Series):
            yield from (value.name, str(value.dtype), *value.tolist())
        else:
            yield from index(value.columns)
            for place, dtype in enumerate(value.dtypes):
                yield str(dtype)
                yield from value.iloc[:, place].tolist()
        yield from [part for name, part in value.__dict__.items() if name not in _OWN]

    def elements(self, value, cls):
        if isinstance(value, dict):
            pairs = (
                collections.OrderedDict.items(value)
                if isinstance(value, collections.OrderedDict)
                else dict.items(value)
            )
            yield from [part for pair in pairs for part in pair]
        elif isinstance(value, list | tuple | collections.deque):
            yield from value
        elif isinstance(value, set | frozenset):
            yield from sorted(value, key=repr)
        elif isinstance(value, bytearray | memoryview | array.array):
            yield bytes(value)
        if isinstance(value, BaseException):
            yield from (value.args, value.__cause__, value.__context__, id(value.__traceback__))
        if isinstance(value, staticmethod | classmethod):
            yield value.__func__
        yield getattr(value, "maxlen", None)
        yield getattr(value, "default_factory", None)
        # what a cached property keeps stays where an action did nothing else
        yield from [part for pair in getattr(value, "__dict__", {}).items() if pair[0] != "total" for part in pair]
        for base in cls.__mro__:
            for name, member in base.__dict__.items():
                if type(member).__name__ == "member_descriptor" and base.__module__ == "__main__":
                    yield from (name, getattr(value, name, "unset"))


def leaves(plain):
    """The bytes of an array, or its objects."""
    if plain.dtype.names is not None and plain.dtype.hasobject:
        return [part for name in plain.dtype.names for part in leaves(plain[name])]
    return plain.reshape(-1).tolist() if plain.dtype.hasobject else [plain.tobytes()]


def index(value):
    """An index by its content: one that is identical is as good."""
    return [repr((list(value.names), value.tolist(), str(value.dtype), getattr(value, "freq", None)))]


def function(value):
    """A function with what it keeps."""
    own = [value.__dict__, value.__defaults__, value.__kwdefaults__, value.__name__, value.__doc__, id(value.__code__)]
    return [*own, *(cell.cell_contents for cell in value.__closure__ or ())]


def user_class(value):
    """A class of the user's with its attributes; of any other only which it is."""
    if value.__module__ != "__main__":
        return []
    members = [part for pair in value.__dict__.items() if pair[0] not in _CLASSES for part in pair]
    return [value.__name__, *value.__bases__, *members]
