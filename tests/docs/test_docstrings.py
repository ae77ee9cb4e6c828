"""What stands in docstrings as an example is true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PLACES: Final = {"circumvent": "circumvent", "transports": "circumvent.transports", "cli": "circumvent.cli"}


def with_examples() -> list[str]:
    """Return the modules whose docstrings have examples."""
    found = []
    for place, package in PLACES.items():
        base = ROOT / place
        for path in sorted(base.rglob("*.py")):
            inner = path.relative_to(base)
            linked = any((base / part).is_symlink() for part in inner.parents)
            if not linked and ">>> " in path.read_text(encoding="utf-8"):
                found.append(".".join([package, *inner.with_suffix("").parts]))
    return found


@pytest.mark.parametrize("name", with_examples())
def test_examples_in_docstrings(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert result.failed == 0
