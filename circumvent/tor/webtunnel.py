"""WebTunnel's own layer: an HTTP upgrade without WebSocket, and the pin of a whole chain.

WebTunnel has no specification; this follows the description of its bridge lines and what its client sends. After the
answer ``101`` the connection carries bytes as they are.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.tor.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Sequence

SWITCHING_PROTOCOLS: Final = 101
HASH_BYTES: Final = 32
#: Longest head of an answer, in bytes.
LONGEST_HEAD: Final = 16 * 1024
_END: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The answer: its status, whether it switches to what was asked for, and the bytes after its head."""

    status: int
    accepted: bool
    rest: bytes


def request(host: str, path: str) -> bytes:
    """Return the request, byte by byte as the reference client's HTTP library writes it."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Go-http-client/1.1\r\n"
        "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    ).encode("ascii")


class UpgradeReader:
    """Reads the head of the answer."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Upgrade | None:
        """Take bytes; return the answer once its head is complete.

        :raises TorError: when it is no HTTP.
        """
        self._buffer += data
        head, end, rest = bytes(self._buffer).partition(_END)
        first, _, fields = head.partition(b"\r\n")
        looks = b"HTTP/1."
        if not first.startswith(looks[: len(first)]) or len(head) > LONGEST_HEAD:
            raise TorError("the answer is no HTTP")
        if not end:
            return None
        status = _STATUS.fullmatch(first)
        if status is None:
            raise TorError("the answer is no HTTP")
        said = {
            name.strip().lower(): value.strip().lower()
            for name, _, value in (line.partition(b":") for line in fields.split(b"\r\n"))
        }
        number = int(status[1])
        switched = said.get(b"upgrade") == b"websocket" and b"upgrade" in said.get(b"connection", b"")
        return Upgrade(number, number == SWITCHING_PROTOCOLS and switched, rest)


def chain_hash(chain: Sequence[bytes]) -> bytes:
    """Return the hash of a chain as presented (DER): that of the first, then each hashed onto the one before."""
    value = b""
    for certificate in chain:
        digest = hashlib.sha256(certificate).digest()
        value = hashlib.sha256(value + digest).digest() if value else digest
    return value
