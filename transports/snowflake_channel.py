"""The data channel to a volunteer's proxy, by aiortc (the ``snowflake`` extra) and therefore on asyncio only.

Of aiortc the layers are used (ICE, DTLS, SCTP) and not the whole: which sockets are opened, whom packets go to, and what an offer
tells, is decided here. Addresses of this device that are not of the internet stay out of the offer, and a proxy's that are not of the
internet are sent nothing, so that no stranger makes us knock at doors in our own network.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from contextlib import suppress
from string import ascii_letters
from typing import TYPE_CHECKING, Any, Final

import aioice
import anyio
from aioice import stun
from aioice.candidate import candidate_priority
from aioice.ice import StunProtocol
from aiortc import (
    RTCCertificate,
    RTCDataChannel,
    RTCDataChannelParameters,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
    RTCSctpCapabilities,
    RTCSctpTransport,
)

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.sock import ROUTE_PROBES, bound_udp
from circumvent.tor.snowflake.sdp import Candidate, Description, write_offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.record import Json
    from circumvent.net.dial import DirectDialer
    from circumvent.net.trace import Trace
    from circumvent.transport import Context

#: STUN servers that are asked for the channel's own ports, and seconds that they have.
MOST_SERVERS: Final = 3
REFLEXIVE: Final = 2.0
#: Bytes of messages that wait to be read; a proxy that sends more than anybody asked for is left.
MOST_HELD: Final = 8 << 20
#: Seconds that the goodbye may take.
_GOODBYE: Final = 1.0
_LABEL_BYTES: Final = 8
#: Letters of a name and a password of ICE, as many as snowflake's client takes.
UFRAG: Final = 16
PASSWORD: Final = 32


class _Port(StunProtocol):
    """A port that counts its bytes."""

    def __init__(self, receiver: aioice.Connection, trace: Trace) -> None:
        super().__init__(receiver)
        self._trace = trace

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Count and pass on."""
        self._trace.bytes_received += len(data)
        super().datagram_received(data, addr)

    async def send_data(self, data: bytes, addr: tuple[str, int]) -> None:
        """Count and send."""
        self._trace.bytes_sent += len(data)
        await super().send_data(data, addr)

    def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:
        """Count and send."""
        self._trace.bytes_sent += len(bytes(message))
        super().send_stun(message, addr)


class _Ice(aioice.Connection):
    """ICE from the address that packets leave from, one of each family; STUN servers are addresses, never names."""

    def __init__(self, servers: Sequence[tuple[str, int]], dialer: DirectDialer, context: Context) -> None:
        super().__init__(
            ice_controlling=True,
            local_username="".join(context.random.choices(ascii_letters, k=UFRAG)),
            local_password="".join(context.random.choices(ascii_letters, k=PASSWORD)),
        )
        self._servers = tuple(servers)[:MOST_SERVERS]
        self._dialer = dialer
        self._trace = context.trace
        #: What an offer may tell.
        self.shown: list[Candidate] = []

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],  # noqa: ARG002 - all of this device's, of which we take what packets leave from
        timeout: int = 5,  # noqa: ARG002, ASYNC109 - aioice's
    ) -> list[aioice.Candidate]:
        """Open the ports, and ask STUN servers what they look like from outside."""
        ports: list[_Port] = []
        for probe in dict.fromkeys([*(host for host, _ in self._servers), *ROUTE_PROBES.values()]):
            with suppress(OSError):
                port = await self._open(component, probe)
                if port is not None:
                    ports.append(port)
        with anyio.move_on_after(REFLEXIVE):
            async with anyio.create_task_group() as group:
                for port in ports:
                    for server in self._servers:
                        group.start_soon(self._reflexive, port, server)
        return [port.local_candidate for port in ports]

    async def _open(self, component: int, probe: str) -> _Port | None:
        """Open a port at the address from which packets to ``probe`` leave; ``None`` if there is one already."""
        raw = bound_udp(probe, self._dialer.source)
        host, number = raw.getsockname()[:2]
        if any(port.local_candidate.host == host for port in self._protocols):
            raw.close()
            return None
        loop = asyncio.get_running_loop()
        _, port = await loop.create_datagram_endpoint(lambda: _Port(self, self._trace), sock=raw)
        ours = _candidate("host", host, number)
        port.local_candidate = _to_aioice(ours, component)
        self._protocols.append(port)
        if self._dialer.permits(host):
            self.shown.append(ours)
        return port

    async def _reflexive(self, port: _Port, server: tuple[str, int]) -> None:
        if (":" in server[0]) != (":" in port.local_candidate.host):
            return
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        try:
            response, _ = await port.request(request, server)
        except (stun.TransactionError, OSError):
            return
        mapped = response.attributes.get("XOR-MAPPED-ADDRESS")
        if mapped is not None and all((one.host, one.port) != mapped for one in self.shown):
            self.shown.append(_candidate("srflx", mapped[0], mapped[1]))


