"""Where in a TOML file a value stands. The parser of the standard library does not tell, so this looks again."""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)(.+?)\]\]?\s*(?:#.*)?$")
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_KEY = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")


def line_of(text: str, path: Path) -> int:
    """Return the line, from 1, of the value at ``path`` in valid TOML, or of the nearest table or key around it.

    Parts of ``path`` are keys and indices into lists. Keys of inline tables are found where no other of the same name
    comes before them.
    """
    positions = _positions(text)
    known = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in positions), ())
    line = positions.get(known, 1)
    rest = [part for part in path[len(known) :] if isinstance(part, str)]
    return _line_within(text, line, rest[-1]) if rest else line


def _positions(text: str) -> dict[Path, int]:
    """Return the first line of each key and table that starts a line of its own."""
    positions: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    quote = ""
    for number, line in enumerate(text.splitlines(), 1):
        inside, quote = bool(quote), _open_quote(line, quote)
        if inside:
            continue
        if header := _HEADER.match(line):
            table = _table(_dotted(header[2]), counts, is_array=header[1] == "[[")
            positions.setdefault(table, number)
        elif key := _KEY.match(line):
            positions.setdefault(table + _dotted(key[1]), number)
    return positions


def _table(names: Path, counts: dict[Path, int], *, is_array: bool) -> Path:
    """Return the path of a table header, with the index of each array of tables that it passes through."""
    path: Path = ()
    for name in names[:-1]:
        path += (name,)
        if path in counts:
            path += (counts[path],)
    path += names[-1:]
    if is_array:
        counts[path] = counts.get(path, -1) + 1
    return (*path, counts[path]) if path in counts else path


def _dotted(key: str) -> Path:
    """Return the names of a dotted key, read by the real parser."""
    try:
        found = tomllib.loads(f"{key} = 0")
    except ValueError:
        return ()
    names: list[str | int] = []
    while isinstance(found, dict):
        name, found = next(iter(found.items()))
        names.append(name)
    return tuple(names)


def _open_quote(line: str, quote: str) -> str:
    """Return the triple quote that is open after ``line``, given the one open before it."""
    for found in re.findall(r'"""|\'\'\'', line):
        if not quote:
            quote = found
        elif quote == found:
            quote = ""
    return quote


def _line_within(text: str, start: int, key: str) -> int:
    """Return the first line from ``start`` on that sets ``key`` in an inline table; ``start`` where none does."""
    setting = re.compile(rf"""(?:^|[{{,\s])["']?{re.escape(key)}["']?\s*=""")
    lines = text.splitlines()[start - 1 :]
    return next((start + offset for offset, line in enumerate(lines) if setting.search(line)), start)
