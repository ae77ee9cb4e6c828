"""The handshake of obfs4: two flights of random-looking bytes (obfs4-spec, section 4).

::

    client   X' | P_C | M_C | MAC_C          M_C   = HMAC(B | NODEID, X')
    server   Y' | AUTH | P_S | M_S | MAC_S   MAC_C = HMAC(B | NODEID, X' | P_C | M_C | E)

X' and Y' are representatives, P random padding, E the hour since 1970 in decimal digits; marks and MACs are the first
16 bytes of HMAC-SHA256. A server to which any of it looks wrong, be it the key or the hour, says nothing at all.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.tor.errors import TorError
from circumvent.tor.obfs4 import ntor
from circumvent.tor.obfs4.elligator import KEY_BYTES, KeyPair, make_key, to_public

if TYPE_CHECKING:
    import random

# Specification.
LONGEST: Final = 8192  #: bytes of either flight
MARK_BYTES: Final = 16
NODE_ID_BYTES: Final = 20
#: So much that the client's shortest flight is as long as the server's, with the seed frame that follows that.
SHORTEST_PADDING: Final = 85
LONGEST_PADDING: Final = LONGEST - KEY_BYTES - 2 * MARK_BYTES
HOUR: Final = 3600
_MARK_FROM: Final = KEY_BYTES + ntor.AUTH_BYTES


@dataclass(frozen=True, slots=True)
class Keys:
    """What a handshake agreed on: the key seed, what came after it, and the server's hour less ours."""

    seed: bytes = field(repr=False)
    rest: bytes = field(repr=False)
    hours_ahead: int = 0


class ClientHandshake:
    """One handshake with the server of ``identity`` (B) and ``node_id``; ``now`` is in seconds since 1970."""

    def __init__(self, *, identity: bytes, node_id: bytes, now: float, random: random.Random) -> None:
        """Make a key and the first flight."""
        self._identity = identity
        self._node_id = node_id
        self._hour = int(now) // HOUR
        self._key: KeyPair = make_key(random)
        self._received = bytearray()
        padding = random.randbytes(random.randint(SHORTEST_PADDING, LONGEST_PADDING))
        head = self._key.representative
        flight = head + padding + self._mac(head)
        #: What to send first.
        self.flight = flight + self._mac(flight + self._epoch(0))

    def feed(self, data: bytes) -> Keys | None:
        """Take bytes of the server; return keys once its flight is complete.

        :raises TorError: when it does not know the identity key, or is no obfs4 server at all.
        """
        self._received += data
        mark = self._mac(bytes(self._received[:KEY_BYTES]))
        place = self._received.find(mark, _MARK_FROM, LONGEST - MARK_BYTES)
        if len(self._received) < _MARK_FROM or place < 0:
            if len(self._received) >= LONGEST:
                raise TorError("no obfs4 server with this certificate answered")
            return None
        end = place + 2 * MARK_BYTES
        if len(self._received) < end:
            return None
        ahead = self._hours_ahead(
            bytes(self._received[: place + MARK_BYTES]), bytes(self._received[place + MARK_BYTES : end])
        )
        seed, auth = ntor.client(
            private=self._key.private,
            public=self._key.public,
            server=to_public(bytes(self._received[:KEY_BYTES])),
            identity=self._identity,
            node_id=self._node_id,
        )
        if not hmac.compare_digest(auth, bytes(self._received[KEY_BYTES:_MARK_FROM])):
            raise TorError("the server does not hold the key of its certificate")
        return Keys(seed, bytes(self._received[end:]), ahead)

    def _hours_ahead(self, flight: bytes, mac: bytes) -> int:
        """Return how many hours the server is ahead: what it accepts of us, it may say itself."""
        for ahead in (0, 1, -1):
            if hmac.compare_digest(self._mac(flight + self._epoch(ahead)), mac):
                return ahead
        raise TorError("the server's flight is damaged")

    def _epoch(self, ahead: int) -> bytes:
        return str(self._hour + ahead).encode("ascii")

    def _mac(self, message: bytes) -> bytes:
        return hmac.digest(self._identity + self._node_id, message, hashlib.sha256)[:MARK_BYTES]
