"""The messages of STUN (RFC 8489) and TURN (RFC 8656): bytes in, values out, and the other way round.

Everything from the network goes through :func:`decode`, which raises :class:`StunError` and nothing else. Integrity
is checked against the bytes as they came (:attr:`Message.raw`), because padding counts.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import ipaddress
import struct
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

#: RFC 8489, section 5.
MAGIC_COOKIE: Final = 0x2112A442
HEADER_BYTES: Final = 20
TRANSACTION_ID_BYTES: Final = 12
#: RFC 8656, section 12.4: channel number and length stand before channel data.
CHANNEL_HEADER_BYTES: Final = 4
#: Numbers that a client may bind (RFC 8656, section 12).
FIRST_CHANNEL: Final = 0x4000
LAST_CHANNEL: Final = 0x4FFF
#: RFC 8656, section 14.7: the protocol number of UDP.
REQUESTED_TRANSPORT_UDP: Final = bytes([17, 0, 0, 0])
#: RFC 8489, section 14.7.
_FINGERPRINT_XOR: Final = 0x5354554E
_SHA1_BYTES: Final = 20
_SHA256_BYTES: Final = 32
_IPV4: Final = 1
_IPV6: Final = 2


class StunError(ValueError):
    """The bytes are no STUN message."""


class Class(IntEnum):
    """What a message is (RFC 8489, section 5)."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


class Method(IntEnum):
    """What a message is about (RFC 8489, section 18.2; RFC 8656, section 17)."""

    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009


class Attribute(IntEnum):
    """Attribute types (RFC 8489, section 18.3; RFC 8656, section 18; RFC 5780, section 7)."""

    MAPPED_ADDRESS = 0x0001
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    DATA = 0x0013
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_TRANSPORT = 0x0019
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    PASSWORD_ALGORITHM = 0x001D
    USERHASH = 0x001E
    XOR_MAPPED_ADDRESS = 0x0020
    PASSWORD_ALGORITHMS = 0x8002
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028
    OTHER_ADDRESS = 0x802C


class PasswordAlgorithm(IntEnum):
    """How a long-term password becomes a key (RFC 8489, section 18.5.1)."""

    MD5 = 1
    SHA256 = 2


#: The name of attributes that must be ignored because they follow the integrity.
_IGNORED: Final = -1
_LAST: Final = (Attribute.MESSAGE_INTEGRITY, Attribute.MESSAGE_INTEGRITY_SHA256, Attribute.FINGERPRINT)


@dataclass(frozen=True, slots=True)
class Address:
    """A transport address inside a message. Its text form is for the wire and for comparing, never for reports."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    @property
    def family(self) -> str:
        """Return ``ipv4`` or ``ipv6``."""
        return f"ipv{self.ip.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A STUN message. ``raw`` are the bytes it was decoded from, empty for one of our own."""

    method: int
    kind: Class
    transaction_id: bytes
    attributes: tuple[tuple[int, bytes], ...] = ()
    raw: bytes = b""

    def get(self, attribute: Attribute) -> bytes | None:
        """Return the first value of ``attribute`` (later ones are to be ignored), ``None`` without one."""
        return next((value for name, value in self.attributes if name == attribute), None)

    def address(self, attribute: Attribute) -> Address | None:
        """Return an XOR address.

        :raises StunError: when the value is no address.
        """
        value = self.get(attribute)
        return None if value is None else unpack_xor_address(value, self.transaction_id)

    def plain_address(self, attribute: Attribute) -> Address | None:
        """Return an address that stands in the message as it is (RFC 8489, section 14.1).

        :raises StunError: when the value is no address.
        """
        value = self.get(attribute)
        if value is None:
            return None
        if (len(value), value[1:2]) not in {(8, b"\1"), (20, b"\2")}:
            raise StunError("no transport address")
        return Address(ipaddress.ip_address(value[4:]), int.from_bytes(value[2:4], "big"))

    @property
    def error_code(self) -> int | None:
        """Return the number of ERROR-CODE (300 to 699), ``None`` without one.

        :raises StunError: when the value is no error code.
        """
        value = self.get(Attribute.ERROR_CODE)
        if value is None:
            return None
        if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
            raise StunError("ERROR-CODE holds no error code")
        return (value[2] & 7) * 100 + value[3]

    def text(self, attribute: Attribute) -> str | None:
        """Return a UTF-8 value as text.

        :raises StunError: when it is not UTF-8.
        """
        value = self.get(attribute)
        try:
            return None if value is None else value.decode()
        except UnicodeDecodeError as exc:
            raise StunError("a text attribute is not UTF-8") from exc


