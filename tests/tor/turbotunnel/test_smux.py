"""One stream of smux: frames as its Go implementation writes them, and windows."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.errors import TorError
from circumvent.tor.turbotunnel.smux import FIRST_WINDOW, LONGEST_FRAME, STREAM, WINDOW, Smux

OPENED = bytes.fromhex("02 00 0000 03000000")


def frame(command: int, body: bytes = b"", *, version: int = 2, stream: int = STREAM) -> bytes:
    return struct.pack("<BBHI", version, command, len(body), stream) + body


def opened() -> Smux:
    smux = Smux()
    assert smux.take_out() == OPENED
    return smux


def test_a_stream_is_opened_used_and_ended() -> None:
    smux = opened()
    smux.send(b"hello")
    assert smux.take_out() == bytes.fromhex("02 02 0500 03000000") + b"hello"
    smux.keep_alive()
    smux.finish()
    assert smux.take_out() == bytes.fromhex("02 03 0000 00000000 02 01 0000 03000000")


def test_what_comes_in_pieces() -> None:
    smux = opened()
    for byte in frame(2, b"hello") + frame(3, stream=0) + frame(2, b" you") + frame(1):
        smux.feed(bytes([byte]))
    assert smux.take() == b"hello you"
    assert smux.ended


def test_the_first_bytes_and_every_half_window_are_answered_with_a_window() -> None:
    smux = opened()
    smux.feed(frame(2, b"hello"))
    smux.take()
    assert smux.take_out() == frame(4, struct.pack("<II", 5, WINDOW))
    smux.feed(frame(2, bytes(100)))
    smux.take()
    assert smux.take_out() == b""
    for _ in range(WINDOW // 2 // LONGEST_FRAME):
        smux.feed(frame(2, bytes(LONGEST_FRAME)))
        smux.take()
    assert smux.take_out() == frame(4, struct.pack("<II", 105 + WINDOW // 2, WINDOW))


def test_no_more_is_sent_than_the_peer_takes() -> None:
    smux = opened()
    smux.send(bytes(FIRST_WINDOW + 10))
    assert len(smux.take_out()) == FIRST_WINDOW + 8 * (FIRST_WINDOW // LONGEST_FRAME)
    smux.feed(frame(4, struct.pack("<II", FIRST_WINDOW, 4)))
    assert smux.take_out() == frame(2, bytes(4))


def test_version_1_has_no_windows() -> None:
    smux = Smux(1)
    smux.send(bytes(FIRST_WINDOW + 10))
    assert len(smux.take_out()) > FIRST_WINDOW + 10
    smux.feed(frame(2, b"hello", version=1))
    assert smux.take() == b"hello"
    assert smux.take_out() == b""
    with pytest.raises(TorError):
        smux.feed(frame(4, bytes(8), version=1))


@pytest.mark.parametrize("data", [frame(2, version=1), frame(5), frame(4, b"short")])
def test_what_is_no_frame(data: bytes) -> None:
    with pytest.raises(TorError):
        opened().feed(data)


def test_a_peer_that_minds_no_window() -> None:
    smux = opened()
    with pytest.raises(TorError, match="window"):
        smux.feed(frame(2, bytes(LONGEST_FRAME)) * (WINDOW // LONGEST_FRAME + 2))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    smux = opened()
    try:
        smux.feed(data)
    except TorError:
        return
    smux.take()
