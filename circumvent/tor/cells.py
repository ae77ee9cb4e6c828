"""Cells: the units of Tor's link protocol (tor-spec, "Cells (messages on channels)").

Fixed cells carry 509 bytes, variable ones a length of their own. Circuit ids have 4 bytes since link protocol 4, and
2 bytes before it and in every VERSIONS cell.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from circumvent.tor.errors import TorError

# Specification.
PAYLOAD_BYTES: Final = 509  #: of a fixed cell
LINK_PROTOCOLS: Final = (3, 4, 5)  #: those that we speak: certificates in cells
_WIDE_CIRCUIT_IDS: Final = 4  #: since this link protocol they have four bytes
_IPV4, _IPV6 = 4, 6

# Ours.
#: Longest variable cell that is read, in bytes: tor's own CERTS cells have some 1,500.
LONGEST_VARIABLE: Final = 16 * 1024
#: Most certificates of one CERTS cell, and most addresses of one NETINFO cell.
MOST_CERTIFICATES: Final = 16
MOST_ADDRESSES: Final = 16


class Command(IntEnum):
    """Commands of cells (tor-spec, "Cell commands")."""

    PADDING = 0
    CREATE = 1
    RELAY = 3
    DESTROY = 4
    CREATE_FAST = 5
    CREATED_FAST = 6
    VERSIONS = 7
    NETINFO = 8
    VPADDING = 128
    CERTS = 129
    AUTH_CHALLENGE = 130


def is_variable(command: int) -> bool:
    """Tell whether cells of this command carry their own length."""
    return command == Command.VERSIONS or command >= Command.VPADDING


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. ``command`` may be one that we do not know: such cells are to be ignored."""

    circuit: int
    command: int
    payload: bytes


def encode(cell: Cell, protocol: int | None) -> bytes:
    """Return the bytes of a cell; ``protocol`` is ``None`` until a link protocol is agreed.

    :raises ValueError: when the payload does not fit.
    """
    wide = protocol is not None and protocol >= _WIDE_CIRCUIT_IDS
    head = struct.pack("!IB" if wide else "!HB", cell.circuit, cell.command)
    if is_variable(cell.command):
        return head + struct.pack("!H", len(cell.payload)) + cell.payload
    if len(cell.payload) > PAYLOAD_BYTES:
        raise ValueError(f"a fixed cell holds {PAYLOAD_BYTES} bytes")
    return head + cell.payload.ljust(PAYLOAD_BYTES, b"\0")


class Decoder:
    """Cuts a stream of bytes into cells."""

    def __init__(self) -> None:
        #: The link protocol, to be set as soon as it is agreed.
        self.protocol: int | None = None
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data

    def next_cell(self) -> Cell | None:
        """Return the next cell, ``None`` until more bytes are there.

        One at a time, because a VERSIONS cell decides how the next one is read.

        :raises TorError: for what no relay sends: the peer speaks something else.
        """
        wide = self.protocol is not None and self.protocol >= _WIDE_CIRCUIT_IDS
        head = 5 if wide else 3
        if len(self._buffer) < head:
            return None
        circuit, command = struct.unpack_from("!IB" if wide else "!HB", self._buffer)
        if self.protocol is None and command != Command.VERSIONS:
            raise TorError("the first cell is not VERSIONS")
        if is_variable(command):
            if len(self._buffer) < head + 2:
                return None
            (length,) = struct.unpack_from("!H", self._buffer, head)
            if length > LONGEST_VARIABLE:
                raise TorError("a cell is too long")
            head += 2
        else:
            length = PAYLOAD_BYTES
        if len(self._buffer) < head + length:
            return None
        payload = bytes(self._buffer[head : head + length])
        del self._buffer[: head + length]
        return Cell(circuit, command, payload)


def versions(offered: tuple[int, ...] = LINK_PROTOCOLS) -> Cell:
    """Return a VERSIONS cell that offers link protocols."""
    return Cell(0, Command.VERSIONS, struct.pack(f"!{len(offered)}H", *offered))


