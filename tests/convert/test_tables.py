"""TOML: whatever a text holds, TOML's own reader gives it back."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from circumvent.convert.tables import fields_of, value_text
from circumvent.model.secret import Secret
from tests.convert.strategies import PEM, made

VALUES = st.booleans() | st.integers(-(10**9), 10**9) | st.text() | st.lists(st.text(max_size=5), max_size=3)


@given(VALUES)
def test_a_value_is_read_as_it_was(value: object) -> None:
    # TOML itself makes one line feed of a carriage return and a line feed, if they stand as they are.
    assert tomllib.loads(f"x = {value_text(value)}\n")["x"] == value


def test_certificates_stay_readable() -> None:
    assert value_text(PEM).splitlines()[1] == "-----BEGIN CERTIFICATE-----"


def test_only_what_says_something_is_written() -> None:
    option = made("socks5", "p.example", 1080, password=Secret(""), user=Secret("anna"))
    assert fields_of(option) == {"kind": "socks5", "host": "p.example", "user": "anna", "password": ""}
