"""Oblivious DoH (RFC 9230): targets that answer sealed questions, relays that pass them on."""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import h11
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from circumvent.lab.world.http import Answer, Request
from circumvent.lab.world.listen import BUFFER, GONE
from circumvent.names.odoh import CONFIGURATIONS_PATH, MEDIA_TYPE
from circumvent.net import hpke
from circumvent.net.hpke import Aead, HpkeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.lab.world.answers import Responder

QUERY_PATH: Final = "/dns-query"
PROXY_PATH: Final = "/proxy"
_AEAD: Final = Aead.AES_128_GCM
#: Seconds that a target may take behind a relay, and bytes that it may answer.
PATIENCE: Final = 10.0
_MOST: Final = 128 * 1024


class _BadQueryError(ValueError):
    """The bytes are no query for our key."""


@dataclass(frozen=True, slots=True)
class Target:
    """Publishes its key and answers what is sealed to it."""

    responder: Responder
    key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate, repr=False)

    @property
    def contents(self) -> bytes:
        """Return ObliviousDoHConfigContents (RFC 9230, section 6.1)."""
        numbers = b"".join(number.to_bytes(2, "big") for number in (hpke.KEM_X25519, hpke.KDF_SHA256, _AEAD))
        return numbers + _prefixed(self.key.public_key().public_bytes_raw())

    async def handle(self, request: Request) -> Answer:
        """Answer a request."""
        path = urlsplit(request.path).path
        if path == CONFIGURATIONS_PATH and request.method in ("GET", "HEAD"):
            configurations = _prefixed(b"\0\1" + _prefixed(self.contents))
            return Answer(body=configurations, media_type="application/octet-stream")
        if path != QUERY_PATH or request.method != "POST":
            return Answer(status=404, body=b"not here\n")
        if request.headers.get("content-type", "").strip().lower() != MEDIA_TYPE:
            return Answer(status=415)
        try:
            answer = self._answer(request.body)
        except _BadQueryError:
            return Answer(status=400)
        except HpkeError:
            return Answer(status=401)  # RFC 9230, section 4.3: the key is not, or no longer, ours
        return Answer(body=answer, media_type=MEDIA_TYPE) if answer else Answer(status=504)

    def _answer(self, sealed: bytes) -> bytes | None:
        identifier = hpke.expand(hpke.extract(b"", self.contents), b"odoh key id", hpke.HASH_BYTES)
        head = b"\1" + _prefixed(identifier)
        if not sealed.startswith(head[:3]) or len(sealed) < len(head) + 2:
            raise _BadQueryError
        if not sealed.startswith(head):
            raise HpkeError("another key id")
        box = sealed[len(head) + 2 :]
        if int.from_bytes(sealed[len(head) : len(head) + 2], "big") != len(box):
            raise _BadQueryError
        context = hpke.setup_recipient(self.key, box[: hpke.KEY_BYTES], b"odoh query", _AEAD)
        plaintext = context.open(box[hpke.KEY_BYTES :], head)
        length = int.from_bytes(plaintext[:2], "big")
        padding = plaintext[2 + length :]
        if padding != _prefixed(bytes(max(len(padding) - 2, 0))):
            raise _BadQueryError
        message = self.responder.respond(plaintext[2 : 2 + length])
        if message is None:
            return None
        nonce = _prefixed(os.urandom(max(_AEAD.key_bytes, hpke.NONCE_BYTES)))
        prk = hpke.extract(plaintext + nonce, context.export(b"odoh response", _AEAD.key_bytes))
        box = _AEAD.seal(
            hpke.expand(prk, b"odoh key", _AEAD.key_bytes),
            hpke.expand(prk, b"odoh nonce", hpke.NONCE_BYTES),
            _prefixed(message) + _prefixed(b""),
            b"\2" + nonce,
        )
        return b"\2" + nonce + _prefixed(box)


@dataclass(frozen=True, slots=True)
class Relay:
    """Passes sealed questions on to targets of this world, by their names."""

    resolve: Callable[[str], list[str]]
    trust: str
    source: str

    async def handle(self, request: Request) -> Answer:
        """Pass a request on (RFC 9230, section 4.1)."""
        parts = urlsplit(request.path)
        wanted = parse_qs(parts.query, max_num_fields=20)
        if parts.path != PROXY_PATH:
            return Answer(status=404, body=b"not here\n")
        if request.method != "POST" or not {"targethost", "targetpath"} <= set(wanted):
            return Answer(status=400)
        host, _, port = wanted["targethost"][0].partition(":")
        path = wanted["targetpath"][0]
        if not path.startswith("/") or not (port or "443").isdigit():
            return Answer(status=400)
        addresses = [address for address in self.resolve(host) if ":" not in address]
        if not addresses:
            return Answer(status=502)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._fetch(addresses[0], int(port or 443), host, path, request.body)
        except (*GONE, h11.ProtocolError):
            return Answer(status=502)

    async def _fetch(self, address: str, port: int, host: str, path: str, body: bytes) -> Answer:
        reader, writer = await asyncio.open_connection(
            address,
            port,
            ssl=ssl.create_default_context(cafile=self.trust),
            server_hostname=host,
            local_addr=(self.source, 0),
        )
        try:
            connection = h11.Connection(h11.CLIENT)
            fields = [("host", host), ("content-type", MEDIA_TYPE), ("content-length", str(len(body)))]
            writer.write(connection.send(h11.Request(method="POST", target=path, headers=fields)) or b"")
            writer.write(connection.send(h11.Data(data=body)) or b"")
            writer.write(connection.send(h11.EndOfMessage()) or b"")
            status, received = 502, b""
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(BUFFER))
                elif isinstance(event, h11.Response):
                    status = event.status_code
                elif isinstance(event, h11.Data):
                    received += bytes(event.data)
                    if len(received) > _MOST:
                        return Answer(status=502)
                elif isinstance(event, h11.EndOfMessage):
                    return Answer(status=status, body=received, media_type=MEDIA_TYPE)
                else:
                    return Answer(status=502)
        finally:
            writer.close()


def _prefixed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data
