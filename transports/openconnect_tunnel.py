"""Packets through an AnyConnect tunnel (CSTP) over TLS: :class:`circumvent.net.tunnel.PacketTunnel`."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.stream import Datagram
from circumvent.net.tunnel import TunnelFacts
from circumvent.vpn.openconnect.cstp import (
    USER_DISCONNECT,
    Configuration,
    CstpError,
    Deframer,
    Packet,
    PacketType,
    encode,
)

if TYPE_CHECKING:
    from circumvent.net.stream import ByteStream
    from circumvent.net.trace import Trace

CHUNK: Final = 64 * 1024
#: Seconds that the farewell may take to leave.
GOODBYE: Final = 0.1
#: Seconds that an answer to the gateway's "are you there" may take to leave.
ANSWER: Final = 1.0
#: What sending raises once the connection is over.
GONE: Final = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)


class CstpTunnel:
    """A tunnel that is up. Made after the gateway accepted CONNECT; ``rest`` is what came with its answer."""

    def __init__(self, stream: ByteStream, configuration: Configuration, rest: bytes, trace: Trace) -> None:
        self._stream = stream
        self._trace = trace
        self._facts = TunnelFacts(
            addresses=configuration.addresses,
            resolvers=configuration.resolvers,
            gateways=configuration.gateways,
            mtu=configuration.mtu,
        )
        self._deframer = Deframer()
        self._first = rest
        self._ready: deque[Datagram] = deque()
        self._ended = False
        self._closed = False

    @property
    def facts(self) -> TunnelFacts:
        """Return what the gateway assigned."""
        return self._facts

    async def send(self, packet: bytes) -> None:
        """Send one IP packet; errors are those of the connection."""
        await self._stream.send(encode(PacketType.DATA, packet))

    async def receive(self) -> Datagram:
        """Wait for the next IP packet; "are you there" is answered meanwhile.

        :raises anyio.EndOfStream: when the gateway ended the tunnel.
        :raises PeerError: when what came is no packet of the protocol.
        """
        while not self._ready:
            if self._ended:
                raise anyio.EndOfStream
            data, self._first = self._first, b""
            if not data:
                data = await self._stream.receive(CHUNK)
            arrived = self._trace.clock.now()
            try:
                packets = self._deframer.feed(data)
            except CstpError as exc:
                raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
            for packet in packets:
                await self._take(packet, arrived)
        return self._ready.popleft()

    async def _take(self, packet: Packet, arrived: float) -> None:
        match packet.kind:
            case PacketType.DATA:
                self._ready.append(Datagram(packet.payload, arrived))
            case PacketType.DPD_REQUEST:
                with anyio.CancelScope(shield=True), anyio.move_on_after(ANSWER), suppress(*GONE):
                    await self._stream.send(encode(PacketType.DPD_RESPONSE, packet.payload))
            case PacketType.DISCONNECT | PacketType.TERMINATE:
                self._ended = True
            case _:
                pass  # keepalives, answers to nothing of ours, and types to come (section 2.2)

    async def aclose(self) -> None:
        """Say that we leave, so that the gateway forgets the session, and close; never raises."""
        if self._closed:
            return
        self._closed = True
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(GOODBYE), suppress(*GONE):
                farewell = bytes([USER_DISCONNECT]) + b"user disconnected"
                await self._stream.send(encode(PacketType.DISCONNECT, farewell))
            await self._stream.aclose()
