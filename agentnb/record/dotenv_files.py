"""The secrets in the ``.env`` files of the working folder; they are read to be kept out, never loaded."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

NAMES = (".env", ".env.local", ".env.development", ".env.production", ".env.staging", ".env.test", ".env.secrets")
_LARGEST = 1_000_000  # bytes; what is larger is something else


class DotenvFiles:
    """Remembers what the files hold until they change."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[tuple[int, int], dict[str, str]]] = {}

    def values(self) -> Iterator[tuple[str, str]]:
        """Yield all names and values. What cannot be read has none."""
        for name in NAMES:
            try:
                stat = os.stat(name)
                if stat.st_size > _LARGEST:
                    continue
                yield from self._values(Path(name).resolve(), (stat.st_mtime_ns, stat.st_size)).items()
            except OSError:  # not there, in nearly every folder
                continue

    def _values(self, path: Path, state: tuple[int, int]) -> dict[str, str]:
        known = self._read.get(path)
        if known is None or known[0] != state:
            known = self._read[path] = state, _parsed(path)
        return known[1]


def _parsed(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values  # only where there is such a file

    text = path.read_bytes().decode("utf-8", "replace")
    try:
        # without interpolation: that would look names up in the environment
        found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    except Exception:  # whatever else it may be, it is no reason to fail
        return {}
    return {os.fsdecode(name): value for name, value in found.items() if value}
