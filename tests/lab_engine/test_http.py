"""Requests are read as far as they came, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.http import could_be_request, read_request


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n", "blocked.example"),
        ("GET / HTTP/1.1\r\nhOsT:BLOCKED.example.:8080\r\n\r\n", "blocked.example"),
        ("GET / HTTP/1.1\r\nAccept: */*\r\nHost :  blocked.example \r\n\r\n", "blocked.example"),
        ("GET http://blocked.example/x HTTP/1.1\r\n\r\n", "blocked.example"),
        ("CONNECT blocked.example:443 HTTP/1.1\r\n\r\n", "blocked.example"),
        ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "2001:db8::1"),
        ("GET / HTTP/1.0\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: blocked.exa", None),
        ("GET / HTTP/1.1\r\nHost: blocked.example\r\nAcc", "blocked.example"),
    ],
)
def test_hosts(text: str, host: str | None) -> None:
    request = read_request(text.encode())
    assert request is not None
    assert request.host == host


def test_what_is_no_request() -> None:
    assert read_request(b"GET / HT") is None
    assert read_request(b"\x16\x03\x01\r\n\r\n") is None
    assert could_be_request(b"ge")
    assert not could_be_request(b"\x16\x03\x01")


@given(st.binary(max_size=200))
def test_hostile_bytes_raise_nothing(data: bytes) -> None:
    read_request(data)
    read_request(b"GET " + data + b"\r\n\r\n")
