"""The client of a PPP link, frame by frame. Whole links run in ``tests/transports/test_sstp.py``."""

from __future__ import annotations

import random
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.secret import Secret
from circumvent.vpn import ppp
from circumvent.vpn.ppp import Code, Packet, PppError, Protocol
from circumvent.vpn.ppp_client import (
    MOST_REQUESTS,
    MRU,
    Impostor,
    NoAgreement,
    NoCredentials,
    Phase,
    PppClient,
    Rejected,
    encode_ip,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MAGIC = b"abcd"


def client(*, user: str | None = "alice", pap: bool = False) -> PppClient:
    secret = None if user is None else Secret(user)
    return PppClient(secret, Secret("word"), random.Random(1), pap=pap)


def send(
    to: PppClient, protocol: int, code: int, identifier: int, data: bytes = b""
) -> list[tuple[int, Packet]]:
    replies = to.receive(ppp.encode_frame(protocol, ppp.encode_packet(Packet(code, identifier, data))))
    return [(frame.protocol, ppp.parse_packet(frame.payload)) for frame in map(ppp.parse_frame, replies)]


def options(*given: tuple[int, bytes]) -> bytes:
    return ppp.encode_options(given)


def established(authentication: bytes | None = ppp.CHAP_MD, *, pap: bool = False) -> PppClient:
    """Return a client whose link is agreed on."""
    here = client(pap=pap)
    (frame,) = here.start()
    request = ppp.parse_packet(ppp.parse_frame(frame).payload)
    send(here, Protocol.LCP, Code.CONFIGURE_ACK, request.identifier, request.data)
    wanted = options((1, b"\x05\xdc"), (5, MAGIC), *([] if authentication is None else [(3, authentication)]))
    send(here, Protocol.LCP, Code.CONFIGURE_REQUEST, 1, wanted)
    return here


def opened() -> PppClient:
    """Return a client whose link is open."""
    here = established(None)
    (frame,) = here.begin_network()
    first = ppp.parse_packet(ppp.parse_frame(frame).payload)
    assigned = options((3, bytes([10, 0, 0, 2])), (129, bytes([10, 0, 0, 53])), (131, bytes([10, 0, 0, 53])))
    ((_, second),) = send(here, Protocol.IPCP, Code.CONFIGURE_NAK, first.identifier, assigned)
    assert second.data == assigned
    send(here, Protocol.IPCP, Code.CONFIGURE_ACK, second.identifier, assigned)
    send(here, Protocol.IPCP, Code.CONFIGURE_REQUEST, 1, options((3, bytes([10, 0, 0, 1]))))
    return here


def test_the_first_frame_asks_for_what_we_can_take() -> None:
    (frame,) = client().start()
    packet = ppp.parse_packet(ppp.parse_frame(frame).payload)
    assert packet.code == Code.CONFIGURE_REQUEST
    assert dict(ppp.parse_options(packet.data))[1] == struct.pack("!H", MRU)


def test_a_link_opens() -> None:
    here = opened()
    assert here.phase is Phase.OPEN
    assert (here.address, here.peer, here.resolvers, here.mtu) == (
        "10.0.0.2",
        "10.0.0.1",
        ("10.0.0.53",),
        MRU,
    )
    assert here.receive(encode_ip(b"packet")) == []
    assert here.packets == [b"packet"]
    assert here.keys == bytes(32)


def test_what_we_cannot_do_is_rejected_and_what_we_may_is_acknowledged() -> None:
    here = client()
    here.start()
    wanted = options((13, b"\x06"), (2, bytes(4)), (7, b""))
    ((_, answer),) = send(here, Protocol.LCP, Code.CONFIGURE_REQUEST, 5, wanted)
    assert (answer.code, answer.identifier, answer.data) == (Code.CONFIGURE_REJECT, 5, options((13, b"\x06")))
    ((_, answer),) = send(here, Protocol.LCP, Code.CONFIGURE_REQUEST, 6, options((2, bytes(4)), (7, b"")))
    assert answer.code == Code.CONFIGURE_ACK


def test_a_magic_number_that_is_ours_is_made_anew() -> None:
    here = client()
    (frame,) = here.start()
    request = ppp.parse_packet(ppp.parse_frame(frame).payload)
    magic = dict(ppp.parse_options(request.data))[5]
    ((_, second),) = send(here, Protocol.LCP, Code.CONFIGURE_NAK, request.identifier, options((5, magic)))
    assert dict(ppp.parse_options(second.data))[5] != magic
    ((_, third),) = send(here, Protocol.LCP, Code.CONFIGURE_REJECT, second.identifier, options((5, magic)))
    assert 5 not in dict(ppp.parse_options(third.data))


def test_an_answer_to_another_request_is_none() -> None:
    here = client()
    here.start()
    assert send(here, Protocol.LCP, Code.CONFIGURE_ACK, 99) == []
    assert here.phase is Phase.ESTABLISH


def test_a_smaller_frame_of_the_peers_is_kept_to() -> None:
    here = client()
    (frame,) = here.start()
    request = ppp.parse_packet(ppp.parse_frame(frame).payload)
    send(here, Protocol.LCP, Code.CONFIGURE_ACK, request.identifier, request.data)
    ((_, answer),) = send(here, Protocol.LCP, Code.CONFIGURE_REQUEST, 1, options((1, b"\0\x10")))
    assert (answer.code, answer.data) == (Code.CONFIGURE_NAK, options((1, b"\x05\xdc")))
    send(here, Protocol.LCP, Code.CONFIGURE_REQUEST, 2, options((1, b"\x04\xb0")))
    assert (here.mtu, here.phase) == (1200, Phase.NETWORK)


@pytest.mark.parametrize(
    ("code", "first", "option"),
    [(Code.CONFIGURE_REQUEST, 0, (3, b"\xc2\x27")), (Code.CONFIGURE_NAK, 1, (5, MAGIC))],
)
def test_nobody_negotiates_without_end(code: int, first: int, option: tuple[int, bytes]) -> None:
    here = client()
    here.start()
    for number in range(first, first + MOST_REQUESTS - (code == Code.CONFIGURE_NAK)):
        assert send(here, Protocol.LCP, code, number, options(option))
    with pytest.raises(NoAgreement):
        send(here, Protocol.LCP, code, MOST_REQUESTS, options(option))


def test_without_credentials_none_are_made_up() -> None:
    here = client(user=None)
    (frame,) = here.start()
    request = ppp.parse_packet(ppp.parse_frame(frame).payload)
    send(here, Protocol.LCP, Code.CONFIGURE_ACK, request.identifier, request.data)
    with pytest.raises(NoCredentials):
        send(here, Protocol.LCP, Code.CONFIGURE_REQUEST, 1, options((3, ppp.CHAP_MD)))


def test_a_login_is_refused_in_words_of_ours() -> None:
    here = established()
    assert (here.phase, here.method) == (Phase.AUTHENTICATE, "mschapv2")
    ((protocol, response),) = send(here, Protocol.CHAP, 1, 7, bytes([16]) + bytes(16) + b"server")
    assert (protocol, response.code, response.identifier) == (Protocol.CHAP, 2, 7)
    assert (response.data[0], response.data[50:]) == (49, b"alice")
    with pytest.raises(Rejected, match="the password has expired"):
        send(here, Protocol.CHAP, 4, 7, b"E=648 R=0 V=3 M=\x1b[31mchange it")


def test_a_success_without_its_proof_is_none() -> None:
    here = established()
    send(here, Protocol.CHAP, 1, 7, bytes([16]) + bytes(16))
    with pytest.raises(Impostor):
        send(here, Protocol.CHAP, 3, 7, b"S=" + b"0" * 40)


def test_a_success_before_the_challenge_says_nothing() -> None:
    here = established()
    assert send(here, Protocol.CHAP, 3, 7, b"S=" + b"0" * 40) == []
    assert here.phase is Phase.AUTHENTICATE


def test_a_challenge_of_another_length_is_not_answered() -> None:
    with pytest.raises(PppError):
        send(established(), Protocol.CHAP, 1, 7, bytes([8]) + bytes(8))


def test_a_password_goes_out_where_it_may() -> None:
    here = established(ppp.PAP_ONLY, pap=True)
    assert here.method == "pap"
    send(here, Protocol.PAP, 2, 1, b"\0")
    assert here.phase is Phase.NETWORK
    with pytest.raises(Rejected):
        send(established(ppp.PAP_ONLY, pap=True), Protocol.PAP, 3, 1, b"\0")
    assert established(ppp.PAP_ONLY).phase is Phase.ESTABLISH


def test_packets_before_the_link_is_open_are_discarded() -> None:
    here = established()
    here.receive(encode_ip(b"early"))
    assert send(here, Protocol.IPCP, Code.CONFIGURE_REQUEST, 1) == []
    assert here.packets == []


def test_the_server_does_not_speak_ipv4() -> None:
    here = established(None)
    with pytest.raises(NoAgreement, match="IPv4"):
        send(here, Protocol.LCP, Code.PROTOCOL_REJECT, 1, b"\x80\x21rest")


def test_both_sides_may_end_it() -> None:
    here = opened()
    ((_, answer),) = send(here, Protocol.LCP, Code.TERMINATE_REQUEST, 3)
    assert (answer.code, here.phase) == (Code.TERMINATE_ACK, Phase.ENDED)
    (frame,) = opened().terminate()
    assert ppp.parse_packet(ppp.parse_frame(frame).payload).code == Code.TERMINATE_REQUEST


DOCUMENTED = (PppError, Rejected, NoCredentials, Impostor, NoAgreement)
FRAMES = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda protocol, code, identifier, data: ppp.encode_frame(
            protocol, ppp.encode_packet(Packet(code, identifier, data))
        ),
        st.sampled_from([*Protocol, 0x80FD, 0x8057]),
        st.integers(0, 15),
        st.integers(0, 3),
        st.one_of(
            st.binary(max_size=30),
            st.lists(
                st.tuples(st.sampled_from([1, 3, 5, 7, 129, 131, 13]), st.binary(max_size=6)), max_size=4
            )
            .map(tuple)
            .map(ppp.encode_options),
        ),
    ),
)


@pytest.mark.parametrize("make", [client, established, opened])
@given(frames=st.lists(FRAMES, max_size=20))
def test_any_frames_are_answered_or_refused(make: Callable[[], PppClient], frames: list[bytes]) -> None:
    here = make()
    here.start()
    for frame in frames:
        with suppress(*DOCUMENTED):
            assert len(here.receive(frame)) <= 3
    assert here.mtu <= MRU
    assert len(here.resolvers) <= 2
