"""Packets through an SSTP call: :class:`circumvent.net.tunnel.PacketTunnel`, and the link that it stands on."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.stream import Datagram
from circumvent.net.tunnel import TunnelFacts
from circumvent.vpn.ppp import PppError
from circumvent.vpn.ppp_client import NoAgreement, Phase, PppClient, Rejected, encode_ip
from circumvent.vpn.sstp.message import (
    STATUSES,
    Control,
    Data,
    Deframer,
    MessageType,
    SstpError,
    encode_control,
    encode_data,
)

if TYPE_CHECKING:
    from circumvent.net.stream import ByteStream
    from circumvent.net.trace import Trace

CHUNK: Final = 64 * 1024
#: Seconds that the farewell may take to leave.
GOODBYE: Final = 0.1
#: Seconds that an answer to the server's "are you there" may take to leave.
ANSWER: Final = 1.0
#: What sending raises once the connection is over.
GONE: Final = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)
_ENDS: Final = frozenset(
    {MessageType.CALL_ABORT, MessageType.CALL_DISCONNECT, MessageType.CALL_DISCONNECT_ACK}
)


class SstpLink:
    """Packets over the stream of a call; "are you there" is answered below everything else."""

    def __init__(self, stream: ByteStream, rest: bytes, trace: Trace) -> None:
        """Read from ``stream``, after ``rest``, which came with the head of the response."""
        self._stream = stream
        self._trace = trace
        self._deframer = Deframer()
        self._first = rest
        self._ready: deque[Control | Data] = deque()
        self._over: PeerError | anyio.EndOfStream | None = None
        self.arrived = trace.clock.now()

    async def send(self, data: bytes) -> None:
        """Send packets that are framed already; errors are those of the connection."""
        await self._stream.send(data)

    async def receive(self) -> Control | Data:
        """Wait for the next packet; :attr:`arrived` is then when it came.

        :raises anyio.EndOfStream: when the server ended the call.
        :raises PeerError: when it aborted it, or what came is no packet.
        """
        while True:
            if self._over is not None:
                raise self._over
            if self._ready:
                packet = self._ready.popleft()
                if isinstance(packet, Data) or not await self._serve(packet):
                    return packet
                continue
            data, self._first = self._first, b""
            if not data:
                data = await self._stream.receive(CHUNK)
            self.arrived = self._trace.clock.now()
            try:
                self._ready += self._deframer.feed(data)
            except SstpError as exc:
                self.give_up(str(exc))

    def give_up(self, why: str) -> None:
        """Fail from now on, whoever reads: what comes after a breach of the protocol means nothing."""
        self._over = PeerError(failures.WRONG_ANSWER, why)

    async def _serve(self, message: Control) -> bool:
        """Deal with a message that concerns the call as a whole; tell whether it was one."""
        if message.kind == MessageType.ECHO_REQUEST:
            await self.answer(encode_control(Control(MessageType.ECHO_RESPONSE)))
            return True
        if message.kind == MessageType.ECHO_RESPONSE:
            return True
        if message.kind not in _ENDS:
            return False
        if message.kind == MessageType.CALL_ABORT:
            self.give_up(f"the server aborted the call: {_status(message)}")
        else:
            self._over = anyio.EndOfStream()
        return True

    async def answer(self, data: bytes) -> None:
        """Send something that the server asked for, whole, even if whoever reads is cancelled meanwhile."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(ANSWER), suppress(*GONE):
            await self._stream.send(data)

    async def aclose(self, farewell: bytes) -> None:
        """Send ``farewell`` without waiting for an answer, and close; never raises."""
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(GOODBYE), suppress(*GONE):
                await self._stream.send(farewell)
            await self._stream.aclose()


def _status(message: Control) -> str:
    status = message.status
    return "it gives no reason" if status is None else STATUSES.get(status, f"status {status}")


class SstpTunnel:
    """A call whose link is open."""

    def __init__(self, link: SstpLink, client: PppClient) -> None:
        """Use a link that came up; ``client`` has its addresses."""
        self._link = link
        self._client = client
        self._ready: deque[Datagram] = deque()
        address, peer = client.address, client.peer
        self._facts = TunnelFacts(
            addresses=() if address is None else (address,),
            resolvers=client.resolvers,
            gateways=() if peer is None else (peer,),
            mtu=client.mtu,
        )

    @property
    def facts(self) -> TunnelFacts:
        """Return what the server assigned."""
        return self._facts

    async def send(self, packet: bytes) -> None:
        """Send one IPv4 packet; errors are those of the connection."""
        await self._link.send(encode_data(encode_ip(packet)))

    async def receive(self) -> Datagram:
        """Wait for the next IPv4 packet; what the link itself needs is answered meanwhile.

        :raises anyio.EndOfStream: when the server ended the link or the call.
        :raises PeerError: when what came is not what the protocol allows.
        """
        while not self._ready:
            if self._client.phase is Phase.ENDED:
                raise anyio.EndOfStream
            packet = await self._link.receive()
            if isinstance(packet, Control):
                continue
            try:
                replies = self._client.receive(packet.payload)
            except PppError:
                continue  # damaged or strange frames are discarded (RFC 1661, section 2)
            except (NoAgreement, Rejected):
                self._link.give_up("the server begins to negotiate again")
                continue
            for reply in replies:
                await self._link.answer(encode_data(reply))
            self._ready += [Datagram(data, self._link.arrived) for data in self._client.packets]
            self._client.packets.clear()
        return self._ready.popleft()

    async def aclose(self) -> None:
        """End the link and the call, so that the session does not linger, and close; never raises."""
        await self._link.aclose(goodbye(self._client))


def goodbye(client: PppClient | None) -> bytes:
    """Write what ends a link, if there is one, and its call (MS-SSTP, section 2.2.13)."""
    frames = b"" if client is None else b"".join(encode_data(frame) for frame in client.terminate())
    return frames + encode_control(Control(MessageType.CALL_DISCONNECT))
