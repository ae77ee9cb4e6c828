"""What stands around a packet inside the data channel: compression stubs, pings, the farewell.

Nothing is ever compressed here (compression under encryption leaks, VORACLE); the stubs only keep the layout that a
server expects (OpenVPN ``comp.h``, ``lzo.h``, ``ping.c``, ``occ.c``). What a server compresses is read.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from circumvent.vpn.openvpn.decompress import DecompressError, lz4, lzo1x

#: A packet with this content keeps the connection alive and goes no further.
PING: Final = bytes.fromhex("2a187bf3641eb4cb07ed2d0a981fc748")
#: What begins messages of the options check, and the number of the one that says goodbye.
OCC: Final = bytes.fromhex("287f346bd4ef7a812d56b8d3afc5459c")
EXIT: Final = OCC + b"\x06"

_LZO: Final = 0x66
_LZ4: Final = 0x69
_V2_LZ4: Final = 0x01
_NO_COMPRESS: Final = 0xFA
_NO_COMPRESS_SWAP: Final = 0xFB
_V2_ESCAPE: Final = 0x50
_V2_UNCOMPRESSED: Final = 0x00


class Compression(StrEnum):
    """How a server frames packets in view of compression."""

    NONE = "none"
    LZO = "comp-lzo"
    STUB = "stub"
    STUB_V2 = "stub-v2"


class FramingError(ValueError):
    """A packet can't be read."""


def frame(packet: bytes, compression: Compression) -> bytes:
    """Return a packet as it is encrypted."""
    match compression:
        case Compression.LZO:
            return bytes((_NO_COMPRESS,)) + packet
        case Compression.STUB:  # the first octet goes to the end, so that the rest stays aligned
            return bytes((_NO_COMPRESS_SWAP,)) + packet[1:] + packet[:1]
        case Compression.STUB_V2 if packet[:1] == bytes((_V2_ESCAPE,)):
            return bytes((_V2_ESCAPE, _V2_UNCOMPRESSED)) + packet
        case _:
            return packet


def unframe(data: bytes, compression: Compression) -> bytes:
    """Return the packet in what was decrypted.

    :raises FramingError: when it is broken.
    """
    if not data:
        return data
    try:
        match compression:
            case Compression.LZO:
                return _lzo(data)
            case Compression.STUB:
                return _swapped(data)
            case Compression.STUB_V2 if data[0] == _V2_ESCAPE:
                return _v2(data)
            case _:
                return data
    except DecompressError as exc:
        raise FramingError(f"compressed, and {exc}") from None


def _lzo(data: bytes) -> bytes:
    if data[0] == _LZO:
        return lzo1x(data[1:])
    if data[0] != _NO_COMPRESS:
        raise FramingError("a mark that is not known")
    return data[1:]


def _swapped(data: bytes) -> bytes:
    """Return what had its first octet moved to the end."""
    packet = data[-1:] + data[1:-1]
    if data[0] == _LZ4:
        return lz4(packet)
    if data[0] != _NO_COMPRESS_SWAP:
        raise FramingError("a mark that is not known")
    return packet if len(data) > 1 else b""


def _v2(data: bytes) -> bytes:
    if len(data) > 1 and data[1] == _V2_LZ4:
        return lz4(data[2:])
    if data[1:2] != bytes((_V2_UNCOMPRESSED,)):
        raise FramingError("a mark that is not known")
    return data[2:]
