"""Frames of obfs4: those of a real obfs4proxy, and there and back."""

from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.errors import TorError
from circumvent.tor.obfs4 import framing, ntor
from circumvent.tor.obfs4.framing import KEY_BYTES, PAYLOAD_BYTES, SEGMENT_BYTES, Decoder, Encoder, Packet
from tests.tor.obfs4.recorded import RECORDED, SEED

KEYS = bytes(range(KEY_BYTES))


def packets(decoder: Decoder) -> list[Packet]:
    found = []
    while (packet := decoder.next_packet()) is not None:
        found.append(packet)
    return found


def test_frames_of_obfs4proxy() -> None:
    decoder = Decoder(ntor.expand(SEED, 2 * KEY_BYTES)[KEY_BYTES:])
    decoder.feed(bytes.fromhex(RECORDED["frames"]))
    found = packets(decoder)
    assert [
        [packet.kind, len(packet.payload), hashlib.sha256(packet.payload).hexdigest()] for packet in found
    ] == RECORDED["packets"]
    assert found[0] == Packet(framing.SEED, bytes.fromhex(RECORDED["drbg_seed"]))


@given(st.lists(st.tuples(st.binary(max_size=100), st.integers(0, 1300)), max_size=8), st.integers(1, 50))
def test_there_and_back_in_any_pieces(sent: list[tuple[bytes, int]], size: int) -> None:
    encoder, decoder = Encoder(KEYS), Decoder(KEYS)
    stream = b"".join(encoder.encode(payload, padding=padding) for payload, padding in sent)
    found: list[Packet] = []
    for begin in range(0, len(stream), size):
        decoder.feed(stream[begin : begin + size])
        found += packets(decoder)
    assert [packet.payload for packet in found] == [payload for payload, _ in sent]


def test_the_largest_frame_fills_a_segment() -> None:
    encoder = Encoder(KEYS)
    assert len(encoder.encode(bytes(PAYLOAD_BYTES))) == SEGMENT_BYTES
    with pytest.raises(ValueError, match="holds"):
        encoder.encode(bytes(PAYLOAD_BYTES), padding=1)


@given(st.data())
def test_a_changed_byte_is_never_taken(data: st.DataObject) -> None:
    frame = bytearray(Encoder(KEYS).encode(b"hello", padding=50))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    decoder = Decoder(KEYS)
    decoder.feed(bytes(frame) + os.urandom(1500))
    with pytest.raises(TorError):
        packets(decoder)


def test_a_packet_that_says_it_is_longer_than_its_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder(KEYS)
    decoder.feed(Encoder(KEYS).encode(b"hello"))
    monkeypatch.setattr(framing, "unseal", lambda *_: b"\0\0\x06hello")
    with pytest.raises(TorError, match="longer"):
        decoder.next_packet()


@given(st.binary(max_size=4000))
def test_any_bytes_give_nothing_or_the_error(data: bytes) -> None:
    decoder = Decoder(KEYS)
    decoder.feed(data)
    try:
        assert packets(decoder) == []
    except TorError:
        assert len(data) >= 2
