"""A Tor relay that does what a test wants: right in everything, but for one thing.

Its certificates and its descriptor are made here from the specification (cert-spec, dir-spec), byte by byte, and share
nothing with the code that reads them.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import struct
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from circumvent.tor import cells
from circumvent.tor.cells import Cell, Command
from circumvent.tor.circuit import Circuit, Relay, RelayCell, kdf_tor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.proxy import Link

HOUR = 3600
DAY = 24 * HOUR


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def signed_digest(key: RSAPrivateKey, digest: bytes) -> bytes:
    """Sign as tor does: PKCS #1 v1.5 around the digest alone."""
    numbers, public = key.private_numbers(), key.public_key().public_numbers()
    size = (public.n.bit_length() + 7) // 8
    padded = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    return pow(int.from_bytes(padded), numbers.d, public.n).to_bytes(size)


def ed25519_certificate(
    kind: int, key_type: int, key: bytes, signer: Ed25519PrivateKey, *, ends: float, name_signer: bool
) -> bytes:
    """Lay out cert-spec's Ed25519 certificate: version, type, hours, key type, key, extensions, signature."""
    body = struct.pack("!BBIB", 1, kind, int(ends // HOUR), key_type) + key
    body += b"\1" + struct.pack("!HBB", 32, 4, 0) + raw(signer) if name_signer else b"\0"
    return body + signer.sign(body)


def armoured(name: str, data: bytes) -> str:
    text = base64.encodebytes(data).decode("ascii").replace("\n", "")
    lines = "\n".join(text[begin : begin + 64] for begin in range(0, len(text), 64))
    return f"-----BEGIN {name}-----\n{lines}\n-----END {name}-----\n"


def x509_certificate(
    subject: str, key: RSAPrivateKey, issuer: str, signer: RSAPrivateKey, begins: float, ends: float
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    above = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(begins, UTC))
        .not_valid_after(datetime.fromtimestamp(ends, UTC))
        .sign(signer, SHA256())
    )


@dataclass(kw_only=True)
class FakeRelay:
    """Keys of a relay, and how it behaves. ``now`` is its clock."""

    now: float = field(default_factory=time.time)
    lasts: float = 30 * DAY
    versions: tuple[int, ...] = (3, 4, 5)
    change_certs: Callable[[list[tuple[int, bytes]]], list[tuple[int, bytes]]] = list
    change_created: Callable[[bytes], bytes] = bytes
    change_descriptor: Callable[[bytes], bytes] = bytes
    change_payload: Callable[[bytes], bytes] = bytes
    status: str = "200 OK"
    end_reason: int = 6
    instead_of_netinfo: bytes | None = None
    destroys: int | None = None
    says_nothing_on_streams: bool = False
    first: bytes = b""
    stranger: bool = False
    requests: int = 0
    dropped: int = 0

    def __post_init__(self) -> None:
        self.rsa = generate_private_key(65537, 1024)
        self.link = generate_private_key(65537, 2048)
        self.identity, self.signing = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        begins, ends = self.now - DAY, self.now + self.lasts
        self.rsa_certificate = x509_certificate("www.a.net", self.rsa, "www.a.net", self.rsa, begins, ends)
        self.tls_certificate = x509_certificate(
            "www.b.net", self.link, "www.a.com", self.rsa, time.time() - DAY, time.time() + DAY
        )

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha1(self.pkcs1, usedforsecurity=False).digest()

    @property
    def pkcs1(self) -> bytes:
        return self.rsa.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)

    @property
    def tls_der(self) -> bytes:
        return self.tls_certificate.public_bytes(Encoding.DER)

    def certificates(self) -> list[tuple[int, bytes]]:
        """Return what a CERTS cell holds."""
        ends = self.now + self.lasts
        link = hashlib.sha256(self.tls_der).digest()
        cross = raw(self.identity) + struct.pack("!I", int(ends // HOUR))
        digest = hashlib.sha256(b"Tor TLS RSA/Ed25519 cross-certificate" + cross).digest()
        signature = signed_digest(self.rsa, digest)
        return [
            (2, self.rsa_certificate.public_bytes(Encoding.DER)),
            (4, ed25519_certificate(4, 1, raw(self.signing), self.identity, ends=ends, name_signer=True)),
            (5, ed25519_certificate(5, 3, link, self.signing, ends=ends, name_signer=False)),
            (7, cross + bytes((len(signature),)) + signature),
        ]

    def descriptor(self) -> bytes:
        """Return a descriptor with both signatures."""
        certificate = ed25519_certificate(
            4, 1, raw(self.signing), self.identity, ends=self.now + self.lasts, name_signer=True
        )
        published = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.now))
        text = "router fake 127.0.0.1 9001 0 0\nidentity-ed25519\n" + armoured("ED25519 CERT", certificate)
        text += f"published {published}\nsigning-key\n" + armoured("RSA PUBLIC KEY", self.pkcs1)
        text += "contact " + "x" * 2000 + "\nrouter-sig-ed25519 "
        digest = hashlib.sha256(b"Tor router descriptor signature v1" + text.encode()).digest()
        text += base64.b64encode(self.signing.sign(digest)).decode("ascii").rstrip("=")
        text += "\nrouter-signature\n"
        whole = hashlib.sha1(text.encode(), usedforsecurity=False).digest()
        text += armoured("SIGNATURE", signed_digest(self.rsa, whole))
        return text.encode("ascii")

    def tls(self, directory: Path) -> ssl.SSLContext:
        """Return a context that presents the link certificate."""
        chain, key = directory / "link.pem", directory / "link.key"
        chain.write_bytes(self.tls_certificate.public_bytes(Encoding.PEM))
        key.write_bytes(
            self.link.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return context

    async def serve(self, link: Link) -> None:
        """Serve one connection."""
        await _Served(self, link).run()


class _Served:
    def __init__(self, relay: FakeRelay, link: Link) -> None:
        self._relay = relay
        self._link = link
        self._decoder = cells.Decoder()
        self._circuit: Circuit | None = None
        self._number = 0

    async def run(self) -> None:
        relay = self._relay
        if relay.first:
            await self._link.send(relay.first)
        ours = await self._next(Command.VERSIONS)
        await self._send(Cell(0, Command.VERSIONS, struct.pack(f"!{len(relay.versions)}H", *relay.versions)))
        common = set(relay.versions) & {number for (number,) in struct.iter_unpack("!H", ours.payload)}
        if not common:
            return
        self._decoder.protocol = max(common)
        shown = relay.change_certs(relay.certificates())
        body = bytes((len(shown),))
        body += b"".join(struct.pack("!BH", kind, len(data)) + data for kind, data in shown)
        netinfo = struct.pack("!I", int(relay.now)) + b"\4\4\x7f\0\0\1" + b"\1\4\4\x7f\0\0\1"
        await self._send(
            Cell(0, Command.VPADDING, b"to be passed over"),
            Cell(0, Command.CERTS, body),
            Cell(0, 200, b"of a command that is not known"),
            Cell(0, Command.AUTH_CHALLENGE, bytes(32) + struct.pack("!HH", 1, 3)),
            Cell(
                0, Command.NETINFO, netinfo if relay.instead_of_netinfo is None else relay.instead_of_netinfo
            ),
        )
        await self._next(Command.NETINFO)
        await self._create(await self._next(Command.CREATE_FAST))
        while True:
            await self._relay_cell(await self._next(Command.RELAY, Command.DESTROY))

    async def _create(self, cell: Cell) -> None:
        self._number = cell.circuit
        if self._relay.destroys is not None:
            await self._send(Cell(cell.circuit, Command.DESTROY, bytes((self._relay.destroys,))))
            return
        ours = b"\7" * 20
        keys = kdf_tor(cell.payload[:20] + ours, 92)
        self._circuit = Circuit(
            forward_seed=keys[40:60],
            backward_seed=keys[20:40],
            forward_key=keys[76:92],
            backward_key=keys[60:76],
        )
        await self._send(
            Cell(cell.circuit + 1, Command.CREATED_FAST, bytes(40)),  # of another circuit
            Cell(cell.circuit, Command.CREATED_FAST, self._relay.change_created(ours + keys[:20])),
        )

    async def _relay_cell(self, cell: Cell) -> None:
        if cell.command == Command.DESTROY or self._circuit is None:
            raise anyio.EndOfStream
        relayed = self._circuit.open(cell.payload)
        self._circuit.due.clear()
        if relayed.command == Relay.DROP:
            self._relay.dropped += 1
        elif relayed.command == Relay.DATA and not self._relay.says_nothing_on_streams:
            await self._answer(relayed.stream)

    async def _answer(self, stream: int) -> None:
        self._relay.requests += 1
        body = self._relay.change_descriptor(self._relay.descriptor())
        data = f"HTTP/1.0 {self._relay.status}\r\nContent-Type: text/plain\r\n\r\n".encode() + body
        out = [
            RelayCell(Relay.CONNECTED, stream, b""),
            RelayCell(Relay.DATA, stream ^ 0x8000, b"of no stream"),
        ]
        out += [
            RelayCell(Relay.DATA, stream, data[begin : begin + 498]) for begin in range(0, len(data), 498)
        ]
        out.append(RelayCell(Relay.END, stream, bytes((self._relay.end_reason,))))
        await self._send(*(self._sealed(cell) for cell in out))

    def _sealed(self, cell: RelayCell) -> Cell:
        if self._circuit is None:
            raise AssertionError
        return Cell(self._number, Command.RELAY, self._relay.change_payload(self._circuit.seal(cell)))

    async def _send(self, *sent: Cell) -> None:
        await self._link.send(b"".join(cells.encode(cell, self._decoder.protocol) for cell in sent))

    async def _next(self, *wanted: Command) -> Cell:
        while True:
            cell = self._decoder.next_cell()
            if cell is None:
                self._decoder.feed(await self._link.stream.receive())
            elif cell.command in wanted:
                return cell
