"""From old versions of the record to the present one, a step for each version.

An upgrade takes the plain data of a record of version n, which may be damaged, and returns that of version n + 1. It
may raise anything; the reader then repairs what it can from the data as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agentnb.record.document import VERSION

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

UPGRADES: Mapping[int, Upgrade] = {}
"""The upgrade from each old version to the next. Version 1 is the first, so there is none yet."""


def upgrade(
    data: Mapping[str, Any], *, upgrades: Mapping[int, Upgrade] = UPGRADES, to: int = VERSION
) -> dict[str, Any]:
    """Return the data of a record (its ``version`` an int) in version ``to``; newer ones as they are.

    Raises ``KeyError`` where a version in between has no upgrade.
    """
    current = dict(data)
    for version in range(current["version"], to):
        current = {**upgrades[version](current), "version": version + 1}
    return current
