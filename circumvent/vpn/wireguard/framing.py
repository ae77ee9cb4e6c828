"""How messages stand in datagrams: as they are, or with the three reserved bytes of Cloudflare WARP.

WARP puts an identifier of the registration into the bytes behind the type, after the macs were made over zeros.
"""

from __future__ import annotations

from typing import Final, Protocol

RESERVED: Final = slice(1, 4)


class Framing(Protocol):
    """How messages stand in datagrams. Message types are those of the paper on the inside, whatever is sent."""

    def number(self, kind: int) -> int:
        """Return what stands for a type in a message that leaves; macs are made over it."""

    def wrap(self, message: bytes) -> bytes:
        """Return the datagram of a message, which begins with :meth:`number`."""

    def unwrap(self, datagram: bytes) -> bytes | None:
        """Return the message in a datagram, with the type of the paper; ``None`` if there is none."""

    def before(self, wall: float) -> list[bytes]:
        """Return the datagrams that leave before an initiation; ``wall`` is the time of day."""


class Plain:
    """WireGuard as it is. ``reserved`` are WARP's three bytes."""

    def __init__(self, reserved: bytes | None = None) -> None:
        self._reserved = reserved

    def number(self, kind: int) -> int:
        """Return the type itself."""
        return kind

    def wrap(self, message: bytes) -> bytes:
        """Put the reserved bytes in."""
        return message if self._reserved is None else message[:1] + self._reserved + message[4:]

    def unwrap(self, datagram: bytes) -> bytes | None:
        """Take the reserved bytes out: the peer may send any, if there are some."""
        if len(datagram) < 4:
            return None
        if self._reserved is None:
            return None if any(datagram[RESERVED]) else datagram
        return datagram[:1] + bytes(3) + datagram[4:]

    def before(self, wall: float) -> list[bytes]:  # noqa: ARG002 - the protocol's signature
        """Return nothing."""
        return []
