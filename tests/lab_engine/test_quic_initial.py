"""Initials are opened as RFC 9001 and RFC 9369 show, and as aioquic makes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.quic_initial import (
    VERSION_1,
    VERSION_2,
    CryptoStream,
    crypto_frames,
    initials,
    long_header_version,
    open_initial,
)
from circumvent.lab.tls import read_hello
from tests.lab_engine.talk import quic_initials

VECTOR = json.loads((Path(__file__).parents[1] / "vectors" / "rfc9001-a2.json").read_text())


@pytest.mark.parametrize(("field", "version"), [("version_1", VERSION_1), ("version_2", VERSION_2)])
def test_vectors(field: str, version: int) -> None:
    datagram = bytes.fromhex(VECTOR[field])
    (initial,) = initials(datagram)
    assert (initial.version, initial.destination_id.hex(), initial.source_id) == (
        version,
        "8394c8f03e515708",
        b"",
    )
    frames = open_initial(initial)
    assert frames == bytes.fromhex(VECTOR["frames"]) + bytes(VECTOR["padding"])
    ((offset, message),) = crypto_frames(frames)
    hello = read_hello(message, "q")
    assert offset == 0
    assert hello is not None
    assert (hello.name, hello.complete) == ("example.com", True)


def test_a_damaged_or_foreign_packet_is_not_opened() -> None:
    datagram = bytearray.fromhex(VECTOR["version_1"])
    datagram[-1] ^= 1
    (initial,) = initials(bytes(datagram))
    assert open_initial(initial) is None
    assert not CryptoStream().add(bytes(datagram))
    assert initials(b"\x40" + bytes(1199)) == []
    assert initials(bytes(datagram[:1000])) == []
    assert long_header_version(b"\x40" + bytes(30)) is None
    assert long_header_version(bytes(datagram)) == VERSION_1


@pytest.mark.parametrize("version", [VERSION_1, VERSION_2])
def test_a_hello_over_several_datagrams_is_put_together_in_any_order(version: int) -> None:
    datagrams = quic_initials("split.example", version=version, alpn=100)
    assert len(datagrams) > 1
    for order in (datagrams, datagrams[::-1], [*datagrams, *datagrams]):
        stream = CryptoStream()
        for datagram in order:
            stream.add(datagram)
        hello = read_hello(stream.message(), "q")
        assert hello is not None
        assert (hello.name, hello.complete) == ("split.example", True)


@given(st.binary(max_size=300), st.booleans())
def test_hostile_datagrams_bring_nothing(data: bytes, head: bool) -> None:
    stream = CryptoStream()
    assert not stream.add((b"\xc0\x00\x00\x00\x01" if head else b"") + data)
    assert stream.message() == b""


@given(st.binary(max_size=200))
def test_hostile_frames_end_where_they_make_no_sense(data: bytes) -> None:
    for offset, piece in crypto_frames(data):
        assert offset >= 0
        assert len(piece) <= len(data)
