"""Two ways in which a packet comes back to us through a TURN relay; neither needs a third party.

*Through the relay itself*: a channel is bound to our own relayed address. Each packet leaves through the allocation
and comes back through it, in one connection. *To a socket beside it*: a second UDP socket of ours sends to the relayed
address first, which opens its way through an address translation, and the relay then sends to where that came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from circumvent.net.stream import Datagram
from circumvent.net.stun import (
    Attribute,
    Class,
    Message,
    Method,
    StunError,
    channel_data,
    decode,
    encode,
    pack_xor_address,
    parse_channel_data,
)
from circumvent.net.stun_link import RTO

if TYPE_CHECKING:
    import random as random_module

    from circumvent.net.stream import DatagramStream
    from circumvent.net.stun import Address
    from circumvent.net.stun_link import Link


class ChannelLoop:
    """Payloads on a channel that is bound to our own relayed address."""

    def __init__(self, link: Link, channel: int) -> None:
        """Use a bound ``channel`` of ``link``."""
        link.expect_channel(channel)
        self.reliable = link.reliable
        self._link = link
        self._channel = channel

    def expect_channel(self, channel: int) -> None:
        """Do nothing: the channel is known."""

    async def send(self, frame: bytes) -> None:
        """Send a payload."""
        await self._link.send(channel_data(self._channel, frame, pad=self._link.reliable))

    async def receive(self) -> Datagram:
        """Wait for the next frame and return its payload, empty when it is none of our channel."""
        frame = await self._link.receive()
        parsed = parse_channel_data(frame.data)
        right = parsed is not None and parsed[0] == self._channel
        return Datagram(parsed[1] if parsed is not None and right else b"", frame.arrived)

    async def aclose(self) -> None:
        """Do nothing: the link is closed by whoever opened it."""


class SocketLoop:
    """Payloads that the relay sends to a socket of ours beside it."""

    reliable = False

    def __init__(self, link: Link, peer: DatagramStream, random: random_module.Random) -> None:
        """Use ``peer``, a socket that sends to the relayed address; the relay has a permission for it."""
        self._link = link
        self._peer = peer
        self._random = random
        self._address: Address | None = None

    def expect_channel(self, channel: int) -> None:
        """Do nothing: there is no channel."""

    async def open(self) -> None:
        """Send to the relay until it tells where the socket's packets come from."""
        wait = RTO
        while self._address is None:
            greeting = self._random.randbytes(20)
            await self._peer.send(greeting)
            with anyio.move_on_after(wait):
                while self._address is None:
                    self._address = _sender(await self._link.receive(), greeting)
            wait *= 2

    async def send(self, frame: bytes) -> None:
        """Have the relay send a payload to our socket (a Send indication, RFC 8656, section 11.1)."""
        if self._address is None:
            raise AssertionError  # pragma: no cover - open() comes first
        transaction_id = self._random.randbytes(12)
        peer = pack_xor_address(self._address, transaction_id)
        attributes = ((Attribute.XOR_PEER_ADDRESS, peer), (Attribute.DATA, frame))
        await self._link.send(
            encode(
                Message(
                    method=Method.SEND,
                    kind=Class.INDICATION,
                    transaction_id=transaction_id,
                    attributes=attributes,
                )
            )
        )

    async def receive(self) -> Datagram:
        """Wait for the next datagram from the relay."""
        return await self._peer.receive()

    async def aclose(self) -> None:
        """Close the socket; never raises."""
        await self._peer.aclose()


def _sender(frame: Datagram, payload: bytes) -> Address | None:
    """Return who sent ``payload``, if the frame is a Data indication with it."""
    try:
        message = decode(frame.data)
        if (message.method, message.kind, message.get(Attribute.DATA)) != (
            Method.DATA,
            Class.INDICATION,
            payload,
        ):
            return None
        return message.address(Attribute.XOR_PEER_ADDRESS)
    except StunError:
        return None