class DataChannel:
    """A channel to one proxy: :meth:`offer`, then the proxy's answer to :meth:`connect` and what follows, in this order."""

    def __init__(self, servers: Sequence[tuple[str, int]], dialer: DirectDialer, context: Context) -> None:
        """Prepare; nothing is sent before :meth:`offer`."""
        self._dialer = dialer
        self._random, self._trace = context.random, context.trace
        self._ice = _Ice(servers, dialer, context)
        gatherer = RTCIceGatherer(iceServers=[])
        gatherer._connection = self._ice  # noqa: SLF001 - aiortc has no other way to choose sockets
        self._gatherer = gatherer
        self._transport = RTCIceTransport(gatherer)
        self._dtls = RTCDtlsTransport(self._transport, [RTCCertificate.generateCertificate()])
        self._sctp = RTCSctpTransport(self._dtls)
        self._channel: RTCDataChannel | None = None
        self._held: deque[bytes] = deque()
        self._bytes = 0
        self._closed = False
        self._flooded = False
        self._news = anyio.Event()

    def facts(self) -> dict[str, Json]:
        """Return what the kernel knows: nothing, for there is no TCP any more."""
        return {}

    async def offer(self) -> str:
        """Gather addresses and return an offer."""
        await self._gatherer.gather()
        parameters = self._gatherer.getLocalParameters()
        ours = Description(
            ufrag=parameters.usernameFragment or "",
            password=parameters.password or "",
            fingerprints=tuple(
                (one.algorithm, one.value)
                for one in self._dtls.getLocalParameters().fingerprints
                if one.algorithm == "sha-256"
            ),
            candidates=tuple(self._ice.shown),
            sctp_port=self._sctp.port,
        )
        return write_offer(ours, session=self._random.getrandbits(63), now=self._trace.clock.wall())

    async def connect(self, proxy: Description) -> None:
        """Find a pair of addresses by which packets get through (ICE).

        :raises TimeoutError: when none does.
        """
        for one in proxy.candidates:
            if self._dialer.permits(one.host):
                await self._transport.addRemoteCandidate(_to_aiortc(one))
        await self._transport.addRemoteCandidate(None)
        await self._transport.start(RTCIceParameters(usernameFragment=proxy.ufrag, password=proxy.password))
        if self._transport.state != "completed":
            raise TimeoutError

    async def shake_hands(self, proxy: Description) -> None:
        """Shake hands by DTLS; the proxy must hold the certificate of its answer.

        :raises PeerError: when it does not, or the handshake fails.
        """
        self._dtls._set_role("client" if proxy.setup == "passive" else "server")  # noqa: SLF001 - no other way to say it
        fingerprints = [RTCDtlsFingerprint(algorithm=kind, value=value) for kind, value in proxy.fingerprints]
        await self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints))
        if self._dtls.state == "connected":
            return
        if self._dtls.encrypted:
            raise PeerError(failures.WRONG_KEY, "the proxy's certificate is not that of its answer")
        raise PeerError(failures.SSL_FAILED_HANDSHAKE, "DTLS")

    async def open(self, proxy: Description) -> None:
        """Open the channel.

        :raises anyio.EndOfStream: when the proxy closes it.
        """
        await self._sctp.start(RTCSctpCapabilities(maxMessageSize=proxy.message_bytes), proxy.sctp_port)
        label = f"snowflake-{self._random.randbytes(_LABEL_BYTES).hex()}"
        channel = self._channel = RTCDataChannel(self._sctp, RTCDataChannelParameters(label=label))
        channel.on("message", self._arrived)
        channel.on("close", self._ended)
        channel.on("open", self._tell)
        self._dtls.on("statechange", self._changed)
        while channel.readyState != "open":
            if self._closed:
                raise anyio.EndOfStream
            await self._news.wait()

    async def send(self, message: bytes) -> None:
        """Send one message.

        :raises anyio.EndOfStream: when the channel is closed.
        """
        if self._closed or self._channel is None or self._channel.readyState != "open":
            raise anyio.EndOfStream
        self._channel.send(message)
        await anyio.lowlevel.checkpoint()

    async def receive(self) -> bytes:
        """Wait for the next message.

        :raises anyio.EndOfStream: when the channel is closed.
        :raises PeerError: when the proxy sends more than anybody takes.
        """
        while not self._held:
            if self._flooded:
                raise PeerError(failures.WRONG_ANSWER, "the proxy sends more than anybody asked for")
            if self._closed:
                raise anyio.EndOfStream
            await self._news.wait()
        message = self._held.popleft()
        self._bytes -= len(message)
        return message

    async def aclose(self) -> None:
        """Close channel and ports; never raises."""
        with anyio.CancelScope(shield=True):
            for stop in (self._sctp.stop, self._dtls.stop, self._transport.stop):
                with anyio.move_on_after(_GOODBYE), suppress(Exception):
                    await stop()

    def _arrived(self, message: bytes | str) -> None:
        data = message if isinstance(message, bytes) else message.encode()
        if self._bytes + len(data) > MOST_HELD:
            self._flooded = True
        else:
            self._held.append(data)
            self._bytes += len(data)
        self._tell()

    def _ended(self) -> None:
        self._closed = True
        self._tell()

    def _changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._ended()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()


def _candidate(kind: str, host: str, port: int) -> Candidate:
    return Candidate(
        foundation=str(zlib.crc32(f"{kind} {host}".encode())),
        priority=candidate_priority(1, kind),
        host=host,
        port=port,
        type=kind,
    )


def _to_aioice(one: Candidate, component: int) -> aioice.Candidate:
    return aioice.Candidate(
        foundation=one.foundation,
        component=component,
        transport="udp",
        priority=one.priority,
        host=one.host,
        port=one.port,
        type=one.type,
    )


def _to_aiortc(one: Candidate) -> RTCIceCandidate:
    return RTCIceCandidate(
        component=1,
        foundation=one.foundation,
        ip=one.host,
        port=one.port,
        priority=one.priority,
        protocol="udp",
        type="srflx" if one.type == "prflx" else one.type,
    )
