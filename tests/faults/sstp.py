"""An SSTP server in the test's own event loop that does one thing wrong each, and is strict about all the rest.

It reads and writes packets with :mod:`struct` and shares no codec with the client; of the project's own it uses the
MS-CHAPv2 functions, which stand on the RFCs' examples, and computes the crypto binding by itself. Behind it is the
small internet of :mod:`tests.faults.tunnel`.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

import anyio

from circumvent.lab import packet as lab
from circumvent.model.secret import Secret
from circumvent.vpn import mschapv2
from tests.faults.tls import Gone
from tests.faults.tunnel import GATEWAY, OWN_RESOLVER, FakeTunnel, Network

if TYPE_CHECKING:
    from tests.faults.tls import Link

OURS: Final = "10.9.0.2"
USER, PASSWORD = "alice", "correct horse"
GOOD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\nServer: Microsoft-HTTPAPI/2.0\r\n\r\n"
)
CHALLENGE: Final = bytes(range(16))
NONCE: Final = bytes(range(100, 132))
LCP, PAP, CHAP, IPCP, IPV4 = 0xC021, 0xC023, 0xC223, 0x8021, 0x0021
MSCHAPV2, PAP_OPTION, EAP_OPTION = b"\xc2\x23\x81", b"\xc0\x23", b"\xc2\x27"
_NO_TRACE: Any = None


def data(protocol: int, payload: bytes, *, compressed: bool = False) -> bytes:
    """Write a data packet with one frame."""
    head = b"" if compressed else b"\xff\x03"
    frame = head + struct.pack("!H", protocol) + payload
    return struct.pack("!BBH", 0x10, 0, len(frame) + 4) + frame


def control(kind: int, *attributes: tuple[int, bytes]) -> bytes:
    """Write a control message."""
    body = b"".join(struct.pack("!BBH", 0, number, len(value) + 4) + value for number, value in attributes)
    return struct.pack("!BBHHH", 0x10, 1, len(body) + 8, kind, len(attributes)) + body


def config(protocol: int, code: int, identifier: int, *options: tuple[int, bytes]) -> bytes:
    """Write a Configure packet."""
    body = b"".join(bytes([number, len(value) + 2]) + value for number, value in options)
    return data(protocol, struct.pack("!BBH", code, identifier, len(body) + 4) + body)


def read_options(body: bytes) -> list[tuple[int, bytes]]:
    """Read the options of a Configure packet."""
    found = []
    while body:
        found.append((body[0], body[2 : body[1]]))
        body = body[body[1] :]
    return found


@dataclass
class SstpServer:
    """What the server does.

    ``head`` answers the HTTP request, ``acknowledgement`` the Connect Request (``None``: as it should be);
    ``authentication`` is what it wants first, ``settles`` what it takes in its place; ``knows`` is the password by
    which it proves itself. ``greet`` is sent with the acknowledgement, ``inside`` when the first packet has come; ``cut`` bytes
    down later it falls silent, after ``ends`` packets it ends the call. ``pause``: seconds that it takes to
    look up an account.
    """

    certificate: bytes
    head: bytes = GOOD
    acknowledgement: bytes | None = None
    authentication: bytes | None = MSCHAPV2
    settles: frozenset[bytes] = frozenset({MSCHAPV2, PAP_OPTION})
    hashes: int = 3
    knows: str = PASSWORD
    says: bytes | None = None
    address: str = OURS
    network: Network | None = None
    greet: bytes = b""
    inside: bytes = b""
    cut: int | None = None
    ends: int | None = None
    pause: float = 0.0
    responses: int = 0
    heard: list[str] = field(default_factory=list)
    bound: bool = False
    request: bytes = b""

    async def __call__(self, link: Link) -> None:
        """Serve one connection."""
        self._link = link
        self._received = b""
        self._wanted = self.authentication
        self._keys = bytes(32)
        self._open = [False, False]
        self._count = self._sent = 0
        self._behind = FakeTunnel(self.network or Network(resolvers={}, echo=frozenset()), _NO_TRACE)
        await link.handshake()
        while b"\r\n\r\n" not in self._received:
            await self._more()
        self.request, _, self._received = self._received.partition(b"\r\n\r\n")
        await link.write(self.head)
        while True:
            while len(self._received) < 4 or len(self._received) < self._length:
                await self._more()
            length = self._length
            whole, self._received = self._received[:length], self._received[length:]
            if whole[1] & 1:
                await self._control(whole)
            else:
                await self._frame(whole[4:])

    @property
    def _length(self) -> int:
        return int(struct.unpack_from("!H", self._received, 2)[0])

    async def _more(self) -> None:
        piece = await self._link.read()
        if not piece:
            raise Gone
        self._received += piece

    async def _control(self, message: bytes) -> None:
        (kind,) = struct.unpack_from("!H", message, 4)
        self.heard.append(f"control {kind}")
        if kind == 1:
            assert message[6:] == bytes.fromhex("0001 0001 0006 0001")
            usual = control(2, (4, bytes(3) + bytes([self.hashes]) + NONCE))
            await self._link.write((self.acknowledgement or usual) + self.greet)
        elif kind == 4:
            self.bound = self._is_bound(message)
            if not self.bound:
                await self._link.write(control(5, (2, bytes(4) + struct.pack("!I", 4))))
        elif kind == 6:
            raise Gone

    def _is_bound(self, message: bytes) -> bool:
        """Compute the compound MAC as MS-SSTP 3.2.5.2 has it, and compare."""
        name, size = ("sha256", 32) if message[15] == 2 else ("sha1", 20)
        key = hmac.new(self._keys, b"SSTP inner method derived CMK" + bytes([size, 0, 1]), name).digest()
        expected = hmac.new(key, message[:80] + bytes(32), name).digest()
        fingerprint = hashlib.new(name, self.certificate).digest()
        return (
            len(message) == 112
            and message[16:48] == NONCE
            and message[48:80] == fingerprint.ljust(32, b"\0")
            and message[80:] == expected.ljust(32, b"\0")
        )

    async def _frame(self, frame: bytes) -> None:
        assert frame[:2] == b"\xff\x03"
        (protocol,) = struct.unpack_from("!H", frame, 2)
        if protocol == IPV4:
            await self._packet(frame[4:])
            return
        code, identifier, length = struct.unpack_from("!BBH", frame, 4)
        body = frame[8 : 4 + length]
        self.heard.append(f"{protocol:04x} {code}")
        if protocol in (LCP, IPCP) and code <= 4:
            await self._configure(protocol, code, identifier, body)
        elif protocol == CHAP and code == 2:
            await self._response(identifier, body)
        elif protocol == PAP and code == 1:
            await self._credentials(identifier, body)

    async def _configure(self, protocol: int, code: int, identifier: int, body: bytes) -> None:
        which = protocol == IPCP
        if code == 1:
            await self._link.write(self._judge(protocol, identifier, body))
            if not which and "c021 1" not in self.heard[:-1]:
                await self._link.write(self._ask())
        elif code == 2:
            self._open[which] = True
            if which:
                return
            if self.authentication is None:
                await self._link.write(config(IPCP, 1, 1, (3, ip_address(GATEWAY).packed)))
            elif self._wanted == MSCHAPV2:
                value = bytes([16]) + CHALLENGE + b"server"
                await self._link.write(data(CHAP, struct.pack("!BBH", 1, 7, len(value) + 4) + value))
        elif code == 3 and not which:
            offered = dict(read_options(body)).get(3)
            if offered in self.settles:
                self._wanted = offered
            await self._link.write(self._ask())

    def _ask(self) -> bytes:
        wanted = [] if self._wanted is None else [(3, self._wanted)]
        return config(LCP, 1, 1, (1, struct.pack("!H", 1500)), (5, b"abcd"), *wanted)

    def _judge(self, protocol: int, identifier: int, body: bytes) -> bytes:
        if protocol == LCP:
            return config(LCP, 2, identifier, *read_options(body))
        assigned = {3: self.address, 129: OWN_RESOLVER}
        options = read_options(body)
        if unknown := [option for option in options if option[0] not in assigned]:
            return config(IPCP, 4, identifier, *unknown)
        right = [(number, ip_address(assigned[number]).packed) for number, _ in options]
        return config(IPCP, 2 if right == options else 3, identifier, *right)

    async def _response(self, identifier: int, body: bytes) -> None:
        self.responses += 1
        assert body[0] == 49
        peer, response, name = body[1:17], body[25:49], body[50:].decode()
        right = mschapv2.challenge_response(CHALLENGE, peer, USER, Secret(PASSWORD))
        if (response, name) != (right, USER):
            message = b"E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=3 M=No"
            await self._link.write(data(CHAP, struct.pack("!BBH", 4, identifier, len(message) + 4) + message))
            return
        keys = mschapv2.master_key(response, Secret(PASSWORD))
        sides = [mschapv2.asymmetric_start_key(keys, send=send, server=True) for send in (False, True)]
        self._keys = b"".join(sides)
        proof = mschapv2.authenticator_response(response, CHALLENGE, peer, USER, Secret(self.knows))
        await anyio.sleep(self.pause)
        message = self.says or f"S={proof.hex().upper()} M=Welcome".encode()
        await self._link.write(data(CHAP, struct.pack("!BBH", 3, identifier, len(message) + 4) + message))
        await self._link.write(config(IPCP, 1, 1, (3, ip_address(GATEWAY).packed), (2, b"\0\x2d\x0f\x01")))
        await self._link.write(config(IPCP, 1, 2, (3, ip_address(GATEWAY).packed)))

    async def _credentials(self, identifier: int, body: bytes) -> None:
        self.responses += 1
        name, rest = body[1 : 1 + body[0]], body[1 + body[0] :]
        good = (name.decode(), rest[1 : 1 + rest[0]].decode()) == (USER, PASSWORD)
        await self._link.write(data(PAP, struct.pack("!BBHB", 2 if good else 3, identifier, 5, 0)))
        if good:
            await self._link.write(config(IPCP, 1, 1, (3, ip_address(GATEWAY).packed)))

    async def _packet(self, packet: bytes) -> None:
        assert all(self._open), "packets before the link is open"
        self._count += 1
        if self._count == 1:
            await self._link.write(self.inside)
        if self.ends is not None and self._count > self.ends:
            await self._link.write(control(6))
            return
        for answer in self._behind._answers(lab.parse(packet)):
            self._sent += len(answer)
            if self.cut is None or self._sent <= self.cut:
                await self._link.write(data(IPV4, answer, compressed=self._count % 2 == 0))
