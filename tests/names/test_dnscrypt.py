"""The DNSCrypt codec: certificates, boxes, padding."""

from __future__ import annotations

import contextlib
import random
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from circumvent.names.dnscrypt import (
    Certificate,
    Cipher,
    Construction,
    choose_certificate,
    half_nonce,
    pad,
    relayed,
    unpad,
)
from circumvent.net import salsa
from circumvent.net.errors import PeerError
from tests.faults.dnscrypt import CLIENT_MAGIC, Server

NOW = time.time()


def test_the_highest_serial_wins() -> None:
    server = Server()
    records = [server.certificate(serial=serial) for serial in (3, 9, 5)]
    assert choose_certificate(records, server.public_key, NOW).serial == 9


def test_the_newer_construction_wins_among_equals() -> None:
    server = Server()
    records = [server.certificate(construction=construction) for construction in (2, 1)]
    assert choose_certificate(records, server.public_key, NOW).construction == Construction.XCHACHA20


def test_certificates_of_strangers_are_left_out() -> None:
    server = Server()
    stranger = Server(signing_key=Ed25519PrivateKey.generate())
    records = [stranger.certificate(serial=99), b"v=spf1 -all", server.certificate(serial=1)]
    assert choose_certificate(records, server.public_key, NOW).serial == 1


@pytest.mark.parametrize(
    ("server", "error"),
    [
        (Server(signing_key=Ed25519PrivateKey.generate()), "wrong_key"),
        (Server(since=NOW - 200, until=NOW - 100), "ssl_expired"),
        (Server(since=NOW + 100, until=NOW + 200), "ssl_not_yet_valid"),
        (Server(construction=7), "proxy_protocol_error"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(server: Server, error: str) -> None:
    with pytest.raises(PeerError) as caught:
        choose_certificate([server.certificate()], server.public_key, NOW)
    assert caught.value.error == error


def test_no_certificate_at_all_is_a_wrong_answer() -> None:
    with pytest.raises(PeerError, match="no DNSCrypt certificate"):
        choose_certificate([b"DNSC", b""], Server().public_key, NOW)


@given(records=st.lists(st.binary(max_size=200).map(lambda tail: b"DNSC" + tail), max_size=4))
def test_garbage_raises_only_peer_error(records: list[bytes]) -> None:
    with pytest.raises(PeerError):
        choose_certificate(records, Server().public_key, NOW)


@pytest.mark.parametrize("construction", list(Construction))
@pytest.mark.parametrize("stream", [False, True])
def test_a_query_goes_out_and_its_answer_comes_back(construction: Construction, stream: bool) -> None:
    server = Server(construction=construction)
    certificate = choose_certificate([server.certificate()], server.public_key, NOW)
    cipher = Cipher(certificate, random.Random(1))
    packet, half = cipher.seal(b"question", stream=stream)
    assert packet.startswith(CLIENT_MAGIC)
    assert (len(packet) - 8 - 32 - 12 - 16) % 64 == 0
    assert stream or len(packet) - 8 - 32 - 12 - 16 == 256
    key = salsa.shared_key(construction.derive, server.resolver_key, packet[8:40])
    opened = salsa.unseal(construction.stream, key, half + bytes(12), packet[52:])
    assert unpad(opened) == b"question"
    nonce = half + b"0123456789ab"
    answer = (
        bytes.fromhex("7236666e76576a38")
        + nonce
        + salsa.seal(construction.stream, key, nonce, pad(b"answer", at_least=64))
    )
    assert half_nonce(answer) == half
    assert cipher.unseal(answer) == b"answer"


def test_queries_grow_after_a_cut_answer_but_not_for_ever() -> None:
    server = Server()
    cipher = Cipher(choose_certificate([server.certificate()], server.public_key, NOW), random.Random(1))
    lengths = set()
    for _ in range(30):
        lengths.add(len(cipher.seal(b"q", stream=False)[0]) - 68)
        cipher.grow()
    assert min(lengths) == 256
    assert max(lengths) == 1152


@given(message=st.binary(max_size=300), at_least=st.sampled_from([64, 256, 512]))
def test_padding_comes_off_again(message: bytes, at_least: int) -> None:
    padded = pad(message, at_least=at_least)
    assert len(padded) % 64 == 0
    assert len(padded) >= at_least
    assert unpad(padded) == message


@given(st.binary(max_size=120))
def test_a_response_of_garbage_raises_only_peer_error(data: bytes) -> None:
    server = Server()
    cipher = Cipher(choose_certificate([server.certificate()], server.public_key, NOW), random.Random(1))
    for response in (data, bytes.fromhex("7236666e76576a38") + data):
        half_nonce(response)
        with contextlib.suppress(PeerError):
            cipher.unseal(response)
            raise AssertionError("garbage was opened")


def test_a_certificate_with_an_unusable_key() -> None:
    certificate = Certificate(
        construction=1, public_key=bytes(32), client_magic=b"12345678", serial=1, since=0, until=2**32 - 1
    )
    with pytest.raises(PeerError, match="unusable"):
        Cipher(certificate, random.Random(1))


def test_a_magic_that_could_be_quic_is_not_used() -> None:
    certificate = Certificate(
        construction=1, public_key=b"", client_magic=bytes(8), serial=1, since=0, until=1
    )
    assert not certificate.usable


def test_a_relayed_query_is_that_of_the_specifications_example() -> None:
    packet = relayed(b"query", "192.0.2.1", 443)
    assert (
        packet.hex() == "ffffffffffffffff0000" + "00000000000000000000ffffc0000201" + "01bb" + b"query".hex()
    )
    assert relayed(b"", "2001:db8::1", 443)[10:26].hex() == "20010db8000000000000000000000001"
