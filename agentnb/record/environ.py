"""The environment variables in the form in which they are held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def held(environ: Mapping[str, str]) -> Mapping[Any, Any]:
    """Return the mapping below ``environ``, of encoded names and values where that is ``os.environ``.

    To copy or compare this one costs a fiftieth.
    """
    data: Mapping[Any, Any] = getattr(environ, "_data", environ)
    return data
