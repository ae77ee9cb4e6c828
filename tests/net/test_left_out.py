"""A library is imported without a part of it, and nothing stays behind."""

from __future__ import annotations

import importlib
import json
import sys

import pytest

from circumvent.net.left_out import left_out

ABSENT = "circumvent_test_of_a_module_that_is_not_there"


def test_inside_it_is_not_there() -> None:
    with left_out(ABSENT), pytest.raises(ImportError):
        importlib.import_module(ABSENT)
    assert ABSENT not in sys.modules


def test_what_is_loaded_stays_loaded() -> None:
    with left_out("json"):
        assert importlib.import_module("json") is json
    assert sys.modules["json"] is json


def test_an_error_inside_leaves_nothing_behind() -> None:
    with pytest.raises(ZeroDivisionError), left_out(ABSENT):
        _ = 1 // 0
    assert ABSENT not in sys.modules
