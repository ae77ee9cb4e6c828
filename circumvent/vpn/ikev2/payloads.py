"""What stands in the payloads (RFC 7296, sections 3.3 to 3.15)."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import FIRST_STATUS, CfgAttribute, Kind, Protocol

if TYPE_CHECKING:
    from circumvent.vpn.ikev2.message import Message

#: Bounds on what is read: proposals, transforms of one, selectors, attributes.
MOST_PROPOSALS: Final = 32
MOST_TRANSFORMS: Final = 128
MOST_SELECTORS: Final = 64
MOST_ATTRIBUTES: Final = 64

#: RFC 7296, section 3.3.5: the only attribute of transforms, a key length in bits, in the short format.
_KEY_LENGTH: Final = 0x800E
_MORE_PROPOSALS: Final = 2
_MORE_TRANSFORMS: Final = 3
#: RFC 7296, section 3.13.1.
_SELECTOR_FAMILIES: Final = {7: 4, 8: 16}


@dataclass(frozen=True, slots=True)
class Transform:
    """One algorithm: its type, its number, and its key length in bits where it has one."""

    kind: int
    number: int
    key_length: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Algorithms that go together, for one protocol."""

    number: int
    protocol: int
    spi: bytes
    transforms: tuple[Transform, ...]


def pack_sa(proposals: tuple[Proposal, ...]) -> bytes:
    """Write the body of an SA payload."""
    return b"".join(_pack_proposal(proposal, last=proposal is proposals[-1]) for proposal in proposals)


def _pack_proposal(proposal: Proposal, *, last: bool) -> bytes:
    transforms = b"".join(
        _pack_transform(transform, last=position == len(proposal.transforms))
        for position, transform in enumerate(proposal.transforms, start=1)
    )
    length = 8 + len(proposal.spi) + len(transforms)
    head = struct.pack(
        "!BBHBBBB",
        0 if last else _MORE_PROPOSALS,
        0,
        length,
        proposal.number,
        proposal.protocol,
        len(proposal.spi),
        len(proposal.transforms),
    )
    return head + proposal.spi + transforms


def _pack_transform(transform: Transform, *, last: bool) -> bytes:
    attributes = (
        b"" if transform.key_length is None else struct.pack("!HH", _KEY_LENGTH, transform.key_length)
    )
    more = 0 if last else _MORE_TRANSFORMS
    head = struct.pack("!BBHBBH", more, 0, 8 + len(attributes), transform.kind, 0, transform.number)
    return head + attributes


def parse_sa(body: bytes) -> tuple[Proposal, ...]:
    """Read the body of an SA payload.

    :raises IkeError: when it is malformed.
    """
    proposals: list[Proposal] = []
    rest = body
    while rest:
        if len(rest) < 8 or len(proposals) >= MOST_PROPOSALS:
            raise IkeError("a malformed proposal")
        _, _, length, number, protocol, spi_size, count = struct.unpack_from("!BBHBBBB", rest)
        if not 8 + spi_size <= length <= len(rest):
            raise IkeError("a proposal has an impossible length")
        transforms = _parse_transforms(rest[8 + spi_size : length])
        if len(transforms) != count:
            raise IkeError("a proposal has another number of transforms than it says")
        proposals.append(Proposal(number, protocol, rest[8 : 8 + spi_size], transforms))
        rest = rest[length:]
    return tuple(proposals)


def _parse_transforms(data: bytes) -> tuple[Transform, ...]:
    transforms: list[Transform] = []
    rest = data
    while rest:
        if len(rest) < 8 or len(transforms) >= MOST_TRANSFORMS:
            raise IkeError("a malformed transform")
        _, _, length, kind, _, number = struct.unpack_from("!BBHBBH", rest)
        if not 8 <= length <= len(rest):
            raise IkeError("a transform has an impossible length")
        transforms.append(Transform(kind, number, _parse_key_length(rest[8:length])))
        rest = rest[length:]
    return tuple(transforms)


def _parse_key_length(attributes: bytes) -> int | None:
    """Return the key length; an attribute that is not known makes the transform unusable (section 3.3.6)."""
    if not attributes:
        return None
    if len(attributes) != 4 or struct.unpack_from("!H", attributes)[0] != _KEY_LENGTH:
        raise IkeError("a transform with an unknown attribute")
    return int.from_bytes(attributes[2:], "big")


def pack_ke(group: int, public: bytes) -> bytes:
    """Write the body of a KE payload (section 3.4)."""
    return struct.pack("!HH", group, 0) + public


def parse_ke(body: bytes) -> tuple[int, bytes]:
    """Return group and public value of a KE payload.

    :raises IkeError: when it is too short.
    """
    if len(body) < 5:
        raise IkeError("a malformed KE payload")
    return int.from_bytes(body[:2], "big"), body[4:]


@dataclass(frozen=True, slots=True)
class Notification:
    """A notify payload (section 3.10)."""

    number: int
    data: bytes = b""
    protocol: int = 0
    spi: bytes = b""

    @property
    def is_error(self) -> bool:
        """Tell whether it reports an error."""
        return self.number < FIRST_STATUS

    def pack(self) -> bytes:
        """Write the body."""
        return struct.pack("!BBH", self.protocol, len(self.spi), self.number) + self.spi + self.data


def parse_notify(body: bytes) -> Notification:
    """Read a notify payload.

    :raises IkeError: when it is malformed.
    """
    if len(body) < 4 or len(body) < 4 + body[1]:
        raise IkeError("a malformed notification")
    protocol, spi_size, number = struct.unpack_from("!BBH", body)
    return Notification(number, body[4 + spi_size :], protocol, body[4 : 4 + spi_size])


