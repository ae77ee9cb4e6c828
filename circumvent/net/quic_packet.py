"""The part of a QUIC packet that anybody on the path can read (RFC 8999)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_LONG_HEADER: Final = 0x80
_TYPE: Final = 0x30
_VERSION_2: Final = 0x6B3343CF
#: The type bits of an Initial packet: RFC 9000 section 17.2, RFC 9369 section 3.2.
_INITIAL: Final = 0x00
_INITIAL_V2: Final = 0x10


def starts_with_initial(datagram: bytes) -> bool:
    """Tell whether the first packet of a datagram is an Initial."""
    if len(datagram) < 5 or not datagram[0] & _LONG_HEADER:
        return False
    version = int.from_bytes(datagram[1:5], "big")
    if version == 0:
        return False
    return datagram[0] & _TYPE == (_INITIAL_V2 if version == _VERSION_2 else _INITIAL)


@dataclass(frozen=True, slots=True)
class VersionNegotiation:
    """A Version Negotiation packet: whom it is for, and what its sender offers."""

    destination: bytes
    source: bytes
    versions: tuple[int, ...]


def version_negotiation(datagram: bytes) -> VersionNegotiation | None:
    """Read a Version Negotiation packet (RFC 8999 section 6); ``None`` if the datagram is none."""
    if len(datagram) < 7 or not datagram[0] & _LONG_HEADER or datagram[1:5] != bytes(4):
        return None
    ids: list[bytes] = []
    position = 5
    for _ in range(2):
        if position >= len(datagram):
            return None
        end = position + 1 + datagram[position]
        ids.append(datagram[position + 1 : end])
        position = end
    offered = datagram[position:]
    if not offered or len(offered) % 4:
        return None
    versions = tuple(int.from_bytes(offered[at : at + 4], "big") for at in range(0, len(offered), 4))
    return VersionNegotiation(ids[0], ids[1], versions)
