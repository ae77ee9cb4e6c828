"""A DNSCrypt server of our own making, whose certificates and answers can be wrong in any one way; and a relay.

It proves nothing about the right way (a real dnsdist does); it shows what is not taken for working.
"""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from circumvent.names import dnscrypt
from circumvent.net import salsa
from tests.faults.tcp import Connection, serve
from tests.faults.udp import answering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROVIDER: Final = "2.dnscrypt-cert.test.example"
CLIENT_MAGIC: Final = b"\x11magic!!"


@dataclass(slots=True)
class Server:
    """What it signs and how it answers; everything right unless said otherwise."""

    construction: int = 2
    since: float = field(default_factory=lambda: time.time() - 86400)
    until: float = field(default_factory=lambda: time.time() + 3600)
    provider_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    signing_key: Ed25519PrivateKey | None = None
    resolver_key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    answer_key: X25519PrivateKey | None = None
    fault: str = ""
    resolve: Callable[[bytes], bytes] | None = None
    seen: list[bytes] = field(default_factory=list)

    @property
    def public_key(self) -> bytes:
        return self.provider_key.public_key().public_bytes_raw()

    def certificate(self, serial: int = 1, construction: int | None = None) -> bytes:
        signed = (
            self.resolver_key.public_key().public_bytes_raw()
            + CLIENT_MAGIC
            + serial.to_bytes(4, "big")
            + int(self.since).to_bytes(4, "big")
            + int(self.until).to_bytes(4, "big")
        )
        signature = (self.signing_key or self.provider_key).sign(signed)
        version = self.construction if construction is None else construction
        return b"DNSC" + version.to_bytes(2, "big") + b"\0\0" + signature + signed

    def answers(self, packet: bytes) -> list[bytes]:
        """Return what goes back for one datagram."""
        self.seen.append(packet)
        if packet.startswith(CLIENT_MAGIC):
            return self._encrypted(packet)
        if self.fault == "silent":
            return []
        if self.fault == "garbage":
            return [b"\xff" * 40]
        query = dns.message.from_wire(packet)
        answer = dns.message.make_response(query)
        if self.fault == "nxdomain":
            answer.set_rcode(dns.rcode.NXDOMAIN)
            return [answer.to_wire()]
        record = b"hello" if self.fault == "no certificate" else self.certificate()
        text = '"' + "".join(f"\\{byte:03d}" for byte in record) + '"'
        answer.answer = [dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", text)]
        return [answer.to_wire()]

    def converse(self, connection: Connection) -> None:
        """Answer one packet over TCP, as the specification wants it."""
        packet = _framed(connection)
        for answer in self.answers(packet):
            connection.send(len(answer).to_bytes(2, "big") + answer)
        connection.finish()

    def _encrypted(self, packet: bytes) -> list[bytes]:
        if self.fault == "stall":
            return []
        kind = dnscrypt.Construction(self.construction)
        client, half, box = packet[8:40], packet[40:52], packet[52:]
        key = salsa.shared_key(kind.derive, self.resolver_key, client)
        question = dnscrypt.unpad(salsa.unseal(kind.stream, key, half + bytes(12), box))
        answer = dns.message.make_response(dns.message.from_wire(question))
        if self.fault == "plain answer":
            return [answer.to_wire()]
        if self.answer_key is not None:
            key = salsa.shared_key(kind.derive, self.answer_key, client)
        if self.fault == "another nonce":
            half = bytes(12)
        nonce = half + b"resolver-non"
        message = answer.to_wire() if self.resolve is None else self.resolve(question)
        padded = dnscrypt.pad(message, at_least=64)
        return [dnscrypt.RESOLVER_MAGIC + nonce + salsa.seal(kind.stream, key, nonce, padded)]


@contextlib.contextmanager
def relay(server: tuple[str, int]) -> Iterator[tuple[int, list[bytes]]]:
    """Run a relay for Anonymized DNSCrypt that serves ``server`` alone; yields its port and what it saw."""
    seen: list[bytes] = []
    prefix = bytes.fromhex("ffffffffffffffff0000" + "00000000000000000000ffff")
    prefix += socket.inet_aton(server[0]) + server[1].to_bytes(2, "big")

    def forward(packet: bytes) -> list[bytes]:
        seen.append(packet)
        if not packet.startswith(prefix):
            return [b""]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
            upstream.settimeout(2)
            upstream.connect(server)
            upstream.send(packet[len(prefix) :])
            try:
                answer = upstream.recv(65535)
            except TimeoutError:
                return []
        # "must verify that the response is smaller than the query"
        return [answer] if len(answer) <= len(packet) else []

    def forward_stream(connection: Connection) -> None:
        data = _framed(connection)
        seen.append(data)
        # A relay speaks UDP to servers; ours asks by TCP, so that its answers are whole.
        packet = data[len(prefix) :]
        with socket.create_connection(server, timeout=2) as upstream:
            upstream.sendall(len(packet).to_bytes(2, "big") + packet)
            answer = b""
            while len(answer) < 2 or len(answer) < 2 + int.from_bytes(answer[:2], "big"):
                answer += upstream.recv(65535)
        connection.send(answer)
        connection.finish()

    with serve(forward_stream) as streams, answering(forward, streams.port) as port:
        yield port, seen


def _framed(connection: Connection) -> bytes:
    """Read one packet with its length before it; empty when the client closes first."""
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        more = connection.read_some()
        if not more:
            return b""
        data += more
    return data[2:]
