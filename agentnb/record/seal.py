"""Whether a stored record is as the run left it: a seal beside it, which an edit by hand breaks.

It protects from mistakes, not from forgers: whoever edits can seal again. A page computes the same (``seal`` in
JavaScript): keys sorted, texts by their length in code points, numbers as millionths rounded down after adding a half,
so that 1.0 and 1 are the same and no language's way of writing numbers counts.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

_EXACT = 2**53
"""Above it, JavaScript's numbers are not exact."""
KEY = "seal"


def seal(record: Mapping[str, Any]) -> str:
    """Return the seal of a record as plain JSON data."""
    digest = hashlib.sha256()
    for part in _parts(record):
        digest.update(part.encode("utf-8", "surrogatepass"))
    return f"sha256:{digest.hexdigest()[:32]}"


def is_edited(record: Any, metadata: Any) -> bool:
    """Whether ``record`` differs from what was sealed; ``metadata`` holds the seal. False where there is none."""
    told = metadata.get(KEY) if isinstance(metadata, Mapping) else None
    return isinstance(told, str) and isinstance(record, Mapping) and told != seal(record)


def _parts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield f"s{len(value)}:{value}"
    elif value is None or isinstance(value, bool):
        yield {None: "n", True: "t", False: "f"}[value]
    elif isinstance(value, int | float):
        yield "i" + ("big" if abs(value) >= _EXACT / 1e6 else str(math.floor(value * 1e6 + 0.5)))
    elif isinstance(value, Mapping):
        yield f"d{len(value)}:"
        for key in sorted(value):
            yield from _parts(key)
            yield from _parts(value[key])
    else:
        yield f"l{len(value)}:"
        for item in value:
            yield from _parts(item)
