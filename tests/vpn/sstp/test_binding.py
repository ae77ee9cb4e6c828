"""Crypto binding against the two examples of its specification."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from circumvent.vpn.sstp.binding import call_connected, compound_mac
from circumvent.vpn.sstp.message import SHA1, SHA256, BindingRequest

MS_SSTP: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "ms-sstp-4.json").read_text())


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_the_compound_mac_is_that_of_the_specification(name: str) -> None:
    message = bytes.fromhex(MS_SSTP[name]["call_connected"])
    mac = compound_mac(bytes.fromhex(MS_SSTP[name]["hlak"]), message[:80] + bytes(32), name)
    assert mac.ljust(32, b"\0") == message[80:]


@pytest.mark.parametrize(
    ("offered", "name", "bit"), [(SHA1, "sha1", 1), (SHA256, "sha256", 2), (3, "sha256", 2)]
)
def test_the_message_is_laid_out_as_the_example(
    offered: int, name: str, bit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example gives the certificate's hash and not the certificate: for this test, that is its hash."""
    example = bytes.fromhex(MS_SSTP[name]["call_connected"])
    hlak = bytes.fromhex(MS_SSTP[name]["hlak"])
    certificate = b"the server's"
    size = hashlib.new(name).digest_size
    real = hashlib.new

    class Example:
        digest_size = size

        def __init__(self, *data: bytes) -> None:
            self._certificate = data == (certificate,)

        def digest(self) -> bytes:
            assert self._certificate
            return example[48 : 48 + size]

    monkeypatch.setattr(hashlib, "new", lambda name, *data: Example(*data) if data else real(name))
    message = call_connected(BindingRequest(offered, example[16:48]), certificate, hlak)
    assert message[15] == bit
    assert message == example
