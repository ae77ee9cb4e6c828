"""The TURN server as a state machine: requests in, answers out, time by hand."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.world.description import Voice
from circumvent.lab.world.relay import LIFETIME, PERMISSION, Client, TurnServer
from circumvent.net import stun
from circumvent.net.stun import Address, Attribute, Class, Message, Method

if TYPE_CHECKING:
    from collections.abc import Callable

VOICE = Voice()
KEY = stun.long_term_key(VOICE.user, VOICE.realm, VOICE.password)
PEER = Address(ip_address("192.0.2.7"), 7777)
TRANSPORT = (Attribute.REQUESTED_TRANSPORT, stun.REQUESTED_TRANSPORT_UDP)
SOFTWARE_NOBODY_KNOWS = 0x7FF0


class Socket:
    """A relay socket that keeps what it is told to send."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.closed = False

    def get_extra_info(self, name: str) -> tuple[str, int]:
        assert name == "sockname"
        return "198.51.100.1", 50000

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        self.sent.append((data, address))

    def close(self) -> None:
        self.closed = True


class Talk:
    """A server with one client; ``ask`` returns the answer to a request."""

    def __init__(self, later: Callable[[Any], None] = asyncio.run) -> None:
        self.now = 1000.0
        self.answers: list[bytes] = []
        self.sockets: list[Socket] = []
        self.nonce = b""
        self.client = Client(Address(ip_address("203.0.113.9"), 999), self.answers.append, stream=False)
        self.server = TurnServer(VOICE, ["198.51.100.1"], self._open, now=lambda: self.now, later=later)

    async def _open(self, source: str, protocol: asyncio.DatagramProtocol) -> Any:
        assert source == "198.51.100.1"
        self.sockets.append(Socket(protocol))
        return self.sockets[-1]

    def ask(
        self, method: Method, *attributes: tuple[int, bytes], peer: Address | None = None, key: bytes = KEY
    ) -> Message:
        transaction_id = f"{len(self.answers):012}".encode()
        self.say(transaction_id, method, *attributes, peer=peer, key=key)
        answer = stun.decode(self.answers[-1])
        assert answer.transaction_id == transaction_id
        return answer

    def say(
        self,
        transaction_id: bytes,
        method: Method,
        *attributes: tuple[int, bytes],
        peer: Address | None = None,
        key: bytes = KEY,
    ) -> None:
        """Send a request of this transaction."""
        more = list(attributes)
        if peer is not None:
            more.append((Attribute.XOR_PEER_ADDRESS, stun.pack_xor_address(peer, transaction_id)))
        if self.nonce:
            more += [
                (Attribute.USERNAME, VOICE.user.encode()),
                (Attribute.REALM, VOICE.realm.encode()),
                (Attribute.NONCE, self.nonce),
            ]
        message = Message(
            method=method, kind=Class.REQUEST, transaction_id=transaction_id, attributes=tuple(more)
        )
        self.server.take(stun.encode(message, key=key if self.nonce else None), self.client)

    def log_in(self) -> None:
        answer = self.ask(Method.ALLOCATE, TRANSPORT)
        assert answer.error_code == 401
        self.nonce = answer.get(Attribute.NONCE) or b""

    def allocate(self) -> Message:
        self.log_in()
        return self.ask(Method.ALLOCATE, TRANSPORT)


def test_a_binding_tells_the_address() -> None:
    talk = Talk()
    assert talk.ask(Method.BINDING).address(Attribute.XOR_MAPPED_ADDRESS) == talk.client.address


def test_unknown_attributes_are_named() -> None:
    answer = Talk().ask(Method.BINDING, (SOFTWARE_NOBODY_KNOWS, b""))
    assert answer.error_code == 420
    assert answer.get(Attribute.UNKNOWN_ATTRIBUTES) == b"\x7f\xf0"


def test_an_allocation_is_signed_and_given_once() -> None:
    talk = Talk()
    answer = talk.allocate()
    assert stun.verify(answer, KEY)
    assert answer.address(Attribute.XOR_RELAYED_ADDRESS) == Address(ip_address("198.51.100.1"), 50000)
    assert answer.get(Attribute.LIFETIME) == LIFETIME.to_bytes(4, "big")
    assert talk.ask(Method.ALLOCATE, TRANSPORT).error_code == 437


