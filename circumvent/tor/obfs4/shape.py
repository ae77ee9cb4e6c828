"""How bursts of obfs4 are padded and cut, so that their lengths tell nothing (obfs4-spec, section 7).

Lengths and pauses come from distributions that a seed decides: 1 to 100 values with random weights. The client begins
with a seed of its own and takes the server's when that comes. The reference draws its tables with Go's generator; ours
come from Python's, which no peer can see: it only must be that each server has a shape of its own, and keeps it.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Final

from circumvent.tor.obfs4.framing import OVERHEAD, PAYLOAD_BYTES, SEED_BYTES, SEGMENT_BYTES, Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Values of ``iat-mode``: no pauses, pauses, pauses and lengths for each segment.
IAT_NONE, IAT_ENABLED, IAT_PARANOID = 0, 1, 2
#: The longest pause, in units of 100 microseconds.
LONGEST_PAUSE: Final = 100
PAUSE_UNIT: Final = 0.0001
_MOST_VALUES: Final = 100


class Distribution:
    """Numbers from 0 to ``largest``, some of them more often than others."""

    def __init__(self, seed: bytes, largest: int) -> None:
        """Draw values and weights from ``seed``."""
        source = random.Random(seed)  # noqa: S311 - a table that the seed decides, no secret
        count = source.randint(1, min(_MOST_VALUES, largest + 1))
        self._values = source.sample(range(largest + 1), count)
        self._weights = [source.random() or 1.0 for _ in range(count)]

    def sample(self, chance: random.Random) -> int:
        """Return one of the values."""
        return chance.choices(self._values, self._weights)[0]


class Shaper:
    """Turns what is to be sent into pieces with pauses after them."""

    def __init__(self, encoder: Encoder, iat_mode: int, chance: random.Random) -> None:
        """Begin with a seed of our own."""
        self._encoder = encoder
        self._iat_mode = iat_mode
        self._chance = chance
        self.take_seed(chance.randbytes(SEED_BYTES))

    def take_seed(self, seed: bytes) -> None:
        """Draw both distributions anew."""
        self._lengths = Distribution(seed, SEGMENT_BYTES)
        self._pauses = Distribution(hashlib.sha256(seed).digest()[:SEED_BYTES], LONGEST_PAUSE)

    def pieces(self, data: bytes) -> Iterator[tuple[bytes, float]]:
        """Return pieces to send, each with the seconds to wait after it."""
        burst = bytearray()
        for begin in range(0, len(data), PAYLOAD_BYTES):
            burst += self._encoder.encode(data[begin : begin + PAYLOAD_BYTES])
        if self._iat_mode != IAT_PARANOID:
            self._pad(burst, self._lengths.sample(self._chance))
        if self._iat_mode == IAT_NONE:
            yield bytes(burst), 0.0
            return
        while burst:
            size = SEGMENT_BYTES if self._iat_mode == IAT_ENABLED else self._next_size(burst)
            yield bytes(burst[:size]), self._pauses.sample(self._chance) * PAUSE_UNIT
            del burst[:size]

    def _next_size(self, burst: bytearray) -> int:
        """Return how long the next segment is, filling up a burst that is shorter."""
        size = self._lengths.sample(self._chance)
        if len(burst) < size:
            self._pad(burst, size)
        return size or SEGMENT_BYTES

    def _pad(self, burst: bytearray, wanted: int) -> None:
        """Append empty packets until the last segment of the burst is ``wanted`` bytes long."""
        tail = len(burst) % SEGMENT_BYTES
        missing = wanted - tail if wanted >= tail else SEGMENT_BYTES - tail + wanted
        if missing >= OVERHEAD:
            burst += self._encoder.encode(b"", padding=missing - OVERHEAD)
        elif missing:  # no frame is that short: a whole segment more, and then the rest
            burst += self._encoder.encode(b"", padding=PAYLOAD_BYTES)
            burst += self._encoder.encode(b"", padding=missing)
