"""Brokers that answer as they are told, STUN servers behind NATs of our making, and proxies that are aiortc's.

The authors' programs: ``tests/lab/snowflake.py``.
"""

from __future__ import annotations

import json
import re
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from circumvent.net import stun
from circumvent.net.stun import Address, Attribute
from tests.faults.stun import binding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.faults.proxy import Link

NO_OFFER = {"error": "no supplied offer"}


@dataclass
class Broker:
    """Answers a poll without an offer as brokers do, and others with what ``answers`` makes of the offer."""

    answers: Callable[[str], Awaitable[dict[str, Any]]]
    polls: list[dict[str, str]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)

    async def serve(self, link: Link) -> None:
        """Be the behaviour of a server."""
        while True:
            head = (await link.head()).decode("latin-1")
            self.heads.append(head)
            length = re.search(r"content-length: (\d+)", head.lower())
            body = await link.exactly(int(length[1])) if length else b""
            version, _, text = body.partition(b"\n")
            assert version == b"1.0"
            poll = json.loads(text)
            self.polls.append(poll)
            said = NO_OFFER
            if poll["offer"]:
                offer = json.loads(poll["offer"])
                assert offer["type"] == "offer"
                said = await self.answers(offer["sdp"])
            answer = json.dumps(said).encode()
            await link.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)


def described(sdp: str) -> dict[str, str]:
    """Return a broker's answer with the session description of a proxy."""
    return {"answer": json.dumps({"type": "answer", "sdp": sdp})}


@dataclass
class StunServer:
    """One address of a STUN server. ``sees`` is what it answers for an address, ``None`` for silence."""

    host: str
    sees: Callable[[tuple[str, int]], Address | None]
    other: Address | None = None
    answer: bytes | None = None
    port: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)

    def reply(self, data: bytes, place: tuple[str, int]) -> bytes | None:
        """Return what goes back."""
        self.asked.append(place)
        mapped = self.sees(place)
        if self.answer is not None or mapped is None:
            return self.answer
        request = stun.decode(data)
        right = binding(request, mapped)
        attributes = right.attributes
        if self.other is not None:
            family = b"\1" if self.other.ip.version == 4 else b"\2"
            plain = b"\0" + family + self.other.port.to_bytes(2, "big") + self.other.ip.packed
            attributes = (*attributes, (Attribute.OTHER_ADDRESS, plain))
        return stun.encode(binding(request, attributes=attributes))


@asynccontextmanager
async def stun_servers(*servers: StunServer) -> AsyncIterator[tuple[tuple[str, int], ...]]:
    """Serve on loopback until the block ends; yield the places."""
    async with anyio.create_task_group() as group:
        for server in servers:
            udp = await anyio.create_udp_socket(socket.AF_INET, local_host=server.host)
            server.port = udp.extra(anyio.abc.SocketAttribute.local_port)
            group.start_soon(_serve, udp, server)
        yield tuple((server.host, server.port) for server in servers)
        group.cancel_scope.cancel()


async def _serve(udp: anyio.abc.UDPSocket, server: StunServer) -> None:
    async with udp:
        async for data, place in udp:
            answer = server.reply(data, place)
            if answer is not None:
                await udp.sendto(answer, *place)


class Volunteer:
    """A proxy made of aiortc: it answers an offer, and echoes what comes."""

    def __init__(self) -> None:
        """Begin; only loopback is offered."""
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.on("datachannel", self._opened)
        self.channel: RTCDataChannel | None = None
        self.received: list[bytes] = []

    async def answer(self, offer: str) -> str:
        """Return the answer to an offer."""
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return str(self.connection.localDescription.sdp)

    async def aclose(self) -> None:
        """Close the connection."""
        await self.connection.close()

    def _opened(self, channel: RTCDataChannel) -> None:
        self.channel = channel
        channel.on("message", self._echo)

    def _echo(self, message: bytes) -> None:
        assert self.channel is not None
        self.received.append(message)
        self.channel.send(message)
