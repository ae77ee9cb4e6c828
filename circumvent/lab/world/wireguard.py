"""A WireGuard peer without a network device: it answers echoes and DNS questions that come through the tunnel.

What is behind it: :mod:`circumvent.lab.world.inside`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from circumvent.lab.world.inside import answer_inside
from circumvent.net.packets import PacketError
from circumvent.vpn.wireguard import handshake as noise
from circumvent.vpn.wireguard.cookie import Macs, verify_macs
from circumvent.vpn.wireguard.handshake import HandshakeError, Responder, public_key
from circumvent.vpn.wireguard.transport import Session, TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.lab.world.inside import Respond
    from circumvent.lab.world.listen import Listeners

#: The peer's addresses inside, and its client's.
INSIDE: Final = ("10.67.0.1", "fd67::1")
CLIENT: Final = ("10.67.0.2/24", "fd67::2/64")
#: Keys of handshakes that are kept.
MOST_SESSIONS: Final = 8


class TunnelKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Private keys of a peer and of its one client, in hexadecimal. Known to everybody in the laboratory."""

    server: str
    client: str

    @classmethod
    def fresh(cls) -> TunnelKeys:
        """Make both."""
        return cls(server=secrets.token_hex(noise.KEY_SIZE), client=secrets.token_hex(noise.KEY_SIZE))


class Tunnel:
    """The peer: datagrams in, datagrams out. ``respond`` answers a DNS message, or says nothing."""

    def __init__(self, keys: TunnelKeys, respond: Respond) -> None:
        self._private = bytes.fromhex(keys.server)
        self._public = public_key(self._private)
        self._client = public_key(bytes.fromhex(keys.client))
        self._respond = respond
        self._stamp = b""
        self._sessions: dict[int, Session] = {}

    def take(self, datagram: bytes, now: float) -> bytes | None:
        """Return the answer to a datagram; what is not of its client gets none."""
        try:
            if len(datagram) == noise.INITIATION_SIZE:
                return self._shake_hands(datagram, now)
            session = self._sessions.get(int.from_bytes(datagram[4:8], "little"))
            if session is None:
                return None
            packet = session.open(datagram, now)
            answer = answer_inside(packet, self._respond) if packet else None
            return None if answer is None else session.seal(answer, now)
        except (HandshakeError, TransportError, PacketError):
            return None

    def _shake_hands(self, message: bytes, now: float) -> bytes | None:
        if not verify_macs(self._public, message)[0]:
            return None
        responder = Responder(self._private, message)
        if responder.peer != self._client or responder.stamp <= self._stamp:
            return None
        self._stamp = responder.stamp
        index = secrets.randbits(32)
        response, keys = responder.respond(index=index, ephemeral=secrets.token_bytes(noise.KEY_SIZE))
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[index] = Session(keys, now)
        return Macs(self._client).add(response, now)


async def serve_wireguard(listeners: Listeners, addresses: Sequence[str], port: int, tunnel: Tunnel) -> None:
    """Serve one peer.

    :raises OSError: when a port cannot be had.
    """
    await listeners.udp(addresses, port, lambda: _Datagrams(tunnel))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self._tunnel.take(data, time.monotonic())
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)
