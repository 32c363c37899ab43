"""A table of a TOML file that checks what it hands out, and says where in the file a fault is."""

from __future__ import annotations

import difflib
import keyword
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agentnb.errors import ConfigError, UserError
from agentnb.team.toml_lines import Path, line_of

_KINDS = {str: "text", bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "a table"}


@dataclass(frozen=True)
class Source:
    """The file's text, and its name as messages show it."""

    text: str
    shown: str


@dataclass(frozen=True)
class Table:
    """One table of the file, at ``path``. All methods raise ``ConfigError`` with file, line and a suggestion."""

    source: Source
    path: Path
    values: dict[str, Any]

    def fault(self, message: str, *keys: str | int) -> ConfigError:
        """Return the error to raise for the value under ``keys``, or for the table itself."""
        line = line_of(self.source.text, self.path + keys)
        return ConfigError(f"{self.source.shown}, line {line}: {message}")

    def only(self, *known: str) -> None:
        """Refuse any other key."""
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
                raise self.fault(f"unknown key `{key}`; {hint}", key)

    def text(self, key: str, *, example: str = '"..."') -> str | None:
        """Return a text that is not empty, or None where the key is not there."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.fault(f"`{key}` must be text, not {_kind(value)}; write {key} = {example}", key)
        if not value.strip():
            raise self.fault(f"`{key}` is empty; write {key} = {example} or remove the line", key)
        return value

    def required(self, key: str) -> str:
        """Return a text that has to be there."""
        value = self.text(key)
        if value is None:
            raise self.fault(f'`{key}` is missing; add a line {key} = "..."')
        return value

    def choice(self, key: str, allowed: Sequence[str]) -> Any:
        """Return one of ``allowed``, or None where the key is not there."""
        value = self.values.get(key)
        if value is None or (isinstance(value, str) and value in allowed):
            return value
        near = difflib.get_close_matches(str(value), allowed, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"write one of {', '.join(allowed)}"
        raise self.fault(f"`{key}` cannot be {value!r}; {hint}", key)

    def seconds(self, key: str) -> float | None:
        """Return a positive number, or None where the key is not there."""
        value = self.values.get(key)
        if value is None:
            return None
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not 0 < value < math.inf:
            raise self.fault(f"`{key}` must be a number of seconds above 0; write for instance {key} = 60", key)
        return float(min(value, 10**9))

    def flag(self, key: str) -> bool | None:
        """Return a truth value, or None where the key is not there."""
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self.fault(f"`{key}` must be a truth value, not {_kind(value)}; write {key} = true", key)

    def strings(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where the key is not there."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fault(f'`{key}` must be a list of texts; write {key} = ["..."]', key)
        return tuple(value)

    def items(self, key: str) -> list[Any]:
        """Return a list of anything, with tables in it as ``Table``."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.fault(f'`{key}` must be a list, not {_kind(value)}; write {key} = ["..."]', key)
        return [
            Table(self.source, (*self.path, key, index), item) if isinstance(item, dict) else item
            for index, item in enumerate(value)
        ]

    def tables(self, key: str) -> list[Table]:
        """Return a list of tables, empty where the key is not there."""
        header = ".".join(str(part) for part in (*self.path, key) if isinstance(part, str))
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.fault(f"`{key}` must be tables; begin each with a line [[{header}]]", key)
        return self.items(key)

    def section(self, key: str, *, example: str) -> Table | None:
        """Return the one table under a key, None where it is not there; ``example`` is a line of it."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.fault(f"`{key}` must be a table, not {_kind(value)}; write {example} under [{key}]", key)
        return Table(self.source, (*self.path, key), value)

    def named_tables(self, key: str) -> dict[str, Table]:
        """Return the tables in a table by their names, empty where the key is not there."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.fault(f"`{key}` must be a table, not {_kind(value)}; write [{key}.NAME]", key)
        for name, item in value.items():
            if not isinstance(item, dict):
                raise self.fault(f"`{name}` must be a table, not {_kind(item)}; write [{key}.{name}]", key, name)
        return {name: Table(self.source, (*self.path, key, name), item) for name, item in value.items()}

    def identifier(self, name: str, what: str) -> None:
        """Refuse a name that code could not use."""
        if not name.isidentifier() or keyword.iskeyword(name):
            advice = "use letters, digits and _, and begin with a letter"
            raise self.fault(f"{what} name {name!r} cannot be used in code; {advice}")

    def checked(self, key: str, value: str, check: Callable[[str], object]) -> None:
        """Pass ``value`` to ``check``, and give the ``UserError`` that it raises a place in the file."""
        try:
            check(value)
        except UserError as error:
            raise self.fault(str(error), key) from error


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a date")
