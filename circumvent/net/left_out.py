"""Imports a library without a part of it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def left_out(name: str) -> Iterator[None]:
    """Make the import of ``name`` fail inside, as if it were not installed, unless it is loaded already.

    For a part that a library itself can do without.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # the import system's own word for "not there"
    try:
        yield
    finally:
        del sys.modules[name]
