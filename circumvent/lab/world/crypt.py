"""DNSCrypt servers (version 2, both constructions), and relays for Anonymized DNSCrypt."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from circumvent.lab.world.resolver import stream_server
from circumvent.names.dnscrypt import (
    ANONYMIZED_MAGIC,
    BLOCK_BYTES,
    CERTIFICATE_MAGIC,
    CLIENT_MAGIC_BYTES,
    HALF_NONCE_BYTES,
    RESOLVER_MAGIC,
    Construction,
    pad,
    unpad,
)
from circumvent.net import salsa
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from circumvent.lab.world.answers import Responder
    from circumvent.lab.world.description import Dnscrypt
    from circumvent.lab.world.listen import Listeners

_DAY: Final = 86400
_KEY_BYTES: Final = 32
_HEAD: Final = CLIENT_MAGIC_BYTES + _KEY_BYTES + HALF_NONCE_BYTES
#: Datagrams that wait for their answer at a relay, and seconds that one may wait.
MOST_RELAYED: Final = 1000
RELAY_PATIENCE: Final = 5.0
_RELAY_HEAD: Final = len(ANONYMIZED_MAGIC) + 16 + 2


def provider_name(server: str) -> str:
    """Return the name under which a server's certificates are asked for."""
    return f"2.dnscrypt-cert.{server}"


@dataclass(slots=True)
class _Keys:
    """The short-term key of one construction, and the magic by which its queries are known."""

    construction: Construction
    private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate, repr=False)
    # The first byte must not be taken for QUIC or for a query in clear.
    magic: bytes = field(default_factory=lambda: b"\x71" + os.urandom(CLIENT_MAGIC_BYTES - 1))


class CryptServer:
    """Answers certificate queries in clear and everything else in boxes. Bytes in, bytes out."""

    def __init__(
        self,
        responder: Responder,
        *,
        name: str,
        provider_key: Ed25519PrivateKey,
        constructions: Sequence[int] = (1, 2),
    ) -> None:
        self._responder = responder
        self._provider = dns.name.from_text(provider_name(name))
        self._provider_key = provider_key
        self._keys = {keys.magic: keys for keys in map(_Keys, map(Construction, constructions))}

    def answer(self, packet: bytes, *, stream: bool) -> bytes | None:
        """Return the answer to a packet; ``None`` is silence."""
        keys = self._keys.get(packet[:CLIENT_MAGIC_BYTES])
        return self._in_clear(packet) if keys is None else self._in_box(packet, keys, stream=stream)

    def _in_clear(self, packet: bytes) -> bytes | None:
        try:
            query = dns.message.from_wire(packet)
        except (dns.exception.DNSException, ValueError):
            return None
        if query.flags & dns.flags.QR or len(query.question) != 1:
            return None
        question = query.question[0]
        if question.name != self._provider or question.rdtype != dns.rdatatype.TXT:
            return None
        response = dns.message.make_response(query)
        texts = [self._certificate(keys) for keys in self._keys.values()]
        quoted = ['"' + "".join(f"\\{byte:03d}" for byte in text) + '"' for text in texts]
        response.answer = [dns.rrset.from_text(question.name, 600, "IN", "TXT", *quoted)]
        return response.to_wire()

    def _certificate(self, keys: _Keys) -> bytes:
        now = int(time.time())
        signed = keys.private.public_key().public_bytes_raw() + keys.magic
        signed += b"".join(number.to_bytes(4, "big") for number in (1, now - _DAY, now + _DAY))
        head = CERTIFICATE_MAGIC + keys.construction.to_bytes(2, "big") + b"\0\0"
        return head + self._provider_key.sign(signed) + signed

    def _in_box(self, packet: bytes, keys: _Keys, *, stream: bool) -> bytes | None:
        if len(packet) < _HEAD + salsa.TAG_BYTES:
            return None
        client = packet[CLIENT_MAGIC_BYTES : CLIENT_MAGIC_BYTES + _KEY_BYTES]
        half, box = packet[_HEAD - HALF_NONCE_BYTES : _HEAD], packet[_HEAD:]
        kind = keys.construction
        try:
            key = salsa.shared_key(kind.derive, keys.private, client)
            query = unpad(salsa.unseal(kind.stream, key, half + bytes(HALF_NONCE_BYTES), box))
        except (ValueError, PeerError):  # a bad key, tag or padding
            return None
        nonce = half + os.urandom(HALF_NONCE_BYTES)
        head = RESOLVER_MAGIC + nonce
        room = 65535 if stream else len(packet) - len(head) - salsa.TAG_BYTES
        message = self._responder.respond(query)
        if message is None:
            return None
        padded = pad(message, at_least=BLOCK_BYTES)
        if len(padded) > room:  # over UDP a response is never longer than its query
            padded = pad(_cut(message), at_least=BLOCK_BYTES)
        return head + salsa.seal(kind.stream, key, nonce, padded)


