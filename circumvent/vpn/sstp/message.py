"""Packets of SSTP: data that carry PPP frames, and control messages of attributes (MS-SSTP, section 2.2)."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Final

#: The request that opens a connection (section 3.2.4.1): a method of its own, one fixed path, an endless body.
PATH: Final = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/"
ENDLESS: Final = 18446744073709551615
VERSION: Final = 0x10
HEADER_BYTES: Final = 4
#: A length has twelve bits (section 2.2.1).
LARGEST: Final = 0x0FFF
#: Attributes of one message that are read; the protocol never has more than two.
MOST_ATTRIBUTES: Final = 16
PPP: Final = 1
NONCE_BYTES: Final = 32
#: Bits of the hash protocol bitmask (section 2.2.6).
SHA1: Final = 1
SHA256: Final = 2


class MessageType(enum.IntEnum):
    """Section 2.2.2."""

    CALL_CONNECT_REQUEST = 1
    CALL_CONNECT_ACK = 2
    CALL_CONNECT_NAK = 3
    CALL_CONNECTED = 4
    CALL_ABORT = 5
    CALL_DISCONNECT = 6
    CALL_DISCONNECT_ACK = 7
    ECHO_REQUEST = 8
    ECHO_RESPONSE = 9


class AttributeId(enum.IntEnum):
    """Section 2.2.4."""

    ENCAPSULATED_PROTOCOL_ID = 1
    STATUS_INFO = 2
    CRYPTO_BINDING = 3
    CRYPTO_BINDING_REQ = 4


#: What a status means (section 2.2.7), in words of ours.
STATUSES: Final = {
    0x00000001: "a duplicate attribute",
    0x00000002: "an unknown attribute",
    0x00000003: "an attribute of a wrong length",
    0x00000004: "a wrong value of an attribute",
    0x00000005: "too many requests",
    0x00000006: "a needed attribute was missing",
    0x00000007: "wrong status information",
    0x00000008: "an unexpected message",
    0x00000009: "a wrong message",
    0x0000000A: "the negotiation timed out",
}


class SstpError(ValueError):
    """What came is no packet of this protocol."""


@dataclass(frozen=True, slots=True)
class Data:
    """A data packet: one PPP frame."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Control:
    """A control message. Type and attributes may be ones that we do not know."""

    kind: int
    attributes: tuple[tuple[int, bytes], ...] = ()

    def get(self, identifier: AttributeId) -> bytes | None:
        """Return the first attribute of that id."""
        return next((value for key, value in self.attributes if key == identifier), None)

    @property
    def status(self) -> int | None:
        """The status that a NAK, an abort or a disconnect gives (section 2.2.7)."""
        value = self.get(AttributeId.STATUS_INFO)
        return None if value is None or len(value) < 8 else int(struct.unpack_from("!I", value, 4)[0])


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """What the server wants the two authentications bound by (section 2.2.6)."""

    hashes: int
    nonce: bytes


def encode_data(frame: bytes) -> bytes:
    """Frame a PPP frame.

    :raises SstpError: when it is too large for the twelve bits of a length.
    """
    return _header(0, len(frame)) + frame


def encode_control(message: Control) -> bytes:
    """Frame a control message.

    :raises SstpError: when it is too large.
    """
    body = struct.pack("!HH", message.kind, len(message.attributes))
    for identifier, value in message.attributes:
        if len(value) + 4 > LARGEST:
            raise SstpError("an attribute is too large")
        body += struct.pack("!BBH", 0, identifier, len(value) + 4) + value
    return _header(1, len(body)) + body


def connect_request() -> bytes:
    """Ask for a call that carries PPP (section 2.2.9)."""
    protocol = (AttributeId.ENCAPSULATED_PROTOCOL_ID, struct.pack("!H", PPP))
    return encode_control(Control(MessageType.CALL_CONNECT_REQUEST, (protocol,)))


def opening_request(host: str, correlation: str) -> bytes:
    """Write the HTTP request that begins everything (section 3.2.4.1). ``correlation`` is a fresh GUID."""
    lines = (
        f"SSTP_DUPLEX_POST {PATH} HTTP/1.1",
        f"Host: {host}",
        f"SSTPCORRELATIONID: {{{correlation}}}",
        f"Content-Length: {ENDLESS}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def binding_request(message: Control) -> BindingRequest:
    """Read the Crypto Binding Request of an acknowledgement.

    :raises SstpError: when it has none, or one that can't be used.
    """
    value = message.get(AttributeId.CRYPTO_BINDING_REQ)
    if value is None or len(value) != 4 + NONCE_BYTES:
        raise SstpError("the server's acknowledgement does not say how to bind the two authentications")
    if not value[3] & (SHA1 | SHA256):
        raise SstpError("the server offers no hash that we know")
    return BindingRequest(value[3], value[4:])


def parse(body: bytes, *, control: bool) -> Data | Control:
    """Read what stands after the header of a packet.

    :raises SstpError: when it is malformed.
    """
    if not control:
        return Data(body)
    if len(body) < 4:
        raise SstpError("a control message is cut short")
    kind, count = struct.unpack_from("!HH", body)
    if count > MOST_ATTRIBUTES:
        raise SstpError("a control message has too many attributes")
    attributes = []
    rest = body[4:]
    for _ in range(count):
        if len(rest) < 4:
            raise SstpError("an attribute is cut short")
        identifier, length = rest[1], struct.unpack_from("!H", rest, 2)[0] & LARGEST
        if not 4 <= length <= len(rest):
            raise SstpError("an attribute has a wrong length")
        attributes.append((identifier, rest[4:length]))
        rest = rest[length:]
    return Control(kind, tuple(attributes))


class Deframer:
    """Cuts the stream into packets; holds less than one."""

    def __init__(self) -> None:
        self._received = b""

    def feed(self, data: bytes) -> list[Data | Control]:
        """Take in bytes and return the packets that are whole.

        :raises SstpError: when what comes is no packet.
        """
        self._received += data
        packets = []
        start = 0
        while len(self._received) - start >= HEADER_BYTES:
            version, flags, length = struct.unpack_from("!BBH", self._received, start)
            end = start + (length & LARGEST)
            if version != VERSION or end - start < HEADER_BYTES:
                raise SstpError("this is no packet of SSTP")
            if len(self._received) < end:
                break
            packets.append(parse(self._received[start + HEADER_BYTES : end], control=bool(flags & 1)))
            start = end
        self._received = self._received[start:]
        return packets


def _header(control: int, length: int) -> bytes:
    if length + HEADER_BYTES > LARGEST:
        raise SstpError("this packet is too large for the tunnel")
    return struct.pack("!BBH", VERSION, control, length + HEADER_BYTES)
