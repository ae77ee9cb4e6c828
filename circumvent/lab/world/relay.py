"""STUN and TURN (RFC 8489, RFC 8656) as a state machine: messages in, messages out, relay sockets by a callback.

Long-term credentials with MD5 keys, as every client knows them. UDP relays only.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import struct
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from circumvent.net import stun
from circumvent.net.stun import Address, Attribute, Class, Message, Method, StunError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from circumvent.lab.world.description import Voice

    Attributes = tuple[tuple[int, bytes], ...]
    OpenRelay = Callable[[str, asyncio.DatagramProtocol], Awaitable[asyncio.DatagramTransport]]

MOST_ALLOCATIONS: Final = 200
MOST_PERMISSIONS: Final = 100
#: Seconds: lifetimes of an allocation (usual, longest), of a permission, of a channel (RFC 8656).
LIFETIME: Final = 600
LONGEST_LIFETIME: Final = 3600
PERMISSION: Final = 300.0
LAST_CHANNEL: Final = 0x7FFE
_UNDERSTOOD: Final = frozenset(
    {*Attribute, 0x0017, 0x0018, 0x001A, 0x0022}  # family, even port, don't fragment, reservation token
)
_REQUESTED_FAMILY: Final = 0x0017
_IPV6_FAMILY: Final = 2


@dataclass(slots=True, eq=False)
class Client:
    """One five-tuple: where it comes from, how to send to it, the transaction whose allocation is being made."""

    address: Address
    send: Callable[[bytes], None]
    stream: bool
    allocation: Allocation | None = None
    allocating: bytes | None = None


@dataclass(slots=True, eq=False)
class Allocation:
    """A relayed address, and whom it may talk to."""

    client: Client
    relayed: Address
    transport: asyncio.DatagramTransport
    expires: float
    created_by: bytes
    permissions: dict[str, float] = field(default_factory=dict)
    channels: dict[int, Address] = field(default_factory=dict)
    numbers: dict[Address, int] = field(default_factory=dict)


class TurnServer:
    """One server; ``take`` is given everything that arrives."""

    def __init__(
        self,
        voice: Voice,
        addresses: Sequence[str],
        open_relay: OpenRelay,
        *,
        now: Callable[[], float],
        later: Callable[[Any], None],
    ) -> None:
        self._voice = voice
        self._addresses = addresses
        self._open_relay = open_relay
        self._now = now
        self._later = later
        self._key = stun.long_term_key(voice.user, voice.realm, voice.password)
        self._nonce = os.urandom(8).hex().encode()
        self._allocations: set[Allocation] = set()

    def take(self, data: bytes, client: Client) -> None:
        """Take one STUN message or ChannelData; what is neither is dropped."""
        self._expire()
        channel = _channel_data(data)
        if channel is not None:
            self._from_channel(client, *channel)
            return
        try:
            message = stun.decode(data)
        except StunError:
            return
        if message.kind is Class.INDICATION and message.method == Method.SEND:
            self._from_indication(client, message)
        elif message.kind is Class.REQUEST:
            self._request(client, message)

    def gone(self, client: Client) -> None:
        """Forget a client whose connection is over."""
        if client.allocation is not None:
            self._release(client.allocation)

    # Requests.

    def _request(self, client: Client, request: Message) -> None:
        unknown = [name for name, _ in request.attributes if 0 <= name < 0x8000 and name not in _UNDERSTOOD]
        if unknown:
            names = b"".join(name.to_bytes(2, "big") for name in unknown)
            self._refuse(client, request, 420, (Attribute.UNKNOWN_ATTRIBUTES, names))
            return
        if request.method == Method.BINDING:
            self._succeed(client, request, self._mapped(client, request), signed=False)
            return
        if not self._authorised(client, request):
            return
        try:
            match request.method:
                case Method.ALLOCATE:
                    self._allocate(client, request)
                case Method.REFRESH:
                    self._refresh(client, request)
                case Method.CREATE_PERMISSION:
                    self._permit(client, request)
                case Method.CHANNEL_BIND:
                    self._bind(client, request)
                case _:
                    self._refuse(client, request, 400)
        except (StunError, struct.error):
            self._refuse(client, request, 400)

    def _authorised(self, client: Client, request: Message) -> bool:
        """Check the credentials (RFC 8489, section 9.2.4); what is wrong is answered."""
        challenge = (
            (Attribute.REALM, self._voice.realm.encode()),
            (Attribute.NONCE, self._nonce),
        )
        user = request.get(Attribute.USERNAME)
        if request.get(Attribute.MESSAGE_INTEGRITY) is None or user is None:
            self._refuse(client, request, 401, *challenge)
        elif request.get(Attribute.NONCE) != self._nonce:
            self._refuse(client, request, 438, *challenge)
        elif not hmac.compare_digest(user, self._voice.user.encode()) or not stun.verify(request, self._key):
            self._refuse(client, request, 401, *challenge)
        else:
            return True
        return False

    def _allocate(self, client: Client, request: Message) -> None:
        allocation = client.allocation
        if allocation is not None and allocation.created_by == request.transaction_id:
            self._allocated(client, request, allocation)
        elif client.allocating == request.transaction_id:
            return  # sent again before the answer left, which is on its way
        elif allocation is not None or client.allocating is not None:
            self._refuse(client, request, 437)
        elif (request.get(Attribute.REQUESTED_TRANSPORT) or b"")[:1] != stun.REQUESTED_TRANSPORT_UDP[:1]:
            self._refuse(client, request, 442)
        elif len(self._allocations) >= MOST_ALLOCATIONS:
            self._refuse(client, request, 486)
        else:
            client.allocating = request.transaction_id
            self._later(self._open(client, request))

    async def _open(self, client: Client, request: Message) -> None:
        family = next((value for name, value in request.attributes if name == _REQUESTED_FAMILY), b"\1")
        wants_ipv6 = family[:1] == bytes([_IPV6_FAMILY])
        source = next((one for one in self._addresses if (":" in one) == wants_ipv6), None)
        try:
            if source is None:
                self._refuse(client, request, 440)
                return
            relay = _Relay(self)
            transport = await self._open_relay(source, relay)
        except OSError:
            self._refuse(client, request, 508)
            return
        finally:
            client.allocating = None
        host, port = transport.get_extra_info("sockname")[:2]
        allocation = Allocation(
            client=client,
            relayed=Address(ip_address(host), port),
            transport=transport,
            expires=self._now() + LIFETIME,
            created_by=request.transaction_id,
        )
        relay.allocation = client.allocation = allocation
        self._allocations.add(allocation)
        self._allocated(client, request, allocation)

    def _allocated(self, client: Client, request: Message, allocation: Allocation) -> None:
        relayed = stun.pack_xor_address(allocation.relayed, request.transaction_id)
        lifetime = max(int(allocation.expires - self._now()), 0).to_bytes(4, "big")
        more = ((Attribute.XOR_RELAYED_ADDRESS, relayed), (Attribute.LIFETIME, lifetime))
        self._succeed(client, request, (*more, *self._mapped(client, request)))

    def _refresh(self, client: Client, request: Message) -> None:
        value = request.get(Attribute.LIFETIME)
        asked = LIFETIME if value is None else struct.unpack("!I", value)[0]
        lifetime = 0 if asked == 0 else max(LIFETIME, min(asked, LONGEST_LIFETIME))
        if client.allocation is not None:
            client.allocation.expires = self._now() + lifetime
            if not lifetime:
                self._release(client.allocation)
        elif lifetime:
            self._refuse(client, request, 437)
            return
        self._succeed(client, request, ((Attribute.LIFETIME, lifetime.to_bytes(4, "big")),))

    def _permit(self, client: Client, request: Message) -> None:
        allocation, peers = client.allocation, list(_peers(request))
        if allocation is None:
            self._refuse(client, request, 437)
        elif not peers or len(allocation.permissions) + len(peers) > MOST_PERMISSIONS:
            self._refuse(client, request, 508 if peers else 400)
        else:
            for peer in peers:
                allocation.permissions[str(peer.ip)] = self._now() + PERMISSION
            self._succeed(client, request, ())

    def _bind(self, client: Client, request: Message) -> None:
        allocation, peer = client.allocation, next(_peers(request), None)
        value = request.get(Attribute.CHANNEL_NUMBER)
        number = struct.unpack("!HH", value)[0] if value is not None else 0
        if allocation is None:
            self._refuse(client, request, 437)
        elif (
            peer is None
            or not stun.FIRST_CHANNEL <= number <= LAST_CHANNEL
            or allocation.channels.get(number, peer) != peer
            or allocation.numbers.get(peer, number) != number
        ):
            self._refuse(client, request, 400)
        elif len(allocation.channels) >= MOST_PERMISSIONS:
            self._refuse(client, request, 508)
        else:
            allocation.channels[number], allocation.numbers[peer] = peer, number
            allocation.permissions[str(peer.ip)] = self._now() + PERMISSION
            self._succeed(client, request, ())

    # Data.

    def _from_channel(self, client: Client, number: int, data: bytes) -> None:
        if client.allocation is not None and (peer := client.allocation.channels.get(number)) is not None:
            self._onward(client.allocation, peer, data)

    def _from_indication(self, client: Client, message: Message) -> None:
        data = message.get(Attribute.DATA)
        try:
            peer = next(_peers(message), None)
        except StunError:
            return
        if client.allocation is not None and peer is not None and data is not None:
            self._onward(client.allocation, peer, data)

    def _onward(self, allocation: Allocation, peer: Address, data: bytes) -> None:
        if allocation.permissions.get(str(peer.ip), 0.0) > self._now():
            allocation.transport.sendto(data, (str(peer.ip), peer.port))

    def back(self, allocation: Allocation, data: bytes, host: str, port: int) -> None:
        """Give the client what came to its relayed address."""
        if allocation.permissions.get(host, 0.0) <= self._now() or allocation not in self._allocations:
            return
        peer, client = Address(ip_address(host), port), allocation.client
        number = allocation.numbers.get(peer)
        if number is not None:
            client.send(stun.channel_data(number, data, pad=client.stream))
            return
        transaction_id = os.urandom(stun.TRANSACTION_ID_BYTES)
        attributes = (
            (Attribute.XOR_PEER_ADDRESS, stun.pack_xor_address(peer, transaction_id)),
            (Attribute.DATA, data),
        )
        client.send(
            stun.encode(
                Message(
                    method=Method.DATA,
                    kind=Class.INDICATION,
                    transaction_id=transaction_id,
                    attributes=attributes,
                )
            )
        )

    # Answers.

    def _mapped(self, client: Client, request: Message) -> Attributes:
        packed = stun.pack_xor_address(client.address, request.transaction_id)
        return ((Attribute.XOR_MAPPED_ADDRESS, packed),)

    def _succeed(
        self, client: Client, request: Message, attributes: Attributes, *, signed: bool = True
    ) -> None:
        answer = Message(
            method=request.method,
            kind=Class.SUCCESS,
            transaction_id=request.transaction_id,
            attributes=attributes,
        )
        client.send(stun.encode(answer, key=self._key if signed else None, fingerprint=True))

    def _refuse(self, client: Client, request: Message, code: int, *more: tuple[int, bytes]) -> None:
        number = bytes([0, 0, code // 100, code % 100])
        answer = Message(
            method=request.method,
            kind=Class.ERROR,
            transaction_id=request.transaction_id,
            attributes=((Attribute.ERROR_CODE, number), *more),
        )
        client.send(stun.encode(answer, fingerprint=True))

    def _expire(self) -> None:
        now = self._now()
        for allocation in [one for one in self._allocations if one.expires <= now]:
            self._release(allocation)

    def _release(self, allocation: Allocation) -> None:
        allocation.transport.close()
        self._allocations.discard(allocation)
        allocation.client.allocation = None


class _Relay(asyncio.DatagramProtocol):
    """The socket of one relayed address."""

    def __init__(self, server: TurnServer) -> None:
        self._server = server
        self.allocation: Allocation | None = None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.allocation is not None:
            self._server.back(self.allocation, data, str(addr[0]), int(addr[1]))


def _channel_data(data: bytes) -> tuple[int, bytes] | None:
    """Return channel and data; a server knows more channel numbers than clients bind."""
    if len(data) < stun.CHANNEL_HEADER_BYTES or data[0] & 0xC0 != 0x40:
        return None
    number, length = struct.unpack_from("!HH", data)
    payload = data[stun.CHANNEL_HEADER_BYTES :][:length]
    return (number, payload) if len(payload) == length else None


def _peers(message: Message) -> Iterator[Address]:
    for name, value in message.attributes:
        if name == Attribute.XOR_PEER_ADDRESS:
            yield stun.unpack_xor_address(value, message.transaction_id)
