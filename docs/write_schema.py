"""Writes the JSON Schema of the report anew from the model: ``nox -s schema``."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from circumvent.model.report import json_schema

NAME = "circumvent.report-1.json"


def text() -> str:
    """Return the schema as it stands in the package."""
    return json.dumps(ordered(json_schema()), indent=1, ensure_ascii=True) + "\n"


def ordered(value: Any) -> Any:
    """Put alternatives in an order of our own: each version of msgspec has another."""
    if isinstance(value, list):
        return [ordered(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: ordered(one) for name, one in value.items()}
    if "anyOf" in found:
        found["anyOf"].sort(key=json.dumps)
    return found


if __name__ == "__main__":
    Path(str(files("circumvent.model") / NAME)).write_text(text(), encoding="ascii")
