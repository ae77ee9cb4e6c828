"""VPN gateways in TOML."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.problem import LineError
from circumvent.inputs.toml_file import read_toml
from circumvent.inputs.vpn_fields import parse_pin
from circumvent.model.openconnect import OpenconnectSettings
from circumvent.model.option import Option
from circumvent.model.sstp import SstpSettings

PIN = bytes(range(32))


def read(text: str) -> Option | LineError:
    ((_, outcome),) = read_toml(f"[[option]]\n{text}", folder=Path())
    return outcome if isinstance(outcome, LineError) else outcome[0]


def option(text: str) -> Option:
    result = read(text)
    assert isinstance(result, Option), result
    return result


def test_an_openconnect_profile() -> None:
    made = option(
        'kind = "openconnect"\nhost = "vpn.example"\nuser = "alice"\npassword = "word"\n'
        f'path = "students"\ngroup = "Students"\npin = "pin-sha256:{b64encode(PIN).decode()}"'
    )
    assert (made.kind, str(made.endpoint)) == ("openconnect", "vpn.example:443")
    assert made.settings == OpenconnectSettings(path="/students", group="Students", pin=PIN)
    assert made.user is not None
    assert made.user.reveal() == "alice"
    assert "students" not in repr(made).lower()


def test_an_sstp_profile() -> None:
    made = option('kind = "sstp"\nhost = "vpn.example"\nport = 4443\nuser = "a"\npassword = "b"\npap = true')
    assert (made.kind, made.endpoint.port) == ("sstp", 4443)
    assert made.settings == SstpSettings(pap=True)


def test_a_gateway_needs_no_credentials() -> None:
    assert option('kind = "openconnect"\nhost = "vpn.example"').settings == OpenconnectSettings()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('path = "//elsewhere.example/"', "no path"),
        ('path = "a b"', "no path"),
        ('group = "a\\u0000b"', "no text"),
        ('group = "a\\nb"', "too long"),
        ('pin = "sha1:00"', "a pin is"),
        ("pin = 5", "text in quotes"),
        ("pap = true", "no such field"),
        ('alpn = "h2"', "no such field"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(line: str, sentence: str) -> None:
    result = read(f'kind = "openconnect"\nhost = "vpn.example"\n{line}')
    assert isinstance(result, LineError)
    assert sentence in result.sentence
    assert result.where == 4


@pytest.mark.parametrize(
    "text",
    [
        "pin-sha256:" + b64encode(PIN).decode(),
        "sha256:" + PIN.hex(),
        PIN.hex().upper(),
        "sha256:" + PIN.hex(":"),
    ],
)
def test_a_pin_in_each_of_its_forms(text: str) -> None:
    assert parse_pin(text) == PIN


@given(st.text(max_size=80))
def test_any_text_is_a_pin_or_an_error(text: str) -> None:
    with suppress(LineError):
        assert len(parse_pin(text)) == 32
