"""DNSCrypt servers and relays. The client is ours (held against dnsdist elsewhere): packaged clients there are none."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.world.answers import Responder, Zone
from circumvent.lab.world.crypt import CryptServer, provider_name, unrelayed
from circumvent.names.dnscrypt import Cipher, choose_certificate, relayed

if TYPE_CHECKING:
    from circumvent.lab.world.prepare import Prepared

KEY = Ed25519PrivateKey.generate()
SERVER = "crypt.anvil.example"


def server(prepared: Prepared, *constructions: int) -> CryptServer:
    zone = Zone(prepared.zone("nsec3").read_text("ascii"))
    responder = Responder(zone=zone, identity=SERVER)
    return CryptServer(responder, name=SERVER, provider_key=KEY, constructions=constructions or (1, 2))


def certificates(one: CryptServer, name: str = provider_name(SERVER)) -> list[bytes]:
    answer = one.answer(dns.message.make_query(name, "TXT").to_wire(), stream=False)
    if answer is None:
        return []
    return [b"".join(record.strings) for record in dns.message.from_wire(answer).answer[0]]


def cipher_for(one: CryptServer) -> Cipher:
    public = KEY.public_key().public_bytes_raw()
    certificate = choose_certificate(certificates(one), public, time.time())
    return Cipher(certificate, random.Random(1))


@pytest.mark.parametrize("construction", [1, 2])
def test_questions_in_boxes_are_answered_in_boxes(prepared_world: Prepared, construction: int) -> None:
    one = server(prepared_world, construction)
    cipher = cipher_for(one)
    assert cipher.certificate.construction == construction
    query = dns.message.make_query("social.example", "A")
    packet, _ = cipher.seal(query.to_wire(), stream=False)
    response = one.answer(packet, stream=False)
    assert response is not None
    answer = dns.message.from_wire(cipher.unseal(response))
    assert query.is_response(answer)
    assert answer.answer


def test_the_better_construction_is_offered_too(prepared_world: Prepared) -> None:
    assert len(certificates(server(prepared_world))) == 2
    assert cipher_for(server(prepared_world)).certificate.construction == 2


def test_a_response_over_udp_is_no_longer_than_its_query(prepared_world: Prepared) -> None:
    one = server(prepared_world)
    cipher = cipher_for(one)
    query = dns.message.make_query("huge.lab.example", "TXT").to_wire()
    packet, _ = cipher.seal(query, stream=False)
    response = one.answer(packet, stream=False)
    assert response is not None
    assert len(response) <= len(packet)
    assert dns.message.from_wire(cipher.unseal(response)).flags & dns.flags.TC
    whole = one.answer(cipher.seal(query, stream=True)[0], stream=True)
    assert whole is not None
    assert dns.message.from_wire(cipher.unseal(whole)).answer


def test_nothing_but_its_certificate_is_told_in_clear(prepared_world: Prepared) -> None:
    assert certificates(server(prepared_world), "social.example") == []


def test_a_changed_box_gets_silence(prepared_world: Prepared) -> None:
    one = server(prepared_world)
    packet, _ = cipher_for(one).seal(dns.message.make_query("a.example", "A").to_wire(), stream=False)
    assert one.answer(packet[:-1] + bytes([packet[-1] ^ 1]), stream=False) is None
    assert one.answer(packet[:60], stream=False) is None


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange(prepared_world: Prepared, data: bytes) -> None:
    if not _KEPT:
        _KEPT.append(server(prepared_world))
    one = _KEPT[0]
    one.answer(data, stream=False)
    magic = next(iter(one._keys))
    assert one.answer(magic + data, stream=True) is None


_KEPT: list[CryptServer] = []


def test_relays_serve_the_world_alone() -> None:
    packet = b"q" * 20
    assert unrelayed(relayed(packet, "198.41.0.12", 443), {"198.41.0.12"}) == ("198.41.0.12", 443, packet)
    assert unrelayed(relayed(packet, "2001:db8::1", 443), {"2001:db8::1"}) == ("2001:db8::1", 443, packet)
    assert unrelayed(relayed(packet, "192.0.2.1", 443), {"198.41.0.12"}) is None
    twice = relayed(relayed(packet, "198.41.0.12", 443), "198.41.0.12", 443)
    assert unrelayed(twice, {"198.41.0.12"}) is None
    assert unrelayed(packet, {"198.41.0.12"}) is None
