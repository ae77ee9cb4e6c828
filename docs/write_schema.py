"""Writes the JSON Schema of the report anew from the model: ``nox -s schema``."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from circumvent.model.report import json_schema

NAME = "circumvent.report-1.json"


def text() -> str:
    """Return the schema as it stands in the package."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    Path(str(files("circumvent.model") / NAME)).write_text(text(), encoding="ascii")
