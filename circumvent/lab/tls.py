"""What a censor reads in TLS: a ClientHello, whole or as far as it came, and its fingerprints. Pure.

A real censor may look at a single segment, or put the TCP stream together; and it may read the first TLS record alone,
or join records. A ClientHello that is cut somewhere is seen or missed accordingly.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.lab.flow import MOST_FIRST
from circumvent.lab.names import canonical
from circumvent.net.hello import (
    CLIENT_HELLO,
    HANDSHAKE,
    MESSAGE_HEADER,
    RECORD_HEADER,
    SERVER_NAME,
    HelloError,
    Reader,
    numbers,
    parse_hello,
)
from circumvent.net.ja4 import is_grease, ja4

if TYPE_CHECKING:
    from circumvent.lab.rule import Sight

#: Extensions that censors have been seen to look for.
ENCRYPTED_CLIENT_HELLO: Final = 0xFE0D
ENCRYPTED_SNI: Final = 0xFFCE
_SUPPORTED_GROUPS: Final = 10
_EC_POINT_FORMATS: Final = 11
_SERVER_HELLO: Final = 2
_RANDOM: Final = 32
_DTLS_RECORD_HEADER: Final = 13
_DTLS_MESSAGE_HEADER: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHello:
    """A ClientHello as far as it was seen. ``transport`` is ``t`` (TCP), ``q`` (QUIC) or ``d`` (DTLS), as in JA4.

    ``extensions`` are the numbers of those that were seen whole, in order. Unless ``complete``, nothing can be said
    of what is missing.
    """

    name: str | None
    extensions: tuple[int, ...]
    complete: bool
    message: bytes
    transport: str = "t"

    def ja3(self) -> str | None:
        """The JA3 of a complete ClientHello (github.com/salesforce/ja3): MD5 of five lists of numbers."""
        try:
            return ja3(self.message) if self.complete else None
        except HelloError:
            return None

    def ja4(self) -> str | None:
        """The JA4 of a complete ClientHello."""
        try:
            return ja4(self.message, transport=self.transport) if self.complete else None
        except HelloError:
            return None


def ja3(message: bytes) -> str:
    """Return the JA3 of a ClientHello (handshake bytes).

    :raises HelloError: when it is none.
    """
    hello = parse_hello(message)
    groups = hello.extension(_SUPPORTED_GROUPS)
    formats = hello.extension(_EC_POINT_FORMATS)
    lists = (
        hello.ciphers,
        tuple(item.number for item in hello.extensions),
        () if groups is None else numbers(Reader(groups).vector(2)),
        () if formats is None else tuple(Reader(formats).vector(1).rest()),
    )
    text = ",".join(
        [str(hello.legacy_version)]
        + ["-".join(str(number) for number in each if not is_grease(number)) for each in lists]
    )
    return hashlib.md5(text.encode("ascii"), usedforsecurity=False).hexdigest()


def read_hello(message: bytes, transport: str = "t") -> SeenHello | None:
    """Read a ClientHello (handshake bytes) as far as it goes; ``None`` if it is none."""
    if not message or message[0] != CLIENT_HELLO:
        return None
    try:
        hello = parse_hello(message)
    except HelloError:
        return _read_partial(message, transport)
    return SeenHello(
        name=None if hello.name is None else canonical(hello.name),
        extensions=tuple(item.number for item in hello.extensions),
        complete=True,
        message=message,
        transport=transport,
    )


def _read_partial(message: bytes, transport: str) -> SeenHello:
    found: list[int] = []
    name: str | None = None
    try:
        reader = Reader(message, MESSAGE_HEADER)
        reader.take(2 + _RANDOM)
        reader.vector(1)
        reader.vector(2)
        reader.vector(1)
        reader.number(2)
        while reader.left:
            number = reader.number(2)
            data = reader.vector(2)
            if number == SERVER_NAME:
                name = _name(data)
            found.append(number)
    except HelloError:
        pass  # this is as far as it goes
    return SeenHello(name=name, extensions=tuple(found), complete=False, message=message, transport=transport)


def _name(data: Reader) -> str | None:
    names = data.vector(2)
    while names.left:
        kind = names.number(1)
        name = names.vector(2).rest()
        if kind == 0:
            return canonical(name.decode("ascii", "replace"))
    return None


def handshake_bytes(data: bytes, *, join_records: bool) -> bytes | None:
    """Return the handshake bytes at the start of a TLS stream, as far as they came; ``None`` if this is no handshake.

    Without ``join_records``: those of the first record alone.
    """
    message = b""
    position = 0
    while position + RECORD_HEADER <= len(data):
        if data[position] != HANDSHAKE or data[position + 1] != 3:
            break
        length = int.from_bytes(data[position + 3 : position + RECORD_HEADER])
        position += RECORD_HEADER
        message += data[position : position + length]
        position += length
        if not join_records:
            break
    return message or None


def is_server_hello(data: bytes) -> bool:
    """Tell whether a TLS stream begins with a ServerHello."""
    return len(data) > RECORD_HEADER and data[0] == HANDSHAKE and data[1] == 3 and data[5] == _SERVER_HELLO


def read_dtls_hello(datagram: bytes) -> SeenHello | None:
    """Read a DTLS ClientHello that came in one piece (RFC 6347 section 4.2, RFC 9147 section 5.3).

    It is written as TLS would write it, without the cookie, for the fingerprints.
    """
    if len(datagram) < _DTLS_RECORD_HEADER + _DTLS_MESSAGE_HEADER or datagram[0] != HANDSHAKE:
        return None
    if datagram[1] != 0xFE or datagram[_DTLS_RECORD_HEADER] != CLIENT_HELLO:
        return None
    reader = Reader(datagram, _DTLS_RECORD_HEADER + _DTLS_MESSAGE_HEADER)
    try:
        head = reader.take(2 + _RANDOM)
        session = reader.vector(1).rest()
        reader.vector(1)  # cookie
        body = head + bytes((len(session),)) + session + reader.rest()
    except HelloError:
        return None
    return read_hello(bytes((CLIENT_HELLO,)) + len(body).to_bytes(3) + body, "d")


def hello_of(sight: Sight, *, reassemble: bool, join_records: bool) -> SeenHello | bool:
    """Return the ClientHello in the direction of the packet; ``False``: none so far, ``True``: there will be none.

    With ``reassemble`` the TCP stream is read, without it this segment alone. What was read is kept with the flow.
    """
    side = sight.flow.side(sight.direction)
    stream = side.stream
    if stream is None:
        return True
    if not reassemble:
        if not sight.fresh:
            return False
        message = handshake_bytes(sight.packet.payload, join_records=join_records)
        hello = None if message is None else read_hello(message)
        return hello or side.fresh >= MOST_FIRST
    data = stream.data
    if not data:
        return False
    if data[0] != HANDSHAKE:
        return True
    key = ("hello", sight.direction, join_records)
    length, known = sight.flow.readings.get(key, (0, None))
    if length != len(data):
        message = handshake_bytes(bytes(data), join_records=join_records)
        known = None if message is None else read_hello(message)
        sight.flow.readings[key] = (len(data), known)
    return known or stream.full