def encode(
    message: Message,
    *,
    key: bytes | None = None,
    algorithm: PasswordAlgorithm = PasswordAlgorithm.MD5,
    fingerprint: bool = False,
) -> bytes:
    """Write a message; with a ``key`` it is signed (SHA-1, or SHA-256 if that is the ``algorithm``)."""
    body = b"".join(_attribute(name, value) for name, value in message.attributes)
    data = _header(message, len(body)) + body
    if key is not None:
        sha256 = algorithm is PasswordAlgorithm.SHA256
        name, size = (
            (Attribute.MESSAGE_INTEGRITY_SHA256, _SHA256_BYTES)
            if sha256
            else (Attribute.MESSAGE_INTEGRITY, _SHA1_BYTES)
        )
        signed = _with_length(data, len(data) + 4 + size)
        data = signed + _attribute(name, hmac.digest(key, signed, "sha256" if sha256 else "sha1"))
    if fingerprint:
        data = _with_length(data, len(data) + 8)
        data += _attribute(Attribute.FINGERPRINT, _fingerprint(data))
    return data


def decode(data: bytes) -> Message:
    """Read one whole message (RFC 8489, section 6.3).

    :raises StunError: when it is none, or its FINGERPRINT is wrong.
    """
    if len(data) < HEADER_BYTES:
        raise StunError("shorter than a STUN header")
    kind, length, cookie = struct.unpack_from("!HHI", data)
    if kind & 0xC000 or cookie != MAGIC_COOKIE or length % 4 or length != len(data) - HEADER_BYTES:
        raise StunError("not a STUN header")
    message = Message(
        # The class bits C1 and C0 stand at positions 8 and 4, in the middle of the method (RFC 8489, figure 3).
        method=(kind & 0x3E00) >> 2 | (kind & 0x00E0) >> 1 | kind & 0x000F,
        kind=Class((kind & 0x0100) >> 7 | (kind & 0x0010) >> 4),
        transaction_id=data[8:HEADER_BYTES],
        attributes=tuple(_attributes(data)),
        raw=data,
    )
    fingerprint = message.get(Attribute.FINGERPRINT)
    if fingerprint is not None and fingerprint != _fingerprint(data[:-8]):
        raise StunError("the FINGERPRINT is wrong")
    return message


def verify(message: Message, key: bytes) -> bool:
    """Tell whether a decoded message was signed with ``key`` (SHA-256 where it has that, else SHA-1)."""
    position = HEADER_BYTES
    found: dict[int, tuple[int, bytes]] = {}
    for name, value in message.attributes:
        found.setdefault(name, (position, value))
        position += 4 + len(value) + -len(value) % 4
    for attribute, digest in (
        (Attribute.MESSAGE_INTEGRITY_SHA256, "sha256"),
        (Attribute.MESSAGE_INTEGRITY, "sha1"),
    ):
        if attribute in found:
            start, tag = found[attribute]
            signed = _with_length(message.raw[:start], start + 4 + len(tag))
            # SHA-256 tags may be cut, to no less than 16 bytes (RFC 8489, section 14.6).
            full = hmac.digest(key, signed, digest)
            fits = len(tag) == len(full) or (digest == "sha256" and len(tag) >= 16 and len(tag) % 4 == 0)
            return fits and hmac.compare_digest(tag, full[: len(tag)])
    return False


def long_term_key(
    user: str, realm: str, password: str, algorithm: PasswordAlgorithm = PasswordAlgorithm.MD5
) -> bytes:
    """Return the key of a long-term credential (RFC 8489, section 9.2.2).

    User name and password are prepared as OpaqueString (RFC 8265, section 4.2) as far as it changes anything.
    """
    text = f"{unicodedata.normalize('NFC', user)}:{realm}:{unicodedata.normalize('NFC', password)}".encode()
    if algorithm is PasswordAlgorithm.SHA256:
        return hashlib.sha256(text).digest()
    return hashlib.md5(text, usedforsecurity=False).digest()


def pack_xor_address(address: Address, transaction_id: bytes) -> bytes:
    """Write an address as XOR-MAPPED-ADDRESS and its kin have it (RFC 8489, section 14.2)."""
    family = _IPV4 if address.ip.version == 4 else _IPV6
    port = address.port ^ MAGIC_COOKIE >> 16
    return struct.pack("!BBH", 0, family, port) + _xor(address.ip.packed, transaction_id)


