"""What a client does behind a censor, packet by packet, and what it sees: one word for each play."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import dns.message

from circumvent.lab.flow import UP
from circumvent.lab.packet import (
    ACK,
    FIN,
    GRE,
    ICMP,
    ICMPV6,
    RST,
    SYN,
    TCP,
    UDP,
    Endpoint,
    build_ip,
    build_tcp,
    checksum,
    pseudo_sum,
)
from circumvent.lab.world.standard import standard_world
from tests.lab_engine.talk import CLIENTS, Net, Tcp, Udp, client_hello, quic_initials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab_engine.talk import Outcome

WORLD: Final = standard_world()
SERVER_HELLO: Final = b"\x16\x03\x03\0\x7a\x02" + bytes(121)
#: Looks like nothing: no exemption of the Chinese filter holds.
NOISE: Final = b"\x96" * 200
STUN: Final = b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12)
OPENVPN: Final = bytes((7 << 3,)) + bytes(13)
WIREGUARD: Final = b"\x01\0\0\0" + bytes(144)
IKE: Final = b"\x01" * 8 + bytes(8) + b"\x21\x20\x22\x08" + bytes(8)
L2TP: Final = b"\xc8\x02\x00\x0c" + bytes(8)
#: Bulk: segments of so many bytes, each way; and seconds after which a slow connection has room again.
_SEGMENTS: Final = 44
_SIZE: Final = 500
_LATER: Final = 30.0
#: How often something is tried that happens by chance.
_OFTEN: Final = 60


@dataclass
class Client:
    """One client of one family, who opens a port for everything it does."""

    net: Net
    family: int
    address: str | None = None
    _port: int = field(default=40000, init=False)

    def tcp(
        self,
        server: str,
        port: int,
        *payloads: bytes,
        answer: bytes = b"fine",
        handshake: bool = True,
        client_port: int | None = None,
    ) -> str:
        """Connect, send, get an answer and 22 KB, send as much: ``works``, or what comes instead."""
        tcp = Tcp(
            self.net,
            family=self.family,
            client_port=client_port or self._next_port(),
            server_port=port,
            client=self.address,
            server=_address(server, self.family),
        )
        for flags, up in ((SYN, True), (SYN | ACK, False), (ACK, True)) if handshake else ():
            seen = _seen(tcp.up(flags=flags) if up else tcp.down(flags=flags), up=up, server=tcp.ends[1])
            if seen != "works":
                return seen
        for payload in payloads:
            seen = _seen(tcp.up(payload), up=True, server=tcp.ends[1])
            if seen != "works":
                return seen
        outcomes = [tcp.down(answer)]
        for _ in range(_SEGMENTS):
            outcomes += [tcp.down(bytes(_SIZE)), tcp.up(flags=ACK)]
        outcomes += [tcp.up(bytes(_SIZE)) for _ in range(_SEGMENTS)]
        self.net.now += _LATER
        last = (tcp.down(b"the end"), tcp.up(b"the end"))
        if any(outcome.silence for outcome in last):
            return "silence"
        return "slow" if any(outcome.silence for outcome in outcomes) else "works"

    def tls(self, name: str, server: str = "www.birch.example", port: int = 443, **how: object) -> str:
        """Speak TLS to a server by a name."""
        hello = how.pop("hello", None) or client_hello(name)
        return self.tcp(server, port, hello, answer=SERVER_HELLO, **how)  # type: ignore[arg-type]  # fields by name

    def http(self, host: str, path: str = "/", port: int = 80, **how: object) -> str:
        """Fetch a page from a server that is not listed itself."""
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        return self.tcp("www.birch.example", port, request, **how)  # type: ignore[arg-type]  # as above

    def udp(self, server: str, port: int, *payloads: bytes, client_port: int | None = None) -> str:
        """Send datagrams, each of which is answered."""
        udp = Udp(
            self.net,
            family=self.family,
            client_port=client_port or self._next_port(),
            server_port=port,
            client=self.address,
            server=_address(server, self.family),
        )
        sent, received = [], []
        for payload in payloads:
            up = udp.up(payload)
            if up.to_client:
                return "answer" if up.to_client[0].protocol == UDP else "unreachable"
            sent.append(up)
            received.append(udp.down(b"the answer"))
        if all(up.silence for up in sent) or all(down.silence for down in received):
            return "silence"
        return "slow" if any(outcome.silence for outcome in (*sent, *received)) else "works"

    def dns(self, name: str, server: str = "dns.anvil.example", port: int = 53) -> str:
        """Ask a resolver over UDP."""
        return self.udp(server, port, dns.message.make_query(name, "A").to_wire())

    def quic(self, name: str, server: str = "www.birch.example", **how: object) -> str:
        """Begin QUIC version 1; a client that hears nothing sends again."""
        return self.udp(server, 443, *quic_initials(name)[:1] * 2, **how)  # type: ignore[arg-type]  # fields by name

    def ping(self, server: str) -> str:
        """Send an echo request."""
        address = _packed(server, self.family)
        own = _packed_client(self.family)
        message = bytearray(bytes((8 if self.family == 4 else 128, 0, 0, 0, 0, 1, 0, 1)) + b"echo")
        summand = pseudo_sum(own, address, ICMPV6, len(message)) if self.family == 6 else 0
        message[2:4] = checksum(bytes(message), summand).to_bytes(2)
        return _seen(
            self.net.send(UP, build_ip(own, address, ICMP if self.family == 4 else ICMPV6, bytes(message))),
            up=True,
        )

    def gre(self, server: str) -> str:
        """Send a packet of a GRE tunnel, as PPTP does."""
        raw = build_ip(
            _packed_client(self.family), _packed(server, self.family), GRE, b"\x30\x81\x88\x0b" + bytes(12)
        )
        return _seen(self.net.send(UP, raw), up=True)

    def until_hit(self, server: str, *payloads: bytes) -> str:
        """Connect again and again, for what happens by chance."""
        return next(
            (seen for _ in range(_OFTEN) if (seen := self.tcp(server, 443, *payloads)) != "works"), "works"
        )

    def probed(self, server: str, first: bytes, reaction: bytes | None) -> str:
        """Send something suspicious; the server takes a probe by ``reaction``, or closes; then come once more.

        ``works`` if no probe came, or if what it found is no reason.
        """
        tcp = Tcp(
            self.net, family=self.family, client_port=self._next_port(), server=_address(server, self.family)
        )
        tcp.open()
        for packet in tcp.up(first).to_server:
            prober, here = packet.sender, packet.receiver
            flags, payload, taken = SYN | ACK, b"", 1
            for step in range(2):
                answer = self.net.send(
                    UP.other,
                    build_tcp(
                        here,
                        prober,
                        sequence=7000 + step,
                        acknowledgment=packet.sequence + taken,
                        flags=flags,
                        window=64240,
                        payload=payload,
                    ),
                )
                assert not answer.passed  # it is the censor's, and no client's
                flags = ACK | FIN if reaction is None else ACK
                payload, taken = reaction or b"", 1 + len(answer.to_server[0].payload)
        return self.tcp(server, 443, client_hello("allowed.example"))

    def _next_port(self) -> int:
        self._port += 1
        return self._port


def _seen(outcome: Outcome, *, up: bool, server: Endpoint | None = None) -> str:
    """Say what a packet led to, as the client sees it."""
    forged = outcome.to_client or (() if up else outcome.passed)
    for packet in forged:
        if packet.protocol in (ICMP, ICMPV6):
            return "unreachable"
        if packet.protocol == TCP and packet.flags & RST:
            return "reset"
        if packet.protocol == TCP and packet.flags & FIN:
            return "page" if packet.payload_length else "closed"
    if not outcome.passed:
        return "silence"
    if up and server is not None and outcome.passed[0].receiver != server:
        return "elsewhere"
    return "works"


def _address(server: str, family: int) -> str:
    addresses: Sequence[str] = WORLD.server(server).addresses
    return next(each for each in addresses if (":" in each) is (family == 6))


def _packed(server: str, family: int) -> bytes:
    return Endpoint.of(_address(server, family), 0).address


def _packed_client(family: int) -> bytes:
    return Endpoint.of(CLIENTS[family], 0).address
