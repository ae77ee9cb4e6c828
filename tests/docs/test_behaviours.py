"""The page of documented behaviours is what the laboratory's files say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_made_from_the_files() -> None:
    spec = importlib.util.spec_from_file_location("write_behaviours", DOCS / "write_behaviours.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text(encoding="utf-8") == script.text(), "run: python docs/write_behaviours.py"