def unpack_xor_address(value: bytes, transaction_id: bytes) -> Address:
    """Read an XOR address.

    :raises StunError: when it is none.
    """
    if (len(value), value[1:2]) not in {(8, b"\1"), (20, b"\2")}:
        raise StunError("no transport address")
    port = int.from_bytes(value[2:4], "big") ^ MAGIC_COOKIE >> 16
    return Address(ipaddress.ip_address(_xor(value[4:], transaction_id)), port)


def channel_data(channel: int, data: bytes, *, pad: bool) -> bytes:
    """Write ChannelData; over streams it is padded to four bytes (RFC 8656, section 12.5)."""
    return struct.pack("!HH", channel, len(data)) + data + bytes(-len(data) % 4 if pad else 0)


def parse_channel_data(frame: bytes) -> tuple[int, bytes] | None:
    """Return channel and data, ``None`` when the frame is no ChannelData."""
    if len(frame) < CHANNEL_HEADER_BYTES:
        return None
    channel, length = struct.unpack_from("!HH", frame)
    data = frame[CHANNEL_HEADER_BYTES : CHANNEL_HEADER_BYTES + length]
    if not FIRST_CHANNEL <= channel <= LAST_CHANNEL or len(data) < length:
        return None
    return channel, data


class Deframer:
    """Cuts a byte stream into STUN messages and ChannelData (RFC 8489, section 6.2.2; RFC 8656, section 12.5).

    A frame has at most 64 KiB, because lengths have 16 bits, so the buffer is bounded. Only the ``channel`` that was
    bound is channel data: "HTTP" in another's answer would be one, too.
    """

    def __init__(self, channel: int | None = None) -> None:
        self.channel = channel
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that are complete now.

        :raises StunError: when what came can't be the beginning of a frame.
        """
        self._buffer += data
        frames = []
        while len(self._buffer) >= CHANNEL_HEADER_BYTES:
            first, length = struct.unpack_from("!HH", self._buffer)
            if first & 0xC000 == 0:
                size = HEADER_BYTES + length
                if (
                    self._buffer[4:8] != MAGIC_COOKIE.to_bytes(4, "big")[: len(self._buffer) - 4]
                    or length % 4
                ):
                    raise StunError("not a STUN header")
            elif first == self.channel:
                size = CHANNEL_HEADER_BYTES + length + -length % 4
            else:
                raise StunError("neither STUN nor channel data")
            if len(self._buffer) < size:
                break
            frames.append(self._buffer[:size])
            self._buffer = self._buffer[size:]
        return frames


def _attributes(data: bytes) -> list[tuple[int, bytes]]:
    """Walk the attributes; what follows the integrity must be ignored, but for its own kind (section 14.5)."""
    attributes: list[tuple[int, bytes]] = []
    position = HEADER_BYTES
    signed = False
    while position < len(data):
        if len(data) - position < 4:
            raise StunError("an attribute is cut")
        name, length = struct.unpack_from("!HH", data, position)
        value = data[position + 4 : position + 4 + length]
        end = position + 4 + length + -length % 4
        if end > len(data):
            raise StunError("an attribute goes past the end")
        if name == Attribute.FINGERPRINT and (end != len(data) or length != 4):
            raise StunError("FINGERPRINT is not the last attribute")
        # What is ignored keeps its place without a name, for the positions of what follows.
        attributes.append((name if not signed or name in _LAST else _IGNORED, value))
        signed = signed or name in _LAST
        position = end
    return attributes


def _header(message: Message, length: int) -> bytes:
    method, kind = message.method, message.kind
    first = (method & 0xF80) << 2 | (method & 0x070) << 1 | method & 0x00F
    first |= (kind & 2) << 7 | (kind & 1) << 4
    return struct.pack("!HHI", first, length, MAGIC_COOKIE) + message.transaction_id


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def _with_length(data: bytes, total: int) -> bytes:
    """Return the message with the length that it has once it is ``total`` bytes long, header and all."""
    return data[:2] + (total - HEADER_BYTES).to_bytes(2, "big") + data[4:]


def _fingerprint(data: bytes) -> bytes:
    """Return FINGERPRINT of everything before it; the length in the header already counts it."""
    return (binascii.crc32(data) ^ _FINGERPRINT_XOR).to_bytes(4, "big")


def _xor(data: bytes, transaction_id: bytes) -> bytes:
    pad = MAGIC_COOKIE.to_bytes(4, "big") + transaction_id
    return bytes(left ^ right for left, right in zip(data, pad, strict=False))
