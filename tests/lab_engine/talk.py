"""Conversations of constructed packets with a censor: what passes, what is forged, on both sides."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from circumvent.lab.censor import Censor
from circumvent.lab.flow import DOWN, UP, Direction
from circumvent.lab.packet import (
    ACK,
    FIN,
    PSH,
    RST,
    SYN,
    Endpoint,
    Packet,
    build_tcp,
    build_udp,
    checksums_hold,
    parse,
)

if TYPE_CHECKING:
    from circumvent.lab.rule import Rule

CLIENTS = {4: "10.78.0.2", 6: "fd78::2"}
SERVERS = {4: "198.51.100.10", 6: "2001:db8:100::10"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What left the censor's place for one packet."""

    passed: tuple[Packet, ...]
    to_client: tuple[Packet, ...]
    to_server: tuple[Packet, ...]
    delay: float = 0.0

    @property
    def silence(self) -> bool:
        """Whether nothing at all came out."""
        return not (self.passed or self.to_client or self.to_server)

    @property
    def untouched(self) -> bool:
        """Whether the packet alone came out, at once."""
        return bool(self.passed) and not (self.to_client or self.to_server or self.delay)


class Net:
    """A censor and a clock."""

    def __init__(self, *rules: Rule, seed: int = 0, defragment: bool = True) -> None:
        self.censor = Censor(rules, seed=seed, defragment=defragment)
        self.now = 0.0

    def send(self, direction: Direction, raw: bytes) -> Outcome:
        """Let a packet arrive; forged ones must have right checksums."""
        self.now += 0.001
        ruling = self.censor.judge(parse(raw), direction, self.now)
        forged = [(way, parse(each)) for way, each in ruling.forged]
        assert all(checksums_hold(packet) for _, packet in forged)
        assert all(checksums_hold(packet) for _, packet, _ in ruling.onward)
        return Outcome(
            passed=tuple(packet for _, packet, _ in ruling.onward),
            to_client=tuple(packet for way, packet in forged if way is DOWN),
            to_server=tuple(packet for way, packet in forged if way is UP),
            delay=ruling.onward[0][2] if ruling.onward else 0.0,
        )

    def fired(self, name: str) -> int:
        """How often a rule fired."""
        return self.censor.counters[name].fired


@dataclass
class Tcp:
    """One TCP connection through a net; sequence numbers begin just below their wrap."""

    net: Net
    family: int = 4
    client_port: int = 40000
    server_port: int = 443
    client: str | None = None
    server: str | None = None
    up_next: int = 0xFFFFFF00
    down_next: int = 0x7FFFFFF0
    opened: bool = field(default=False, init=False)

    @property
    def ends(self) -> tuple[Endpoint, Endpoint]:
        return (
            Endpoint.of(self.client or CLIENTS[self.family], self.client_port),
            Endpoint.of(self.server or SERVERS[self.family], self.server_port),
        )

    def up(self, payload: bytes = b"", *, flags: int = ACK | PSH, at: int | None = None) -> Outcome:
        """The client sends; ``at`` is another sequence number than the next."""
        client, server = self.ends
        sequence = self.up_next if at is None else at
        raw = build_tcp(
            client, server, sequence=sequence, acknowledgment=self.down_next if flags & ACK else 0, flags=flags,
            window=64240, payload=payload,
        )  # fmt: skip
        taken = len(payload) + bool(flags & (SYN | FIN))
        if at is None:
            self.up_next = (self.up_next + taken) % 2**32
        return self.net.send(UP, raw)

    def down(self, payload: bytes = b"", *, flags: int = ACK | PSH) -> Outcome:
        """The server sends."""
        client, server = self.ends
        raw = build_tcp(
            server, client, sequence=self.down_next, acknowledgment=self.up_next, flags=flags, window=64240,
            payload=payload,
        )  # fmt: skip
        self.down_next = (self.down_next + len(payload) + bool(flags & (SYN | FIN))) % 2**32
        return self.net.send(DOWN, raw)

    def open(self) -> list[Outcome]:
        """Shake hands."""
        self.opened = True
        return [self.up(flags=SYN), self.down(flags=SYN | ACK), self.up(flags=ACK)]

    def reset(self) -> Outcome:
        """The client gives up."""
        return self.up(flags=RST)


def opened(net: Net, **how: object) -> Tcp:
    """A connection whose handshake has passed untouched."""
    tcp = Tcp(net, **how)  # type: ignore[arg-type]  # the fields of Tcp, by name
    assert all(outcome.untouched for outcome in tcp.open())
    return tcp


@dataclass
class Udp:
    """One UDP exchange through a net."""

    net: Net
    family: int = 4
    client_port: int = 40000
    server_port: int = 53
    client: str | None = None
    server: str | None = None

    def up(self, payload: bytes) -> Outcome:
        """The client sends."""
        return self.net.send(UP, build_udp(*self._ends(), payload))

    def down(self, payload: bytes) -> Outcome:
        """The server sends."""
        client, server = self._ends()
        return self.net.send(DOWN, build_udp(server, client, payload))

    def _ends(self) -> tuple[Endpoint, Endpoint]:
        return (
            Endpoint.of(self.client or CLIENTS[self.family], self.client_port),
            Endpoint.of(self.server or SERVERS[self.family], self.server_port),
        )


@cache
def client_hello(
    name: str | None = "blocked.example", *, alpn: tuple[str, ...] = ("h2", "http/1.1")
) -> bytes:
    """OpenSSL's first flight: one record with a ClientHello."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def with_name(hello: bytes, old: str, new: str) -> bytes:
    """The same ClientHello with a name of the same length."""
    assert len(old) == len(new)
    assert old.encode() in hello
    return hello.replace(old.encode(), new.encode())


def quic_initials(
    name: str = "blocked.example", *, version: int = 1, now: float = 0.0, alpn: int = 1
) -> list[bytes]:
    """aioquic's first datagrams; with many ALPN values the ClientHello does not fit into one."""
    configuration = QuicConfiguration(
        is_client=True,
        server_name=name,
        alpn_protocols=[f"protocol-number-{number:04d}" for number in range(alpn)],
        original_version=version,
        supported_versions=[version],
    )
    connection = QuicConnection(configuration=configuration)
    connection.connect(("198.51.100.10", 443), now=now)
    return [data for data, _ in connection.datagrams_to_send(now=now)]