def notifications(message: Message) -> list[Notification]:
    """Return the notifications of a message.

    :raises IkeError: when one is malformed.
    """
    return [parse_notify(body) for body in message.all(Kind.NOTIFY)]


def pack_typed(kind: int, data: bytes) -> bytes:
    """Write the body of an ID or AUTH payload: a type, three reserved bytes, data (sections 3.5 and 3.8)."""
    return struct.pack("!B3x", kind) + data


def parse_typed(body: bytes) -> tuple[int, bytes]:
    """Return type and data of an ID or AUTH payload.

    :raises IkeError: when it is too short.
    """
    if len(body) < 4:
        raise IkeError("a malformed ID or AUTH payload")
    return body[0], body[4:]


def pack_cert(encoding: int, data: bytes) -> bytes:
    """Write the body of a CERT or CERTREQ payload (sections 3.6 and 3.7)."""
    return bytes([encoding]) + data


def parse_cert(body: bytes) -> tuple[int, bytes]:
    """Return encoding and data of a CERT payload.

    :raises IkeError: when it is empty.
    """
    if not body:
        raise IkeError("a malformed CERT payload")
    return body[0], body[1:]


@dataclass(frozen=True, slots=True)
class Selector:
    """Addresses of one end, all protocols and ports unless said otherwise (section 3.13.1)."""

    first: ipaddress.IPv4Address | ipaddress.IPv6Address
    last: ipaddress.IPv4Address | ipaddress.IPv6Address
    protocol: int = 0
    ports: tuple[int, int] = (0, 0xFFFF)


EVERYTHING: Final = (
    Selector(ipaddress.IPv4Address(0), ipaddress.IPv4Address(2**32 - 1)),
    Selector(ipaddress.IPv6Address(0), ipaddress.IPv6Address(2**128 - 1)),
)


def pack_selectors(selectors: tuple[Selector, ...]) -> bytes:
    """Write the body of a TSi or TSr payload (section 3.13)."""
    parts = [struct.pack("!B3x", len(selectors))]
    for one in selectors:
        size = 8 + 2 * len(one.first.packed)
        kind = 7 if one.first.version == 4 else 8
        parts.append(struct.pack("!BBHHH", kind, one.protocol, size, *one.ports))
        parts.append(one.first.packed + one.last.packed)
    return b"".join(parts)


def parse_selectors(body: bytes) -> tuple[Selector, ...]:
    """Read the body of a TSi or TSr payload; selectors of unknown types are left out.

    :raises IkeError: when it is malformed.
    """
    if len(body) < 4 or body[0] > MOST_SELECTORS:
        raise IkeError("malformed traffic selectors")
    selectors: list[Selector] = []
    position = 4
    for _ in range(body[0]):
        if len(body) - position < 8:
            raise IkeError("a traffic selector is cut short")
        kind, protocol, length, low, high = struct.unpack_from("!BBHHH", body, position)
        if not 8 <= length <= len(body) - position:
            raise IkeError("a traffic selector has an impossible length")
        size = _SELECTOR_FAMILIES.get(kind)
        if size is not None:
            if length != 8 + 2 * size:
                raise IkeError("a traffic selector has an impossible length")
            start = position + 8
            first, last = body[start : start + size], body[start + size : start + 2 * size]
            selectors.append(
                Selector(ipaddress.ip_address(first), ipaddress.ip_address(last), protocol, (low, high))
            )
        position += length
    return tuple(selectors)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a configuration reply gave us (section 3.15): our addresses inside, resolvers."""

    addresses: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()


def pack_configuration_request(attributes: tuple[int, ...]) -> bytes:
    """Write the body of a CP payload that asks for ``attributes``."""
    return struct.pack("!B3x", 1) + b"".join(struct.pack("!HH", number, 0) for number in attributes)


def parse_configuration(body: bytes) -> tuple[int, Configuration]:
    """Return the type of a CP payload, and what of it is of use here.

    :raises IkeError: when it is malformed.
    """
    if len(body) < 4:
        raise IkeError("a malformed configuration")
    addresses: list[str] = []
    resolvers: list[str] = []
    position, count = 4, 0
    while position < len(body):
        if len(body) - position < 4 or count >= MOST_ATTRIBUTES:
            raise IkeError("a malformed configuration attribute")
        number, length = struct.unpack_from("!HH", body, position)
        value = body[position + 4 : position + 4 + length]
        if len(value) != length:
            raise IkeError("a configuration attribute is cut short")
        position += 4 + length
        count += 1
        sort = _ADDRESS_BYTES.get(number & 0x7FFF)
        if sort is not None and length >= sort[0]:
            (addresses if sort[1] else resolvers).append(str(ipaddress.ip_address(value[: sort[0]])))
    return body[0], Configuration(tuple(dict.fromkeys(addresses)), tuple(dict.fromkeys(resolvers)))


#: Attribute to the bytes of its address, and whether that is ours; an IPv6 address has its prefix length behind it.
_ADDRESS_BYTES: Final = {
    int(CfgAttribute.IP4_ADDRESS): (4, True),
    int(CfgAttribute.IP4_DNS): (4, False),
    int(CfgAttribute.IP6_ADDRESS): (16, True),
    int(CfgAttribute.IP6_DNS): (16, False),
}


def pack_delete_ike() -> bytes:
    """Write the body of a DELETE payload for the IKE SA itself, which needs no SPI (section 3.11)."""
    return struct.pack("!BBH", Protocol.IKE, 0, 0)


def deletes(body: bytes) -> int:
    """Return of which protocol a DELETE payload deletes something.

    :raises IkeError: when it is malformed.
    """
    if len(body) < 4:
        raise IkeError("a malformed DELETE payload")
    return body[0]
