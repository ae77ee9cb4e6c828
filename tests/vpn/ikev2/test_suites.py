"""What is offered, what may be chosen of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import Encr, Group, Integ, Prf, Protocol
from circumvent.vpn.ikev2.payloads import Proposal, Transform, pack_sa, parse_sa
from circumvent.vpn.ikev2.suites import chosen_child, chosen_ike, esp_offer, ike_offer

GCM = (Transform(1, 20, 256), Transform(2, 5), Transform(4, 31))
ESP = (Transform(1, 12, 128), Transform(3, 12), Transform(5, 0))
SPI = b"\xc0\x01\x02\x03"


def test_the_usual_offer_begins_with_authenticated_encryption_and_curve25519() -> None:
    offer = ike_offer(())
    first, second = offer.proposals
    assert [one.number for one in first if one.kind == 1] == [20, 20, Encr.CHACHA20_POLY1305]
    assert not [one for one in first if one.kind == 3]
    assert {one.number for one in second if one.kind == 1} == {Encr.AES_CBC}
    assert offer.groups[:3] == (Group.CURVE25519, Group.ECP_256, Group.ECP_384)
    assert not {Group.MODP_1024, Group.MODP_1536} & set(offer.groups)
    assert len(pack_sa(offer.pack())) < 400


def test_a_profile_s_words_are_those_of_strongswan() -> None:
    (one,) = ike_offer(["aes256gcm128-prfsha384-x25519"]).proposals
    assert one == (Transform(1, 20, 256), Transform(2, Prf.HMAC_SHA2_384), Transform(4, Group.CURVE25519))
    (one,) = ike_offer(["AES128-SHA256-modp2048!"]).proposals
    assert one == (
        Transform(1, 12, 128),
        Transform(3, Integ.HMAC_SHA2_256_128),
        Transform(2, Prf.HMAC_SHA2_256),
        Transform(4, Group.MODP_2048),
    )
    (one,) = ike_offer(["chacha20poly1305-prfsha256-modp1024"]).proposals
    assert one[0] == Transform(1, Encr.CHACHA20_POLY1305)
    (one,) = esp_offer(["aes256-sha512-ecp384"]).proposals
    assert one == (Transform(1, 12, 256), Transform(3, Integ.HMAC_SHA2_512_256), Transform(5, 0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aes256",
        "aes256-sha256",
        "aes256gcm16-curve25519",
        "aes256-aes256gcm16-sha256-modp2048",
        "3des-sha1-modp1024",
        "sha256-modp2048",
        "aes256-sha256-modp2048-",
    ],
)
def test_what_is_no_whole_proposal_is_refused(text: str) -> None:
    with pytest.raises(IkeError):
        ike_offer([text])


def test_a_choice_of_ours_is_taken() -> None:
    suite = chosen_ike(ike_offer(()), [Proposal(1, Protocol.IKE, b"", GCM)])
    assert (suite.encr, suite.key_length, suite.integ) == (Encr.AES_GCM_16, 256, None)
    assert (suite.prf, suite.group) == (Prf.HMAC_SHA2_256, Group.CURVE25519)
    child, spi = chosen_child(esp_offer(()), [Proposal(2, Protocol.ESP, SPI, ESP)])
    assert (child.encr, child.key_length, child.integ) == (Encr.AES_CBC, 128, Integ.HMAC_SHA2_256_128)
    assert spi == SPI


def test_integrity_none_beside_authenticated_encryption_is_nothing() -> None:
    proposal = Proposal(1, Protocol.IKE, b"", (*GCM, Transform(3, 0)))
    assert chosen_ike(ike_offer(()), [proposal]).integ is None


@pytest.mark.parametrize(
    "proposals",
    [
        [],
        [Proposal(1, Protocol.IKE, b"", GCM)] * 2,
        [Proposal(0, Protocol.IKE, b"", GCM)],
        [Proposal(3, Protocol.IKE, b"", GCM)],
        [Proposal(2, Protocol.IKE, b"", GCM)],
        [Proposal(1, Protocol.ESP, b"", GCM)],
        [Proposal(1, Protocol.IKE, b"", GCM[:2])],
        [Proposal(1, Protocol.IKE, b"", (*GCM, Transform(4, 19)))],
        [Proposal(1, Protocol.IKE, b"", (Transform(1, 20, 64), *GCM[1:]))],
        [Proposal(1, Protocol.IKE, b"", (*GCM[:2], Transform(4, 2)))],
    ],
)
def test_another_choice_is_refused(proposals: list[Proposal]) -> None:
    with pytest.raises(IkeError):
        chosen_ike(ike_offer(()), proposals)


@pytest.mark.parametrize("spi", [b"", b"\0\0\0\1", b"\0\0\0\0", b"12345678"])
def test_a_reserved_spi_is_refused(spi: bytes) -> None:
    with pytest.raises(IkeError):
        chosen_child(esp_offer(()), [Proposal(2, Protocol.ESP, spi, ESP)])


@given(st.text(max_size=40))
def test_any_text_is_an_offer_or_the_one_error(text: str) -> None:
    for read in (ike_offer, esp_offer):
        try:
            read([text])
        except IkeError:
            continue


@given(st.binary(max_size=120))
def test_any_bytes_are_a_choice_of_ours_or_the_one_error(data: bytes) -> None:
    for read, offer in ((chosen_ike, ike_offer(())), (chosen_child, esp_offer(()))):
        try:
            read(offer, parse_sa(data))
        except IkeError:
            continue
