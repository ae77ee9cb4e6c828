"""STUN and TURN on the wire: UDP, TCP, TLS, in front of :class:`~circumvent.lab.world.relay.TurnServer`."""

from __future__ import annotations

import asyncio
import struct
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab.world.listen import server_context
from circumvent.lab.world.relay import Client, TurnServer
from circumvent.net import stun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.lab.world.description import Voice
    from circumvent.lab.world.listen import Listeners
    from circumvent.lab.world.prepare import Pair

#: UDP clients that are remembered; the one unheard for longest is forgotten first.
MOST_CLIENTS: Final = 1000
#: Bytes that may wait to be sent over a connection; data is dropped beyond, as a datagram would be.
_MOST_WAITING: Final = 256 * 1024


async def serve_voice(listeners: Listeners, addresses: Sequence[str], voice: Voice, pair: Pair) -> None:
    """Serve STUN and TURN.

    :raises OSError: when a port cannot be had.
    """

    async def open_relay(source: str, protocol: asyncio.DatagramProtocol) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: protocol, local_addr=(source, 0))
        return transport

    turn = TurnServer(voice, addresses, open_relay, now=time.monotonic, later=listeners.later)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve_stream(turn, reader, writer)

    await listeners.udp(addresses, voice.port, lambda: _Datagrams(turn))
    await listeners.tcp(addresses, voice.port, serve)
    await listeners.tcp(addresses, voice.tls_port, serve, tls=server_context(pair))


class _Datagrams(asyncio.DatagramProtocol):
    """Clients over UDP, known by their addresses."""

    def __init__(self, turn: TurnServer) -> None:
        self._turn = turn
        self._clients: dict[Any, Client] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        client = self._clients.pop(addr, None)
        if client is None:
            if len(self._clients) >= MOST_CLIENTS:
                self._turn.gone(self._clients.pop(next(iter(self._clients))))
            client = Client(_address(addr), lambda answer: self._send(answer, addr), stream=False)
        self._clients[addr] = client
        self._turn.take(data, client)

    def _send(self, data: bytes, addr: Any) -> None:
        if self._transport is not None:
            self._transport.sendto(data, addr)


async def _serve_stream(turn: TurnServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection; a frame has at most 64 KiB, because lengths have 16 bits."""

    def send(data: bytes) -> None:
        if writer.transport.get_write_buffer_size() < _MOST_WAITING:
            writer.write(data)

    client = Client(_address(writer.get_extra_info("peername")), send, stream=True)
    try:
        while True:
            head = await reader.readexactly(stun.CHANNEL_HEADER_BYTES)
            first, length = struct.unpack("!HH", head)
            if first & 0xC000 == 0:
                frame = head + await reader.readexactly(stun.HEADER_BYTES - len(head) + length)
            elif first & 0xC000 == 0x4000:
                frame = head + await reader.readexactly(length + -length % 4)
            else:
                return
            turn.take(frame, client)
    finally:
        turn.gone(client)


def _address(peer: Any) -> stun.Address:
    return stun.Address(ip_address(str(peer[0]).partition("%")[0]), int(peer[1]))
