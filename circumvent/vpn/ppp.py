"""The Point-to-Point Protocol: frames, control packets, options (RFC 1661, RFC 1662; CHAP: RFC 1994; PAP: RFC 1334).

Pure layout; what a client does with it is in :mod:`circumvent.vpn.ppp_client`.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Final

#: Address and control field before the protocol (RFC 1662, section 3.1); both may be left out once agreed.
ADDRESS_CONTROL: Final = b"\xff\x03"
#: A control packet says its own length in two bytes; ours and theirs are far smaller.
LARGEST: Final = 4096
MOST_OPTIONS: Final = 64
CHAP_MD: Final = struct.pack("!HB", 0xC223, 0x81)  # MS-CHAPv2 (RFC 2759, section 2)
PAP_ONLY: Final = struct.pack("!H", 0xC023)


class Protocol(enum.IntEnum):
    """The protocol field of a frame."""

    IPV4 = 0x0021
    IPCP = 0x8021
    LCP = 0xC021
    PAP = 0xC023
    CHAP = 0xC223


class Code(enum.IntEnum):
    """Codes of LCP, of which the network control protocols have the first seven (RFC 1661, section 5)."""

    CONFIGURE_REQUEST = 1
    CONFIGURE_ACK = 2
    CONFIGURE_NAK = 3
    CONFIGURE_REJECT = 4
    TERMINATE_REQUEST = 5
    TERMINATE_ACK = 6
    CODE_REJECT = 7
    PROTOCOL_REJECT = 8
    ECHO_REQUEST = 9
    ECHO_REPLY = 10
    DISCARD_REQUEST = 11


class ChapCode(enum.IntEnum):
    """Codes of CHAP (RFC 1994, section 4)."""

    CHALLENGE = 1
    RESPONSE = 2
    SUCCESS = 3
    FAILURE = 4


class PapCode(enum.IntEnum):
    """Codes of PAP (RFC 1334, section 2.2)."""

    REQUEST = 1
    ACK = 2
    NAK = 3


class LcpOption(enum.IntEnum):
    """Options of LCP that we know (RFC 1661, section 6; RFC 1662, section 7)."""

    MRU = 1
    ACCM = 2
    AUTHENTICATION = 3
    MAGIC = 5
    PROTOCOL_COMPRESSION = 7
    ADDRESS_COMPRESSION = 8


class IpcpOption(enum.IntEnum):
    """Options of IPCP (RFC 1332, section 3; RFC 1877, section 1)."""

    ADDRESS = 3
    DNS = 129
    SECOND_DNS = 131


class PppError(ValueError):
    """What came is not PPP."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: its protocol, which may be one that we do not know, and what it carries."""

    protocol: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """A control packet of LCP, IPCP, CHAP or PAP."""

    code: int
    identifier: int
    data: bytes = b""


Options = tuple[tuple[int, bytes], ...]


def encode_frame(protocol: int, payload: bytes) -> bytes:
    """Write a frame with address and control field, which every receiver takes."""
    return ADDRESS_CONTROL + struct.pack("!H", protocol) + payload


def parse_frame(data: bytes) -> Frame:
    """Read a frame, with or without address and control field, with a protocol of one or two bytes.

    :raises PppError: when it is too short to be one.
    """
    rest = data.removeprefix(ADDRESS_CONTROL)
    if rest and rest[0] & 1:  # compressed (RFC 1661, section 6.5)
        return Frame(rest[0], rest[1:])
    if len(rest) < 2 or not rest[1] & 1:
        raise PppError("this is no PPP frame")
    return Frame(struct.unpack_from("!H", rest)[0], rest[2:])


def encode_packet(packet: Packet) -> bytes:
    """Write a control packet."""
    return struct.pack("!BBH", packet.code, packet.identifier, len(packet.data) + 4) + packet.data


def parse_packet(data: bytes) -> Packet:
    """Read a control packet; what stands after its length is padding.

    :raises PppError: when it is cut short, or too large.
    """
    if len(data) < 4:
        raise PppError("a control packet is cut short")
    code, identifier, length = struct.unpack_from("!BBH", data)
    if not 4 <= length <= len(data) or length > LARGEST:
        raise PppError("a control packet has a wrong length")
    return Packet(code, identifier, data[4:length])


def encode_options(options: Options) -> bytes:
    """Write options: type, length with these two bytes, value."""
    return b"".join(bytes([kind, len(value) + 2]) + value for kind, value in options)


def parse_options(data: bytes) -> Options:
    """Read options.

    :raises PppError: when one has a wrong length, or there are too many.
    """
    options: list[tuple[int, bytes]] = []
    while data:
        if len(data) < 2 or not 2 <= data[1] <= len(data) or len(options) >= MOST_OPTIONS:
            raise PppError("the options of a control packet are malformed")
        options.append((data[0], data[2 : data[1]]))
        data = data[data[1] :]
    return tuple(options)


def parse_challenge(data: bytes) -> bytes:
    """Return the value of a CHAP challenge (RFC 1994, section 4.1).

    :raises PppError: when it is cut short.
    """
    if not data or len(data) < 1 + data[0]:
        raise PppError("a challenge is cut short")
    return data[1 : 1 + data[0]]


def encode_response(value: bytes, name: bytes) -> bytes:
    """Write the data of a CHAP response."""
    return bytes([len(value)]) + value + name


def encode_credentials(name: bytes, password: bytes) -> bytes:
    """Write the data of a PAP request (RFC 1334, section 2.2.1).

    :raises ValueError: when one is longer than 255 bytes.
    """
    return bytes([len(name)]) + name + bytes([len(password)]) + password
