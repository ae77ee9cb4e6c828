"""JA4 against what its authors published."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.hello import HelloError
from circumvent.net.ja4 import is_grease, ja4
from tests.net.hellos import make_hello

VECTORS = Path(__file__).parents[1] / "vectors" / "foxio-ja4.txt"


def published() -> list[list[str]]:
    lines = VECTORS.read_text("ascii").splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def hexadecimal(text: str) -> list[int]:
    return [int(value, 16) for value in text.split(",")]


@pytest.mark.parametrize("vector", published(), ids=lambda vector: vector[0])
def test_published_fingerprints(vector: list[str]) -> None:
    wanted, ciphers, extensions, signatures, alpn = vector
    hello = make_hello(
        ciphers=hexadecimal(ciphers),
        extensions=hexadecimal(extensions),
        signatures=hexadecimal(signatures),
        alpn=[bytes.fromhex(value) for value in alpn.split("-")],
    )
    assert ja4(hello, transport=wanted[0]) == wanted


def test_the_published_hash_without_signature_algorithms() -> None:
    extensions = hexadecimal("0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01")
    assert ja4(make_hello(extensions=extensions)).endswith("_6d807ffa2a79")


def test_grease_counts_nowhere() -> None:
    plain = make_hello(ciphers=(0x1301,), extensions=(0, 43, 13), signatures=(0x0403,), versions=(0x0304,))
    greased = make_hello(
        ciphers=(0x0A0A, 0x1301),
        extensions=(0x1A1A, 0, 43, 13, 0xFAFA),
        signatures=(0x2A2A, 0x0403),
        versions=(0x7A7A, 0x0304),
    )
    assert ja4(greased) == ja4(plain)
    assert [number for number in range(0x10000) if is_grease(number)] == [
        digit << 12 | 0xA00 | digit << 4 | 0xA for digit in range(16)
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"x", "xx"),
        (b"", "00"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"0\xab", "3b"),
        (b"01\xab\xcd", "3d"),
        (b"0\xab\xcd1", "01"),
    ],
)
def test_alpn_as_published(value: bytes, shown: str) -> None:
    assert ja4(make_hello(extensions=(16,), alpn=[value])).split("_")[0].endswith(shown)


def test_what_is_absent_is_zeros() -> None:
    assert ja4(make_hello(ciphers=())) == "t12i000000_000000000000_000000000000"
    assert ja4(make_hello(legacy_version=0x7777)).startswith("t00i")


@given(st.binary(max_size=300))
def test_garbage_has_no_fingerprint(data: bytes) -> None:
    for message in (data, b"\x01" + len(data).to_bytes(3) + data):
        try:
            ja4(message)
        except HelloError:
            continue


@given(st.data())
def test_a_damaged_hello_raises_only_its_error(data: st.DataObject) -> None:
    hello = bytearray(make_hello(extensions=(0, 16, 13, 43), signatures=(0x0403,)))
    for _ in range(data.draw(st.integers(1, 4))):
        hello[data.draw(st.integers(0, len(hello) - 1))] = data.draw(st.integers(0, 255))
    try:
        ja4(bytes(hello[: data.draw(st.integers(0, len(hello)))]))
    except HelloError:
        return
