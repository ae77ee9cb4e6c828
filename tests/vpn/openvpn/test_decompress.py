"""LZO1X and LZ4 against the libraries that openvpn itself uses."""

from __future__ import annotations

import ctypes
import ctypes.util
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from circumvent.vpn.openvpn.decompress import LONGEST, DecompressError, lz4, lzo1x
from tests.lab.left_out import leave_out

if TYPE_CHECKING:
    from collections.abc import Callable


def library(name: str) -> ctypes.CDLL:
    """A library that comes with the package of openvpn."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        leave_out(f"{name} is not installed (Debian package openvpn brings it)")


def compress_lzo(data: bytes) -> bytes:
    out = ctypes.create_string_buffer(len(data) + len(data) // 16 + 67)
    size, work = ctypes.c_size_t(len(out)), ctypes.create_string_buffer(1 << 20)
    assert not library("liblzo2.so.2").lzo1x_1_15_compress(
        data, ctypes.c_size_t(len(data)), out, ctypes.byref(size), work
    )
    return out.raw[: size.value]


def compress_lz4(data: bytes) -> bytes:
    out = ctypes.create_string_buffer(len(data) + len(data) // 255 + 16)
    size = library("liblz4.so.1").LZ4_compress_default(data, out, len(data), len(out))
    return out.raw[:size]


SORTS = pytest.mark.parametrize(
    ("compress", "decompress"), [(compress_lzo, lzo1x), (compress_lz4, lz4)], ids=["lzo1x", "lz4"]
)
#: Packets that are worth compressing: pieces that come again at all distances.
PACKETS = st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=6).flatmap(
    lambda pieces: st.lists(st.sampled_from(pieces), min_size=1, max_size=400).map(b"".join)
)


@SORTS
@settings(deadline=None)
@given(data=PACKETS)
@example(data=b"a" * 60000)
@example(data=bytes(range(256)) * 200)
def test_what_the_library_compresses(
    compress: Callable[[bytes], bytes], decompress: Callable[[bytes], bytes], data: bytes
) -> None:
    assert decompress(compress(data)) == data


@SORTS
def test_far_matches(compress: Callable[[bytes], bytes], decompress: Callable[[bytes], bytes]) -> None:
    noise = random.Random(1)
    for distance in (100, 1500, 2500, 10_000, 20_000, 45_000):
        data = b"needle in a haystack" + noise.randbytes(distance) + b"needle in a haystack" + b"x" * 50
        assert decompress(compress(data)) == data


@SORTS
@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_octets_are_a_block_or_an_error(
    compress: Callable[[bytes], bytes], decompress: Callable[[bytes], bytes], data: bytes
) -> None:
    del compress
    with suppress(DecompressError):
        assert len(decompress(data)) <= LONGEST


@SORTS
def test_bombs_and_ends(compress: Callable[[bytes], bytes], decompress: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DecompressError):
        decompress(compress(b"a" * 100_000))
    whole = compress(b"abcabcabcabcabcabcabc")
    for size in range(len(whole)):
        with suppress(DecompressError):
            assert decompress(whole[:size]) != b"abcabcabcabcabcabcabc"
    with pytest.raises(DecompressError):
        decompress(b"")