def _cut(message: bytes) -> bytes:
    """Return a response with TC set and its question alone."""
    response = dns.message.from_wire(message)
    response.flags |= dns.flags.TC
    response.answer, response.authority, response.additional = [], [], []
    response.use_edns(False)
    return response.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self._answer(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


async def serve_dnscrypt(
    listeners: Listeners, addresses: Sequence[str], dnscrypt: Dnscrypt, server: CryptServer
) -> None:
    """Serve DNSCrypt over UDP and TCP.

    :raises OSError: when a port cannot be had.
    """

    async def respond(packet: bytes) -> bytes | None:
        return server.answer(packet, stream=True)

    await listeners.udp(
        addresses, dnscrypt.port, lambda: _Datagrams(lambda packet: server.answer(packet, stream=False))
    )
    await listeners.tcp(addresses, dnscrypt.port, stream_server(respond))


def unrelayed(packet: bytes, allowed: Collection[str]) -> tuple[str, int, bytes] | None:
    """Return address, port and packet of what a relay is to pass on; ``None`` for what it must not."""
    if not packet.startswith(ANONYMIZED_MAGIC) or len(packet) <= _RELAY_HEAD:
        return None
    start = len(ANONYMIZED_MAGIC)
    packed = ipaddress.IPv6Address(packet[start : start + 16])
    address = str(packed.ipv4_mapped or packed)
    rest = packet[_RELAY_HEAD:]
    if address not in allowed or rest.startswith(ANONYMIZED_MAGIC):
        return None
    return address, int.from_bytes(packet[start + 16 : _RELAY_HEAD], "big"), rest


async def serve_relay(
    listeners: Listeners, addresses: Sequence[str], port: int, allowed: Collection[str]
) -> None:
    """Serve a relay for the servers at the ``allowed`` addresses.

    :raises OSError: when a port cannot be had.
    """

    async def respond(packet: bytes) -> bytes | None:
        onward = unrelayed(packet, allowed)
        if onward is None:
            return None
        address, far_port, rest = onward
        async with asyncio.timeout(RELAY_PATIENCE):
            reader, writer = await asyncio.open_connection(address, far_port)
            try:
                writer.write(len(rest).to_bytes(2, "big") + rest)
                return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            finally:
                writer.close()

    await listeners.udp(addresses, port, lambda: _Relay(listeners, allowed))
    await listeners.tcp(addresses, port, stream_server(respond))


class _Relay(asyncio.DatagramProtocol):
    """Passes datagrams on, each from a socket of its own, and the first answer back."""

    def __init__(self, listeners: Listeners, allowed: Collection[str]) -> None:
        self._listeners = listeners
        self._allowed = allowed
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        onward = unrelayed(data, self._allowed)
        if onward is not None and self._waiting < MOST_RELAYED:
            self._listeners.later(self._pass_on(*onward, addr, len(data)))

    async def _pass_on(self, address: str, port: int, packet: bytes, client: Any, length: int) -> None:
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting += 1
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _First(answered), remote_addr=(address, port)
        )
        try:
            transport.sendto(packet)
            async with asyncio.timeout(RELAY_PATIENCE):
                answer = await answered
        finally:
            self._waiting -= 1
            transport.close()
        # A relay that makes packets longer could be used to flood others.
        if len(answer) <= length and self._transport is not None:
            self._transport.sendto(answer, client)


class _First(asyncio.DatagramProtocol):
    def __init__(self, answered: asyncio.Future[bytes]) -> None:
        self._answered = answered

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's signature
        if not self._answered.done():
            self._answered.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(exc)
