"""The JSON Schema of the record and of its events; ``python -m agentnb.record.schema [PATH]`` writes it.

The TypeScript types of the page are generated from the committed file, ``docs/record.schema.json``.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from agentnb.record.document import VERSION, RunRecord
from agentnb.record.events import AnyEvent

PATH = Path(__file__).parents[2] / "docs" / "record.schema.json"


def schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12): its root is ``RunRecord``, ``$defs`` has ``AnyEvent`` as well."""
    (record, event), components = msgspec.json.schema_components([RunRecord, AnyEvent], ref_template="#/$defs/{name}")
    whole: dict[str, Any] = _tidy(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"The record of an agentnb run, version {VERSION}",
            **record,
            "$defs": {"AnyEvent": event, **components},
        }
    )
    return whole


def _tidy(node: Any) -> Any:
    """Take the indentation out of descriptions: up to Python 3.12 docstrings keep it, from 3.13 on they do not."""
    if isinstance(node, dict):
        return {
            key: inspect.cleandoc(value) if key == "description" and isinstance(value, str) else _tidy(value)
            for key, value in node.items()
        }
    return [_tidy(item) for item in node] if isinstance(node, list) else node


def rendered() -> str:
    """Return the schema as the text of the committed file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PATH
    target.write_text(rendered(), encoding="utf-8")
    print(f"{target} written.")
