"""A byte stream inside obfs4, over any other byte stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from anyio.abc import ByteStream

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.gate import Account, begin_crypto, crypto
from circumvent.tor.errors import TorError
from circumvent.tor.obfs4 import ntor
from circumvent.tor.obfs4.framing import KEY_BYTES, PAYLOAD, SEED, SEED_BYTES, Decoder, Encoder
from circumvent.tor.obfs4.handshake import ClientHandshake
from circumvent.tor.obfs4.shape import Shaper

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from circumvent.tor.obfs4.handshake import Keys

#: Bytes read from below in one go.
CHUNK = 16 * 1024


async def open_obfs4(
    stream: ByteStream,
    *,
    node_id: bytes,
    identity: bytes,
    iat_mode: int,
    now: Callable[[], float],
    chance: random.Random,
    account: Account,
) -> tuple[Obfs4Stream, Keys]:
    """Shake hands over ``stream``; ``now`` tells the time of day in seconds since 1970.

    :raises PeerError: when whoever answered does not hold the key.
    """
    shake = await begin_crypto(
        account, ClientHandshake, identity=identity, node_id=node_id, now=now(), random=chance
    )
    await stream.send(shake.flight)
    keys: Keys | None = None
    while keys is None:
        data = await stream.receive(CHUNK)
        try:
            keys = await crypto(account, shake.feed, data)
        except TorError as exc:
            raise PeerError(failures.WRONG_KEY, str(exc)) from exc
    return Obfs4Stream(stream, keys, iat_mode, chance, account), keys


class Obfs4Stream(ByteStream):
    """The inside of an obfs4 connection. One task may receive while another sends. Made by :func:`open_obfs4`."""

    def __init__(
        self, stream: ByteStream, keys: Keys, iat_mode: int, chance: random.Random, account: Account
    ) -> None:
        """Begin after the handshake; what came after it is the first frame, with the server's seed."""
        material = ntor.expand(keys.seed, 2 * KEY_BYTES)
        self._stream = stream
        self._account = account
        self._decoder = Decoder(material[KEY_BYTES:])
        self._decoder.feed(keys.rest)
        self._shaper = Shaper(Encoder(material[:KEY_BYTES]), iat_mode, chance)
        self._held = bytearray()
        self._sending = anyio.Lock()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes; errors are those of the stream below.

        :raises PeerError: for a frame that the peer did not seal.
        """
        while not self._held:
            try:
                packet = await crypto(self._account, self._decoder.next_packet)
            except TorError as exc:
                raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
            if packet is None:
                self._decoder.feed(await self._stream.receive(CHUNK))
            elif packet.kind == PAYLOAD:
                self._held += packet.payload
            elif packet.kind == SEED and len(packet.payload) == SEED_BYTES:
                self._shaper.take_seed(packet.payload)
        data = bytes(self._held[:max_bytes])
        del self._held[:max_bytes]
        return data

    async def send(self, item: bytes) -> None:
        """Send ``item``, padded, and in the pieces and with the pauses of the bridge's ``iat-mode``."""
        async with self._sending:
            pieces = self._shaper.pieces(item)
            while (piece := await crypto(self._account, next, pieces, None)) is not None:
                await self._stream.send(piece[0])
                if piece[1]:
                    await anyio.sleep(piece[1])

    async def send_eof(self) -> None:
        """End our side: obfs4 has no word for it, so that of the stream below must do."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()
