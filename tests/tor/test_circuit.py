"""Circuits of one hop: what a real tor sealed and opened, and the flow control."""

from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.circuit import Circuit, Relay, RelayCell, kdf_tor, open_fast
from circumvent.tor.errors import TorError
from tests.tor.recorded import ANSWER, RECORDED, SENT


def pair() -> tuple[Circuit, Circuit]:
    """Return both ends of a circuit."""
    keys = [os.urandom(20), os.urandom(20), os.urandom(16), os.urandom(16)]
    near = Circuit(forward_seed=keys[0], backward_seed=keys[1], forward_key=keys[2], backward_key=keys[3])
    far = Circuit(forward_seed=keys[1], backward_seed=keys[0], forward_key=keys[3], backward_key=keys[2])
    return near, far


def test_what_tor_opened_and_sealed() -> None:
    circuit = open_fast(SENT, ANSWER)
    for sealed in RECORDED["sealed"]:
        cell = RelayCell(sealed["command"], sealed["stream"], bytes.fromhex(sealed["data"]))
        assert circuit.seal(cell).hex() == sealed["payload"]
    for opened in RECORDED["opened"]:
        cell = circuit.open(bytes.fromhex(opened["payload"]))
        assert (cell.command, cell.stream) == (opened["command"], opened["stream"])
        assert hashlib.sha256(cell.data).hexdigest() == opened["data_sha256"]


def test_kdf_tor_is_sha1_with_a_counter() -> None:
    assert kdf_tor(b"abc", 30) == (hashlib.sha1(b"abc\0").digest() + hashlib.sha1(b"abc\1").digest())[:30]


@pytest.mark.parametrize("place", [0, 19, 20, 39])
def test_a_wrong_answer_opens_nothing(place: int) -> None:
    changed = bytearray(ANSWER)
    changed[place] ^= 1
    with pytest.raises(TorError, match="does not fit"):
        open_fast(SENT, bytes(changed))


@given(st.binary(max_size=39))
def test_a_short_answer_opens_nothing(answer: bytes) -> None:
    with pytest.raises(TorError):
        open_fast(SENT, answer)


@given(
    st.lists(
        st.builds(RelayCell, st.sampled_from([3, 4, 5, 10]), st.integers(0, 65535), st.binary(max_size=498))
    )
)
def test_there_and_back(sent: list[RelayCell]) -> None:
    near, far = pair()
    assert [far.open(near.seal(cell)) for cell in sent] == sent
    assert [near.open(far.seal(cell)) for cell in sent] == sent


def test_a_changed_or_missing_cell_is_noticed() -> None:
    near, far = pair()
    changed = bytearray(near.seal(RelayCell(Relay.DATA, 1, b"hello")))
    changed[-1] ^= 1
    with pytest.raises(TorError):
        far.open(bytes(changed))
    near, far = pair()
    near.seal(RelayCell(Relay.DATA, 1, b"lost"))
    with pytest.raises(TorError):
        far.open(near.seal(RelayCell(Relay.DATA, 1, b"next")))


def test_too_much_does_not_fit() -> None:
    with pytest.raises(ValueError, match="498"):
        pair()[0].seal(RelayCell(Relay.DATA, 1, bytes(499)))


def test_acknowledgements_prove_what_was_received() -> None:
    """A SENDME of the circuit has the digest of the hundredth cell, which only its receiver knows."""
    near, far = pair()
    due: list[RelayCell] = []
    proof = b""
    for number in range(1, 201):
        sealed = far.seal(RelayCell(Relay.DATA, 1 + number % 2, b"x"))
        if number == 100:
            proof = far._forward_digest.digest()
        near.open(sealed)
        due += near.due
        near.due.clear()
    assert sorted((cell.stream, len(cell.data)) for cell in due) == [
        (0, 23), (0, 23), (1, 0), (1, 0), (2, 0), (2, 0),
    ]  # fmt: skip
    assert next(cell.data for cell in due if cell.stream == 0) == b"\1\0\x14" + proof


def test_a_stream_that_ended_is_forgotten() -> None:
    near, far = pair()
    for _ in range(49):
        near.open(far.seal(RelayCell(Relay.DATA, 7, b"x")))
    near.close(7)
    near.open(far.seal(RelayCell(Relay.DATA, 7, b"x")))
    assert near.due == []
