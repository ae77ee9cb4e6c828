"""A library is imported without a part of it."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from circumvent.net.left_out import left_out


def test_the_part_is_not_there_inside_and_can_be_imported_afterwards() -> None:
    sys.modules.pop("this", None)
    with left_out("this"), pytest.raises(ImportError):
        importlib.import_module("this")
    assert "this" not in sys.modules


def test_what_is_loaded_already_stays() -> None:
    with left_out("sys"):
        assert importlib.import_module("sys") is sys
    assert sys.modules["sys"] is sys


def test_http_does_not_bring_a_command_line() -> None:
    code = "import sys, circumvent.net.http; print([m for m in ('click', 'rich', 'pygments') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