def test_a_request_that_is_sent_again_meanwhile_changes_nothing() -> None:
    """On a slow line both copies are there before the relay is: one answer, and it is no refusal."""
    waiting: list[Any] = []
    talk = Talk(later=waiting.append)
    talk.log_in()
    for _ in range(2):
        talk.say(b"again-again-", Method.ALLOCATE, TRANSPORT)
    assert len(talk.answers) == 1, "the challenge"
    talk.say(b"another-one-", Method.ALLOCATE, TRANSPORT)
    assert stun.decode(talk.answers[-1]).error_code == 437
    (opening,) = waiting
    asyncio.run(opening)
    answer = stun.decode(talk.answers[-1])
    assert (answer.transaction_id, answer.kind) == (b"again-again-", Class.SUCCESS)


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ((), 442),
        (((Attribute.REQUESTED_TRANSPORT, bytes([6, 0, 0, 0])),), 442),
        ((TRANSPORT, (0x0017, b"\2\0\0\0")), 440),
    ],
)
def test_what_cannot_be_allocated(attributes: tuple[tuple[int, bytes], ...], code: int) -> None:
    talk = Talk()
    talk.log_in()
    assert talk.ask(Method.ALLOCATE, *attributes).error_code == code


def test_wrong_credentials_and_old_nonces() -> None:
    talk = Talk()
    talk.log_in()
    assert talk.ask(Method.ALLOCATE, TRANSPORT, key=b"wrong").error_code == 401
    talk.nonce = b"old"
    assert talk.ask(Method.ALLOCATE, TRANSPORT).error_code == 438


@pytest.mark.parametrize("method", [Method.CREATE_PERMISSION, Method.CHANNEL_BIND, Method.REFRESH])
def test_without_an_allocation_nothing_goes(method: Method) -> None:
    talk = Talk()
    talk.log_in()
    assert talk.ask(method, (Attribute.CHANNEL_NUMBER, b"\x40\0\0\0"), peer=PEER).error_code == 437


def test_data_needs_a_permission_that_runs_out() -> None:
    talk = Talk()
    talk.allocate()
    (relay,) = talk.sockets
    indication = Message(
        method=Method.SEND,
        kind=Class.INDICATION,
        transaction_id=bytes(12),
        attributes=(
            (Attribute.XOR_PEER_ADDRESS, stun.pack_xor_address(PEER, bytes(12))),
            (Attribute.DATA, b"data"),
        ),
    )
    talk.server.take(stun.encode(indication), talk.client)
    assert relay.sent == []
    assert talk.ask(Method.CREATE_PERMISSION, peer=PEER).kind is Class.SUCCESS
    talk.server.take(stun.encode(indication), talk.client)
    assert relay.sent == [(b"data", ("192.0.2.7", 7777))]
    relay.protocol.datagram_received(b"back", ("192.0.2.7", 7777))
    assert stun.decode(talk.answers[-1]).get(Attribute.DATA) == b"back"
    relay.protocol.datagram_received(b"stranger", ("192.0.2.8", 7777))
    talk.now += PERMISSION
    relay.protocol.datagram_received(b"late", ("192.0.2.7", 7777))
    assert stun.decode(talk.answers[-1]).get(Attribute.DATA) == b"back"


def test_channels_carry_both_ways_and_stay_with_their_peer() -> None:
    talk = Talk()
    talk.allocate()
    number = (Attribute.CHANNEL_NUMBER, b"\x40\x05\0\0")
    assert talk.ask(Method.CHANNEL_BIND, number, peer=PEER).kind is Class.SUCCESS
    assert talk.ask(Method.CHANNEL_BIND, number, peer=Address(PEER.ip, 1)).error_code == 400
    assert talk.ask(Method.CHANNEL_BIND, (Attribute.CHANNEL_NUMBER, b"\0\0\0\0"), peer=PEER).error_code == 400
    (relay,) = talk.sockets
    talk.server.take(stun.channel_data(0x4005, b"data", pad=False), talk.client)
    assert relay.sent == [(b"data", ("192.0.2.7", 7777))]
    relay.protocol.datagram_received(b"back", ("192.0.2.7", 7777))
    assert talk.answers[-1] == stun.channel_data(0x4005, b"back", pad=False)


def test_allocations_are_given_back_or_run_out() -> None:
    talk = Talk()
    talk.allocate()
    assert talk.ask(Method.REFRESH, (Attribute.LIFETIME, bytes(4))).kind is Class.SUCCESS
    assert talk.sockets[0].closed
    assert talk.ask(Method.ALLOCATE, TRANSPORT).kind is Class.SUCCESS
    talk.now += LIFETIME + 1
    assert talk.ask(Method.BINDING).kind is Class.SUCCESS
    assert talk.sockets[1].closed
    talk.ask(Method.ALLOCATE, TRANSPORT)
    talk.server.gone(talk.client)
    assert talk.sockets[2].closed


@given(st.binary(max_size=120), st.booleans())
def test_no_bytes_are_too_strange(data: bytes, headed: bool) -> None:
    talk = Talk()
    if headed:
        data = (
            b"\0\3" + (len(data) // 4 * 4).to_bytes(2, "big") + bytes.fromhex("2112a442") + bytes(12) + data
        )
    talk.server.take(data, talk.client)
