"""An AnyConnect gateway in the test's own event loop that does one thing wrong, or asks one thing more.

It shares no code with the client: messages are read with the standard library, packets with the laboratory's codec.
Behind it is the small internet of :mod:`tests.faults.tunnel`.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio

from circumvent.lab import packet as lab
from tests.faults.tls import Gone
from tests.faults.tunnel import FakeTunnel, Network

if TYPE_CHECKING:
    from tests.faults.tls import Link

OURS: Final = "10.9.0.2"
DATA, DPD_REQUEST, DPD_RESPONSE, DISCONNECT, KEEPALIVE = 0, 3, 4, 5, 7
NAME_FORM: Final = (
    b'<config-auth client="vpn" type="auth-request"><auth id="main"><message>Name, please.</message>'
    b'<form method="post" action="/auth"><input type="text" name="username" label="Name:"/></form></auth></config-auth>'
)
PASSWORD_FORM: Final = (
    b'<config-auth client="vpn" type="auth-request"><opaque is-for="sg"><tunnel-group>G</tunnel-group></opaque>'
    b'<auth id="main"><form method="post" action="/auth"><input type="password" name="password"/></form></auth></config-auth>'
)
FAILED_FORM: Final = PASSWORD_FORM.replace(b"<form", b'<error id="13">Login failed.</error><form')
ONE_FORM: Final = PASSWORD_FORM.replace(b"<input", b'<input type="text" name="username"/><input')
CODE_FORM: Final = PASSWORD_FORM.replace(b'name="password"', b'name="secondary_password"')
COMPLETE: Final = (
    b'<config-auth client="vpn" type="complete"><session-token>token-of-the-session</session-token>'
    b'<auth id="success"><banner>Welcome</banner></auth></config-auth>'
)
ASSIGNED: Final = (
    f"X-CSTP-Version: 1\r\nX-CSTP-Address: {OURS}\r\nX-CSTP-Netmask: 255.255.255.0\r\n"
    "X-CSTP-DNS: 10.9.0.53\r\nX-CSTP-MTU: 1400\r\n"
)


def page(body: bytes, status: int = 200, *more: str) -> bytes:
    """Write a response."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass
class Request:
    """What the client asked for."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def texts(self) -> dict[str, str]:
        """The texts of all elements of its document."""
        return {element.tag: element.text or "" for element in ET.fromstring(self.body).iter()}


@dataclass
class Gateway:
    """What the gateway does. ``answers`` are its responses to the client's messages, in order.

    ``connect`` is its answer to CONNECT. With ``network`` packets are answered from there; ``cut`` bytes down later it
    falls silent; after ``ends`` packets it disconnects. ``pause`` is what it waits before the last of ``answers``.
    """

    answers: list[bytes]
    connect: bytes = f"HTTP/1.1 200 CONNECTED\r\n{ASSIGNED}\r\n".encode()
    network: Network | None = None
    cut: int | None = None
    ends: int | None = None
    pause: float = 0.0
    greet: bytes = b""
    requests: list[Request] = field(default_factory=list)
    packets: list[tuple[int, bytes]] = field(default_factory=list)
    _received: bytes = b""

    async def __call__(self, link: Link) -> None:
        """Serve one connection."""
        self._received = b""
        await link.handshake()
        while True:
            request = await self._request(link)
            self.requests.append(request)
            if request.line.startswith("CONNECT /CSCOSSLC/tunnel "):
                await link.write(self.connect + self.greet)
                if b" 200 " in self.connect[:16]:
                    await self._tunnel(link)
                continue
            if len(self.answers) == 1:
                await anyio.sleep(self.pause)
            answer = self.answers.pop(0) if self.answers else page(b"", 500)
            await link.write(answer)
            if b"connection: close" in answer.lower():
                await link.close_notify()
                return

    async def _request(self, link: Link) -> Request:
        while b"\r\n\r\n" not in self._received:
            await self._more(link)
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (item.partition(":") for item in fields)}
        length = int(headers.get("content-length", "0"))
        while len(self._received) < length:
            await self._more(link)
        body, self._received = self._received[:length], self._received[length:]
        return Request(line, headers, body)

    async def _tunnel(self, link: Link) -> None:
        behind = FakeTunnel(self.network or Network(resolvers={}, echo=frozenset()), _NO_TRACE)
        sent = 0
        while True:
            while len(self._received) < 8:
                await self._more(link)
            magic, length, kind, _ = struct.unpack("!4sHBB", self._received[:8])
            assert magic == b"STF\x01"
            while len(self._received) < 8 + length:
                await self._more(link)
            payload, self._received = self._received[8 : 8 + length], self._received[8 + length :]
            self.packets.append((kind, payload))
            if kind == DISCONNECT:
                return
            if kind != DATA:
                continue
            if self.ends is not None and len(self.packets) > self.ends:
                await link.write(packet(DISCONNECT, b"\xb0bye"))
                continue
            for answer in behind._answers(lab.parse(payload)):
                sent += len(answer)
                if self.cut is None or sent <= self.cut:
                    await link.write(packet(DATA, answer))

    async def _more(self, link: Link) -> None:
        data = await link.read()
        if not data:
            raise Gone
        self._received += data


def packet(kind: int, payload: bytes = b"") -> bytes:
    """Frame a packet as a gateway does."""
    return b"STF\x01" + struct.pack("!HBB", len(payload), kind, 0) + payload


_NO_TRACE: Any = None
