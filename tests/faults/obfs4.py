"""An obfs4 server made of the parts of the client: for what a real one does not get wrong."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from random import SystemRandom
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from circumvent.tor.obfs4 import framing, ntor
from circumvent.tor.obfs4.elligator import make_key, to_public
from circumvent.tor.obfs4.framing import KEY_BYTES, PAYLOAD_BYTES, Decoder, Encoder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.faults.proxy import Link


@dataclass(kw_only=True)
class Obfs4Server:
    """Shakes hands, sends a seed, and hands what comes to ``then`` (by default: sends it back)."""

    identity: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    node_id: bytes = bytes(range(20))
    hours_ahead: int = 0
    padding: int = 100
    frames: list[bytes] = field(default_factory=list)
    then: Callable[[Session], Awaitable[None]] | None = None

    @property
    def public_key(self) -> bytes:
        return self.identity.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    async def serve(self, link: Link) -> None:
        """Serve one connection."""
        session = await self.shake(link)
        if self.then is not None:
            await self.then(session)
            return
        while True:
            await session.send(await session.receive())

    async def shake(self, link: Link) -> Session:
        """Take a client's flight and answer it."""
        received = b""
        while True:
            received += await link.stream.receive()
            if received[-32:-16] == self.mac(received[:32]):
                break
        representative, key = received[:32], make_key(SystemRandom())
        hour = int(time.time()) // 3600 + self.hours_ahead
        public = to_public(representative)
        shared = ntor.exchange(key.private, public) + ntor.exchange(self.identity, public)
        seed, auth = ntor.derive(
            shared, public=public, server=key.public, identity=self.public_key, node_id=self.node_id
        )
        flight = key.representative + auth + bytes(self.padding) + self.mac(key.representative)
        flight += self.mac(flight + str(hour).encode())
        material = ntor.expand(seed, 2 * KEY_BYTES)
        encoder, decoder = Encoder(material[KEY_BYTES:]), Decoder(material[:KEY_BYTES])
        first = encoder.encode(b"\5" * framing.SEED_BYTES, kind=framing.SEED)
        await link.send(flight + first)
        return Session(link, encoder, decoder)

    def mac(self, message: bytes) -> bytes:
        return hmac.digest(self.public_key + self.node_id, message, hashlib.sha256)[:16]


@dataclass
class Session:
    """The far end of an obfs4 connection."""

    link: Link
    encoder: Encoder
    decoder: Decoder

    async def receive(self) -> bytes:
        while True:
            packet = self.decoder.next_packet()
            if packet is None:
                self.decoder.feed(await self.link.stream.receive())
            elif packet.payload:
                return packet.payload

    async def send(self, data: bytes) -> None:
        for begin in range(0, len(data), PAYLOAD_BYTES):
            await self.link.send(self.encoder.encode(data[begin : begin + PAYLOAD_BYTES]))
