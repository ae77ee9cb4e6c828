"""Packets of OpenVPN over UDP, or over a stream (draft-openvpn-wire-protocol, section 2.1)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.stream import Datagram
from circumvent.vpn.openvpn.packet import Opcode, PacketError, StreamReader, encode_stream

if TYPE_CHECKING:
    from circumvent.net.clock import Clock
    from circumvent.net.stream import ByteStream, DatagramStream

#: How much is read from a stream at once, in bytes.
_CHUNK: Final = 64 * 1024


class Link(Protocol):
    """A way to one server. A ``reliable`` one loses nothing."""

    reliable: bool

    async def send(self, packet: bytes) -> None:
        """Send one packet.

        :raises OSError: as the system raises it.
        """

    async def receive(self) -> Datagram:
        """Wait for the next packet; none is lost when this is cancelled.

        :raises OSError: as the system raises it.
        :raises anyio.EndOfStream: when a stream ended.
        :raises PeerError: when a stream holds something that no server sends.
        """

    async def aclose(self) -> None:
        """Close; never raises."""


class DatagramLink:
    """A packet is a datagram."""

    reliable = False

    def __init__(self, datagrams: DatagramStream) -> None:
        """Take over an open socket."""
        self._datagrams = datagrams

    async def send(self, packet: bytes) -> None:
        """Send one datagram."""
        await self._datagrams.send(packet)

    async def receive(self) -> Datagram:
        """Wait for the next datagram."""
        return await self._datagrams.receive()

    async def aclose(self) -> None:
        """Close the socket."""
        await self._datagrams.aclose()


class StreamLink:
    """Each packet stands behind its length."""

    reliable = True

    def __init__(self, stream: ByteStream, clock: Clock) -> None:
        """Take over an open stream."""
        self._stream = stream
        self._clock = clock
        self._reader = StreamReader(Opcode.RESET_SERVER)
        self._held: deque[Datagram] = deque()
        self._sending = anyio.Lock()

    async def send(self, packet: bytes) -> None:
        """Send one packet; two senders never mix."""
        async with self._sending:
            await self._stream.send(encode_stream(packet))

    async def receive(self) -> Datagram:
        """Wait for the next packet."""
        while not self._held:
            data = await self._stream.receive(_CHUNK)
            arrived = self._clock.now()
            try:
                self._held.extend(Datagram(packet, arrived) for packet in self._reader.feed(data))
            except PacketError as exc:
                raise PeerError(failures.WRONG_ANSWER, "this is no OpenVPN server") from exc
        return self._held.popleft()

    async def aclose(self) -> None:
        """Close the stream."""
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(self._stream)
