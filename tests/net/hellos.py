"""ClientHellos made for tests, field by field (RFC 8446 section 4.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def vector(data: bytes, width: int) -> bytes:
    """Put a length before ``data``."""
    return len(data).to_bytes(width) + data


def numbers(values: Sequence[int]) -> bytes:
    return b"".join(value.to_bytes(2) for value in values)


def extension_data(
    number: int, *, name: str, alpn: Sequence[bytes], signatures: Sequence[int], versions: Sequence[int]
) -> bytes:
    """Return plausible data for an extension."""
    match number:
        case 0:
            return vector(b"\0" + vector(name.encode(), 2), 2)
        case 13:
            return vector(numbers(signatures), 2)
        case 16:
            return vector(b"".join(vector(value, 1) for value in alpn), 2)
        case 43:
            return vector(numbers(versions), 1)
    return b""


def make_hello(
    *,
    ciphers: Sequence[int] = (0x1301,),
    extensions: Sequence[int] = (),
    name: str = "lab.example",
    alpn: Sequence[bytes] = (b"h2",),
    signatures: Sequence[int] = (),
    versions: Sequence[int] = (0x0304, 0x0303),
    legacy_version: int = 0x0303,
) -> bytes:
    """Return the handshake message of a ClientHello."""
    block = b"".join(
        number.to_bytes(2)
        + vector(extension_data(number, name=name, alpn=alpn, signatures=signatures, versions=versions), 2)
        for number in extensions
    )
    body = legacy_version.to_bytes(2) + bytes(32) + vector(bytes(32), 1) + vector(numbers(ciphers), 2)
    body += b"\x01\x00" + (vector(block, 2) if extensions else b"")
    return b"\x01" + vector(body, 3)


def record(message: bytes) -> bytes:
    """Return a handshake message as one TLS record."""
    return b"\x16\x03\x01" + vector(message, 2)