def agree(cell: Cell, offered: tuple[int, ...] = LINK_PROTOCOLS) -> int:
    """Return the highest link protocol that both sides know (tor-spec, "VERSIONS cells").

    :raises TorError: when there is none.
    """
    if len(cell.payload) % 2:
        raise TorError("a VERSIONS cell of odd length")
    theirs: set[int] = {number for (number,) in struct.iter_unpack("!H", cell.payload)}
    common = theirs & set(offered)
    if not common:
        raise TorError("no link protocol in common")
    return max(common)


@dataclass(frozen=True, slots=True)
class Certificate:
    """An entry of a CERTS cell: its type (cert-spec) and its bytes."""

    kind: int
    body: bytes


def read_certs(payload: bytes) -> tuple[Certificate, ...]:
    """Read a CERTS cell (tor-spec, "CERTS cells").

    :raises TorError: when it is broken.
    """
    if not payload or payload[0] > MOST_CERTIFICATES:
        raise TorError("a CERTS cell that holds none, or too many")
    found, position = [], 1
    for _ in range(payload[0]):
        if position + 3 > len(payload):
            raise TorError("a CERTS cell that ends early")
        kind, length = struct.unpack_from("!BH", payload, position)
        position += 3
        if position + length > len(payload):
            raise TorError("a CERTS cell that ends early")
        found.append(Certificate(kind, payload[position : position + length]))
        position += length
    return tuple(found)


def read_auth_challenge(payload: bytes) -> tuple[int, ...]:
    """Return the methods of an AUTH_CHALLENGE cell; clients do not answer it (tor-spec, "AUTH_CHALLENGE cells").

    :raises TorError: when it is broken.
    """
    if len(payload) < 34:
        raise TorError("an AUTH_CHALLENGE cell that ends early")
    (count,) = struct.unpack_from("!H", payload, 32)
    if len(payload) < 34 + 2 * count:
        raise TorError("an AUTH_CHALLENGE cell that ends early")
    return struct.unpack_from(f"!{count}H", payload, 34)


@dataclass(frozen=True, slots=True, kw_only=True)
class Netinfo:
    """A NETINFO cell: the sender's clock (seconds since 1970), how it sees us, and its own addresses."""

    time: int
    other: str | None
    own: tuple[str, ...]


def netinfo(peer: str | None) -> Cell:
    """Return the NETINFO cell of a client: no clock, no addresses, and the peer's if known (tor-spec)."""
    other = b"\x04\x04\0\0\0\0" if peer is None else _pack_address(peer)
    return Cell(0, Command.NETINFO, bytes(4) + other + b"\0")


def _pack_address(address: str) -> bytes:
    packed = ipaddress.ip_address(address).packed
    return bytes((_IPV4 if len(packed) == 4 else _IPV6, len(packed))) + packed


def read_netinfo(payload: bytes) -> Netinfo:
    """Read a NETINFO cell.

    :raises TorError: when it is broken.
    """
    (time,) = struct.unpack_from("!I", payload.ljust(4, b"\0"))
    other, position = _read_address(payload, 4)
    if position >= len(payload) or payload[position] > MOST_ADDRESSES:
        raise TorError("a NETINFO cell that ends early, or names too many addresses")
    own: list[str] = []
    count, position = payload[position], position + 1
    for _ in range(count):
        address, position = _read_address(payload, position)
        own += [address] if address is not None else []
    return Netinfo(time=time, other=other, own=tuple(own))


def _read_address(payload: bytes, position: int) -> tuple[str | None, int]:
    """Return an address (``None`` for a type or length that is not known) and where the next thing begins."""
    if position + 2 > len(payload):
        raise TorError("a NETINFO cell that ends early")
    kind, length = payload[position], payload[position + 1]
    end = position + 2 + length
    if end > len(payload):
        raise TorError("a NETINFO cell that ends early")
    value = payload[position + 2 : end]
    if (kind, length) in ((_IPV4, 4), (_IPV6, 16)):
        return str(ipaddress.ip_address(value)), end
    return None, end
