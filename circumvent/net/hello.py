"""The TLS ClientHello on the wire: taken apart, and cut into other records and segments.

Pure functions over bytes. RFC 8446 section 4.1.2 (ClientHello), section 5.1 (records), RFC 6066 section 3
(server_name). A ClientHello says the same however it is cut: record borders are no part of the handshake's
transcript (RFC 8446 section 4.4.1), so a cut flight still completes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

#: Record content types, RFC 8446 section 5.1.
CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
#: Handshake type of a ClientHello, RFC 8446 section 4.
CLIENT_HELLO: Final = 1
#: Extensions that are read here (IANA TLS ExtensionType values).
SERVER_NAME: Final = 0
SIGNATURE_ALGORITHMS: Final = 13
ALPN: Final = 16
SUPPORTED_VERSIONS: Final = 43

RECORD_HEADER: Final = 5
MESSAGE_HEADER: Final = 4
#: The longest plaintext of one record (RFC 8446 section 5.1).
LONGEST_RECORD: Final = 2**14


class HelloError(ValueError):
    """The bytes are no ClientHello."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One extension: its number, its data, and where the data begins in the handshake message."""

    number: int
    data: bytes
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A ClientHello. ``name_span`` is where the host name stands in the handshake message (begin, end)."""

    legacy_version: int
    ciphers: tuple[int, ...]
    extensions: tuple[Extension, ...]
    name: str | None
    name_span: tuple[int, int] | None

    def extension(self, number: int) -> bytes | None:
        """Return the data of an extension, ``None`` when it was not sent."""
        return next((item.data for item in self.extensions if item.number == number), None)


class Reader:
    """Reads big-endian fields of a TLS structure and never past its end."""

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self.position = start
        self._end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Return how many bytes are left."""
        return self._end - self.position

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes.

        :raises HelloError: when there are fewer.
        """
        if count > self.left:
            raise HelloError("a field is longer than what holds it")
        self.position += count
        return self._data[self.position - count : self.position]

    def number(self, width: int) -> int:
        """Return the next number of ``width`` bytes."""
        return int.from_bytes(self.take(width))

    def vector(self, width: int) -> Reader:
        """Return a reader of the next vector, whose length field has ``width`` bytes."""
        length = self.number(width)
        start = self.position
        self.take(length)
        return Reader(self._data, start, start + length)

    def rest(self) -> bytes:
        """Return everything that is left."""
        return self.take(self.left)


def parse_hello(message: bytes) -> Hello:
    """Take a ClientHello apart; ``message`` begins with the handshake header, without record headers.

    :raises HelloError: for anything else.
    """
    reader = Reader(message)
    if reader.number(1) != CLIENT_HELLO:
        raise HelloError("this is no ClientHello")
    body = reader.vector(3)
    version = body.number(2)
    body.take(32)  # random
    body.vector(1)  # legacy_session_id
    ciphers = numbers(body.vector(2))
    body.vector(1)  # legacy_compression_methods
    extensions = tuple(_extensions(body)) if body.left else ()
    span = _name_span(extensions)
    name = None if span is None else message[slice(*span)].decode("ascii", "replace")
    return Hello(legacy_version=version, ciphers=ciphers, extensions=extensions, name=name, name_span=span)


def numbers(reader: Reader) -> tuple[int, ...]:
    """Read what is left as numbers of two bytes."""
    if reader.left % 2:
        raise HelloError("a list of two-byte numbers has an odd length")
    return tuple(reader.number(2) for _ in range(reader.left // 2))


def _extensions(body: Reader) -> list[Extension]:
    found: list[Extension] = []
    block = body.vector(2)
    while block.left:
        number = block.number(2)
        data = block.vector(2)
        found.append(Extension(number=number, offset=data.position, data=data.rest()))
    return found


def _name_span(extensions: tuple[Extension, ...]) -> tuple[int, int] | None:
    """Find the host_name of the server_name extension (RFC 6066 section 3)."""
    for item in extensions:
        if item.number != SERVER_NAME:
            continue
        names = Reader(item.data).vector(2)
        while names.left:
            kind = names.number(1)
            name = names.vector(2)
            if kind == 0:
                return item.offset + name.position, item.offset + name.position + name.left
    return None


def message_of_records(data: bytes) -> bytes:
    """Join the handshake records at the start of ``data`` into handshake bytes.

    :raises HelloError: when ``data`` does not begin with a whole handshake record.
    """
    reader = Reader(data)
    message = b""
    while reader.left >= RECORD_HEADER and data[reader.position] == HANDSHAKE:
        reader.take(3)
        message += reader.vector(2).rest()
    if not message:
        raise HelloError("this is no handshake record")
    return message


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloCut:
    """How the ClientHello is cut on its way out.

    ``records``: sizes of TLS records in bytes of plaintext; the last size repeats; empty leaves one record.
    ``segments``: offsets in the flight at which a new write (a TCP segment of its own) begins.
    ``segment_size``: a new write after each so many bytes.
    ``records_in_name`` and ``segments_in_name``: cut in the middle of the host name.
    """

    records: tuple[int, ...] = ()
    segments: tuple[int, ...] = ()
    segment_size: int | None = None
    records_in_name: bool = False
    segments_in_name: bool = False

    def __post_init__(self) -> None:
        sizes = (*self.records, *self.segments, *(() if self.segment_size is None else (self.segment_size,)))
        if any(size < 1 for size in sizes):
            raise ValueError("sizes and offsets of a cut begin at 1")
        if any(size > LONGEST_RECORD for size in self.records):
            raise ValueError(f"a record holds at most {LONGEST_RECORD} bytes")


def cut_flight(flight: bytes, cut: HelloCut | None) -> list[bytes]:
    """Return the writes that carry ``flight``, cut as wished; a flight without ClientHello stays whole."""
    if cut is None:
        return [flight]
    try:
        start, record = _hello_record(flight)
        message = record[RECORD_HEADER:]
        hello = parse_hello(message)
    except HelloError:
        return [flight]
    sizes = cut.records
    middle = None if hello.name_span is None else sum(hello.name_span) // 2
    if cut.records_in_name and middle is not None:
        sizes = (middle, LONGEST_RECORD)
    records = split_record(record, sizes)
    flight = flight[:start] + records + flight[start + len(record) :]
    return _split(flight, _segment_offsets(flight, start, cut))


def _hello_record(flight: bytes) -> tuple[int, bytes]:
    """Find the record that holds a ClientHello: the first, or after the one change_cipher_spec of a retry."""
    reader = Reader(flight)
    while reader.left:
        start = reader.position
        kind = reader.number(1)
        reader.take(2)
        reader.vector(2)
        if kind == HANDSHAKE:
            return start, flight[start : reader.position]
        if kind != CHANGE_CIPHER_SPEC:
            break
    raise HelloError("this flight has no ClientHello")


def split_record(record: bytes, sizes: tuple[int, ...]) -> bytes:
    """Write one record as several that hold the same bytes; the last size repeats."""
    if not sizes:
        return record
    header, body = record[:3], record[RECORD_HEADER:]
    out = bytearray()
    position = index = 0
    while position < len(body):
        piece = body[position : position + sizes[min(index, len(sizes) - 1)]]
        out += header + len(piece).to_bytes(2) + piece
        position += len(piece)
        index += 1
    return bytes(out)


def _segment_offsets(flight: bytes, start: int, cut: HelloCut) -> set[int]:
    offsets = set(cut.segments)
    if cut.segment_size is not None:
        offsets.update(range(cut.segment_size, len(flight), cut.segment_size))
    if cut.segments_in_name:
        message = message_of_records(flight[start:])
        span = parse_hello(message).name_span
        if span is not None:
            offsets.add(start + _offset_in_records(flight[start:], sum(span) // 2))
    return offsets


def _offset_in_records(records: bytes, offset: int) -> int:
    """Translate an offset in the handshake message into one in the records that carry it."""
    reader = Reader(records)
    while True:
        reader.take(3)
        body = reader.vector(2)
        if offset < body.left:
            return body.position + offset
        offset -= body.left


def _split(data: bytes, offsets: set[int]) -> list[bytes]:
    borders = [0, *sorted(offset for offset in offsets if offset < len(data)), len(data)]
    return [data[begin:end] for begin, end in pairwise(borders) if end > begin]
