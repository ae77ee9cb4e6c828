"""JA4: a fingerprint of a ClientHello (FoxIO, ``technical_details/JA4.md``).

It names how our own handshake looks on the wire, so that a verdict can say for which ClientHello it holds.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from circumvent.net.hello import (
    ALPN,
    SERVER_NAME,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_VERSIONS,
    HelloError,
    Reader,
    numbers,
    parse_hello,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from circumvent.net.hello import Hello

#: Version numbers and the two characters that stand for them.
_VERSIONS: Final = {
    0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2",
    0xFEFF: "d1", 0xFEFD: "d2", 0xFEFC: "d3",
}  # fmt: skip
_NOTHING: Final = "000000000000"


def ja4(message: bytes, *, transport: str = "t") -> str:
    """Return the JA4 of a ClientHello (handshake bytes); ``transport`` is ``t`` (TCP), ``q`` (QUIC), ``d`` (DTLS).

    :raises HelloError: when ``message`` is no ClientHello.
    """
    hello = parse_hello(message)
    ciphers = [number for number in hello.ciphers if not is_grease(number)]
    extensions = [item.number for item in hello.extensions if not is_grease(item.number)]
    head = (
        transport
        + _version(hello)
        + ("d" if SERVER_NAME in extensions else "i")
        + f"{min(len(ciphers), 99):02d}{min(len(extensions), 99):02d}"
        + _alpn(hello)
    )
    hashed = sorted(number for number in extensions if number not in (SERVER_NAME, ALPN))
    return f"{head}_{_digest(_join(sorted(ciphers)))}_{_extension_digest(hashed, hello)}"


def is_grease(number: int) -> bool:
    """Tell whether ``number`` is one of the reserved values of RFC 8701 (0x0A0A, 0x1A1A, ... 0xFAFA)."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def _version(hello: Hello) -> str:
    data = hello.extension(SUPPORTED_VERSIONS)
    offered = [] if data is None else [n for n in numbers(Reader(data).vector(1)) if not is_grease(n)]
    return _VERSIONS.get(max(offered, default=hello.legacy_version), "00")


def _alpn(hello: Hello) -> str:
    """Return the first and last character of the first ALPN value, as hexadecimal where not alphanumeric."""
    data = hello.extension(ALPN)
    if data is None:
        return "00"
    names = Reader(data).vector(2)
    value = names.vector(1).rest() if names.left else b""
    if not value:
        return "00"
    first, last = value[:1], value[-1:]
    if first.isalnum() and last.isalnum():
        return (first + last).decode("ascii")
    return first.hex()[0] + last.hex()[-1]


def _extension_digest(hashed: list[int], hello: Hello) -> str:
    data = hello.extension(SIGNATURE_ALGORITHMS)
    signatures = () if data is None else numbers(Reader(data).vector(2))
    text = _join(hashed)
    if signatures:
        text += "_" + _join(number for number in signatures if not is_grease(number))
    return _digest(text) if hashed else _NOTHING


def _join(values: Iterable[int]) -> str:
    return ",".join(f"{value:04x}" for value in values)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:12] if text else _NOTHING


__all__ = ["HelloError", "ja4"]
