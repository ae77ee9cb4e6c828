"""How bursts are padded and cut: nothing is lost, lengths are those of the distribution."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.obfs4.framing import KEY_BYTES, SEGMENT_BYTES, Decoder, Encoder
from circumvent.tor.obfs4.shape import Distribution, Shaper

KEYS = bytes(range(KEY_BYTES))


def shaped(data: bytes, iat_mode: int, seed: int = 1) -> list[tuple[bytes, float]]:
    return list(Shaper(Encoder(KEYS), iat_mode, Random(seed)).pieces(data))


def unshaped(pieces: list[tuple[bytes, float]]) -> bytes:
    decoder = Decoder(KEYS)
    decoder.feed(b"".join(piece for piece, _ in pieces))
    data = b""
    while (packet := decoder.next_packet()) is not None:
        data += packet.payload
    return data


@given(st.binary(max_size=6000), st.sampled_from([0, 1, 2]), st.integers(0, 1000))
def test_nothing_is_lost(data: bytes, iat_mode: int, seed: int) -> None:
    assert unshaped(shaped(data, iat_mode, seed)) == data


@given(st.binary(min_size=1, max_size=6000), st.integers(0, 1000))
def test_without_pauses_there_is_one_piece(data: bytes, seed: int) -> None:
    ((piece, pause),) = shaped(data, 0, seed)
    assert pause == 0
    assert len(piece) > len(data)


@pytest.mark.parametrize("iat_mode", [1, 2])
@given(data=st.binary(min_size=1, max_size=6000), seed=st.integers(0, 1000))
def test_pieces_fit_into_segments_and_pauses_are_short(iat_mode: int, data: bytes, seed: int) -> None:
    for piece, pause in shaped(data, iat_mode, seed):
        assert 0 < len(piece) <= SEGMENT_BYTES
        assert 0 <= pause <= 0.01


def test_a_seed_decides_the_distribution() -> None:
    first, second = Distribution(bytes(24), 1448), Distribution(bytes(24), 1448)
    assert [first.sample(Random(n)) for n in range(50)] == [second.sample(Random(n)) for n in range(50)]
    other = Distribution(b"\1" * 24, 1448)
    assert [first.sample(Random(n)) for n in range(50)] != [other.sample(Random(n)) for n in range(50)]


@given(st.binary(min_size=24, max_size=24), st.integers(1, 1448))
def test_values_stay_in_their_bounds(seed: bytes, largest: int) -> None:
    distribution = Distribution(seed, largest)
    assert all(0 <= distribution.sample(Random(n)) <= largest for n in range(20))


def test_the_server_may_change_the_shape() -> None:
    shaper = Shaper(Encoder(KEYS), 0, Random(1))
    lengths = {len(next(shaper.pieces(b"x"))[0]) for _ in range(30)}
    shaper.take_seed(b"\2" * 24)
    assert {len(next(shaper.pieces(b"x"))[0]) for _ in range(30)} != lengths
