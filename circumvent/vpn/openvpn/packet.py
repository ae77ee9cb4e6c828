"""Packets of the control channel, and packets in a byte stream (draft-openvpn-wire-protocol, sections 2 and 3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

#: Octets of a session id.
SESSION_ID: Final = 8
#: Acknowledgements in one packet: all that a receiver keeps.
MOST_ACKS: Final = 8
#: Nothing that belongs to the protocol is longer, in octets (a stream says the length in 16 bits).
LONGEST: Final = 0xFFFF


class Opcode(IntEnum):
    """Kinds of packet; the high five bits of the first octet."""

    SOFT_RESET = 3
    CONTROL = 4
    ACK = 5
    DATA_V1 = 6
    RESET_CLIENT = 7
    RESET_SERVER = 8
    DATA_V2 = 9
    RESET_CLIENT_V3 = 10
    CONTROL_WKC = 11


DATA: Final = frozenset({Opcode.DATA_V1, Opcode.DATA_V2})
_CONTROL: Final = frozenset(Opcode) - DATA


class PacketError(ValueError):
    """These octets are no packet of the protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPacket:
    """One packet of the control channel, unwrapped.

    ``session_id`` is the sender's; ``peer_session_id`` stands beside acknowledgements; ``packet_id`` is absent in
    pure acknowledgements.
    """

    opcode: Opcode
    session_id: bytes
    key_id: int = 0
    acks: tuple[int, ...] = ()
    peer_session_id: bytes | None = None
    packet_id: int | None = None
    payload: bytes = b""


def first_octet(opcode: Opcode, key_id: int) -> int:
    """Return the first octet: kind and key."""
    return opcode << 3 | key_id


def read_first_octet(octet: int) -> tuple[Opcode, int]:
    """Return kind and key.

    :raises PacketError: for a kind that does not exist.
    """
    try:
        return Opcode(octet >> 3), octet & 7
    except ValueError:
        raise PacketError("no kind of packet") from None


def encode_head(packet: ControlPacket) -> bytes:
    """Return what stands in clear before everything else: first octet and session id."""
    return bytes((first_octet(packet.opcode, packet.key_id),)) + packet.session_id


def encode_body(packet: ControlPacket) -> bytes:
    """Return what follows the head: acknowledgements, packet id, payload."""
    body = bytes((len(packet.acks),)) + struct.pack(f"!{len(packet.acks)}I", *packet.acks)
    if packet.acks:
        if packet.peer_session_id is None:
            raise ValueError("acknowledgements name the session of the peer")
        body += packet.peer_session_id
    if packet.packet_id is not None:
        body += struct.pack("!I", packet.packet_id)
    return body + packet.payload


def read_head(data: bytes) -> tuple[Opcode, int, bytes]:
    """Return kind, key and session id of a control packet.

    :raises PacketError: when it is none.
    """
    if len(data) < 1 + SESSION_ID:
        raise PacketError("too short for a control packet")
    opcode, key_id = read_first_octet(data[0])
    if opcode not in _CONTROL:
        raise PacketError("not of the control channel")
    return opcode, key_id, data[1 : 1 + SESSION_ID]


def decode(head: bytes, body: bytes) -> ControlPacket:
    """Read an unwrapped control packet.

    :raises PacketError: when it is none.
    """
    opcode, key_id, session_id = read_head(head)
    if not body:
        raise PacketError("no acknowledgement count")
    count = body[0]
    if count > MOST_ACKS:
        raise PacketError("more acknowledgements than a packet holds")
    place = 1 + 4 * count
    if len(body) < place:
        raise PacketError("acknowledgements cut short")
    acks = struct.unpack_from(f"!{count}I", body, 1)
    peer: bytes | None = None
    if count:
        peer = body[place : place + SESSION_ID]
        place += SESSION_ID
        if len(body) < place:
            raise PacketError("the session of the acknowledgements is cut short")
    packet_id: int | None = None
    if opcode is not Opcode.ACK:
        if len(body) < place + 4:
            raise PacketError("no packet id")
        (packet_id,) = struct.unpack_from("!I", body, place)
        place += 4
    return ControlPacket(
        opcode=opcode,
        key_id=key_id,
        session_id=session_id,
        acks=acks,
        peer_session_id=peer,
        packet_id=packet_id,
        payload=body[place:],
    )


def encode_stream(data: bytes) -> bytes:
    """Return a packet as it stands in a stream: behind its length."""
    return struct.pack("!H", len(data)) + data


class StreamReader:
    """Cuts a byte stream into packets (section 2.1 of the draft)."""

    def __init__(self, first: Opcode | None = None) -> None:
        """``first`` is what the first packet must be: whatever else answers is found out by its third octet."""
        self._held = b""
        self._first = first

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived and return the packets that are whole now.

        :raises PacketError: when the stream holds an empty packet, which no peer sends, or begins with another.
        """
        self._held += data
        if self._first is not None and len(self._held) > 2:
            if self._held[2] != first_octet(self._first, 0):
                raise PacketError("another first packet")
            self._first = None
        whole = []
        while len(self._held) >= 2:
            length = int.from_bytes(self._held[:2], "big")
            if length == 0:
                raise PacketError("an empty packet in the stream")
            if len(self._held) < 2 + length:
                break
            whole.append(self._held[2 : 2 + length])
            self._held = self._held[2 + length :]
        return whole
