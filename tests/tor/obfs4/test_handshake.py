"""The handshake of obfs4, against the flight of a real obfs4proxy, and against a server made of its parts."""

from __future__ import annotations

import hashlib
import hmac
import time
from contextlib import suppress
from random import SystemRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.errors import TorError
from circumvent.tor.obfs4 import handshake
from circumvent.tor.obfs4.elligator import make_key, to_public
from circumvent.tor.obfs4.handshake import ClientHandshake, Keys
from tests.tor.obfs4.recorded import IDENTITY, KEY, NODE_ID, NOW, SEED, SERVER_FLIGHT

#: Seconds of CPU that both halves of a handshake may take.
BUDGET = 0.015


def shake(now: float = NOW, *, node_id: bytes = NODE_ID) -> ClientHandshake:
    return ClientHandshake(identity=IDENTITY, node_id=node_id, now=now, random=SystemRandom())


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let handshakes use the key of the recorded one."""
    monkeypatch.setattr(handshake, "make_key", lambda _random: KEY)


def mac(message: bytes) -> bytes:
    return hmac.digest(IDENTITY + NODE_ID, message, hashlib.sha256)[:16]


@pytest.mark.usefixtures("recorded")
class TestRecorded:
    """obfs4proxy's own flight."""

    def test_it_is_understood(self) -> None:
        keys = shake().feed(SERVER_FLIGHT)
        assert keys is not None
        assert (keys.seed, keys.hours_ahead) == (SEED, 0)

    def test_in_pieces(self) -> None:
        client = shake()
        for begin in range(0, len(SERVER_FLIGHT), 7):
            keys = client.feed(SERVER_FLIGHT[begin : begin + 7])
            if keys is not None:
                break
        assert keys is not None
        assert keys.seed == SEED

    @pytest.mark.parametrize("hours", [-1, 1])
    def test_a_server_that_is_an_hour_off_says_so(self, hours: int) -> None:
        keys = shake(NOW + 3600 * hours).feed(SERVER_FLIGHT)
        assert keys is not None
        assert keys.hours_ahead == -hours

    def test_two_hours_are_too_many(self) -> None:
        with pytest.raises(TorError, match="damaged"):
            shake(NOW + 7200).feed(SERVER_FLIGHT)

    def test_another_node_id_finds_no_mark(self) -> None:
        client = shake(node_id=bytes(20))
        assert client.feed(SERVER_FLIGHT[:8191]) is None
        with pytest.raises(TorError, match="no obfs4 server"):
            client.feed(bytes(8192))

    @given(st.data())
    def test_a_changed_byte_is_never_taken(self, data: st.DataObject) -> None:
        end = SERVER_FLIGHT.find(mac(SERVER_FLIGHT[:32]), 64) + 32
        place = data.draw(st.integers(0, end - 1))
        changed = bytearray(SERVER_FLIGHT)
        changed[place] ^= 1 << data.draw(st.integers(0, 7))
        client = shake()
        with suppress(TorError):
            assert client.feed(bytes(changed)) is None


def test_the_client_flight_is_what_the_specification_says() -> None:
    for _ in range(20):
        flight = shake().flight
        assert 32 + 85 + 32 <= len(flight) <= 8192
        assert flight[-32:-16] == mac(flight[:32])
        assert flight[-16:] == mac(flight[:-16] + str(int(NOW) // 3600).encode())


def test_the_recorded_flight_of_ours_was_taken_by_obfs4proxy() -> None:
    assert to_public(KEY.representative) == KEY.public


def test_no_two_flights_are_alike() -> None:
    first, second = shake().flight, shake().flight
    assert first[:32] != second[:32]
    assert len({len(shake().flight) for _ in range(5)}) > 1


@given(st.binary(max_size=9000))
def test_any_bytes_give_nothing_or_the_error(data: bytes) -> None:
    try:
        assert shake().feed(data) is None
    except TorError:
        assert len(data) >= 8192


def test_the_cpu_that_it_takes() -> None:
    chance = SystemRandom()
    make_key(chance)  # the points of low order are computed once
    keys: list[Keys | None] = []
    began = time.process_time()
    for _ in range(20):
        client = shake()
        client.feed(b"")
        try:
            keys.append(client.feed(SERVER_FLIGHT))
        except TorError:
            keys.append(None)  # the mark is right, the key of this client is another
    assert (time.process_time() - began) / 20 < BUDGET
    assert len(keys) == 20
