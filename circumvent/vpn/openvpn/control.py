"""The control channel of one session: a reliable stream of octets for TLS, inside wrapped packets.

Datagrams go in by :meth:`ControlChannel.receive` and come out of :meth:`ControlChannel.flush`; time is an argument.
The session begins with our reset (``P_CONTROL_HARD_RESET_CLIENT_V2``, with tls-crypt-v2 ``_V3``), which the server
answers with its own; a server that keeps no state until then asks in its reset for our wrapped key once more
(early negotiation, doc/tls-crypt-v2.txt).
"""

from __future__ import annotations

from typing import Final

from circumvent.vpn.openvpn.packet import (
    MOST_ACKS,
    ControlPacket,
    Opcode,
    PacketError,
    decode,
    encode_body,
    encode_head,
)
from circumvent.vpn.openvpn.reliability import Receiver, Sender
from circumvent.vpn.openvpn.wrap import TlsCryptV2, WrapError, Wrapping

#: Octets of TLS in one packet: with every wrapping and IPv6 it fits into 1280 octets, the least that IPv6 carries.
CHUNK: Final = 1100
#: Acknowledgements beside a payload (``CONTROL_SEND_ACK_MAX``).
_ACKS_BESIDE: Final = 4
#: What the server sends before we read it is bounded: no handshake is longer, in octets.
_MOST_HELD: Final = 256 * 1024
#: A type, a length, and a flag of early negotiation.
_TLV_FLAGS: Final = 1
_RESEND_WRAPPED_KEY: Final = 1


class ControlChannel:
    """One session with a server, from our reset on."""

    def __init__(self, wrapping: Wrapping, session_id: bytes, *, reliable: bool = False) -> None:
        """Begin a session; ``reliable`` tells that it runs over a stream, where nothing is sent twice."""
        self._wrapping = wrapping
        self._sender = Sender(repeats=not reliable)
        self._receiver = Receiver()
        self._outgoing = bytearray()
        self._incoming = bytearray()
        self._wants_wrapped_key = False
        self.session_id = session_id
        self.peer_session_id: bytes | None = None
        #: Whether the server's reset has come.
        self.answered = False
        #: Seconds from a packet of ours to its acknowledgement, where that is known.
        self.round_trip: float | None = None
        #: Datagrams that were not part of this session.
        self.ignored = 0
        v3 = isinstance(wrapping, TlsCryptV2)
        self._sender.queue(Opcode.RESET_CLIENT_V3 if v3 else Opcode.RESET_CLIENT, b"")

    @property
    def repeated(self) -> int:
        """Return how many packets were sent again."""
        return self._sender.repeated

    def receive(self, data: bytes, now: float) -> bool:
        """Take a datagram; tell whether it is part of this session.

        What does not authenticate, or belongs to another session, is counted and changes nothing.
        """
        try:
            packet = decode(*self._wrapping.unwrap(data))
            self._require_ours(packet)
        except (PacketError, WrapError):
            self.ignored += 1
            return False
        round_trip = self._sender.acknowledge(packet.acks, now)
        if round_trip is not None:
            self.round_trip = round_trip
        if packet.packet_id is None:
            return True
        if packet.opcode is Opcode.RESET_SERVER and not self.answered:
            self.answered = True
            self.peer_session_id = packet.session_id
            self._negotiate(packet.payload)
            self._receiver.accept(packet.packet_id, b"")
        elif self.answered and len(self._incoming) <= _MOST_HELD:
            self._receiver.accept(
                packet.packet_id, packet.payload if packet.opcode is Opcode.CONTROL else b""
            )
        for payload in self._receiver.take():
            self._incoming += payload
        return True

    def read(self) -> bytes:
        """Return what arrived for TLS since the last call."""
        data = bytes(self._incoming)
        self._incoming.clear()
        return data

    def write(self, data: bytes) -> None:
        """Take octets of TLS to be sent."""
        self._outgoing += data

    @property
    def settled(self) -> bool:
        """Tell whether everything that we sent has been acknowledged."""
        return not self._outgoing and not self._sender.waiting

    def flush(self, now: float) -> list[bytes]:
        """Return the datagrams that are to leave now."""
        while self._outgoing and self.answered and self._sender.room > 0:
            size = CHUNK
            opcode = Opcode.CONTROL
            if self._wants_wrapped_key and isinstance(self._wrapping, TlsCryptV2):
                opcode = Opcode.CONTROL_WKC
                size -= self._wrapping.wrapped_key_size
                self._wants_wrapped_key = False
            payload = bytes(self._outgoing[: max(size, 64)])
            del self._outgoing[: len(payload)]
            self._sender.queue(opcode, payload)
        datagrams = [
            self._packet(each.opcode, _ACKS_BESIDE, each.packet_id, each.payload)
            for each in self._sender.due(now)
        ]
        while self._receiver.owes:
            datagrams.append(self._packet(Opcode.ACK, MOST_ACKS, None, b""))
        return datagrams

    def next_time(self) -> float | None:
        """Return when :meth:`flush` has something to send again, if nothing arrives before."""
        return self._sender.next_time()

    def _packet(self, opcode: Opcode, acks: int, packet_id: int | None, payload: bytes) -> bytes:
        packet = ControlPacket(
            opcode=opcode,
            session_id=self.session_id,
            acks=self._receiver.acks(acks) if self.peer_session_id is not None else (),
            peer_session_id=self.peer_session_id,
            packet_id=packet_id,
            payload=payload,
        )
        return self._wrapping.wrap(encode_head(packet), encode_body(packet))

    def _require_ours(self, packet: ControlPacket) -> None:
        """Refuse what another session said, and a change of keys, which no session of ours lives to see.

        :raises PacketError: when it is such.
        """
        if packet.key_id != 0 or packet.opcode in (
            Opcode.SOFT_RESET,
            Opcode.RESET_CLIENT,
            Opcode.RESET_CLIENT_V3,
        ):
            raise PacketError("not for this session")
        if packet.acks and packet.peer_session_id != self.session_id:
            raise PacketError("an answer to another session")
        if self.peer_session_id is None:
            if packet.opcode is not Opcode.RESET_SERVER or not packet.acks:
                raise PacketError("no answer to our reset")
        elif packet.session_id != self.peer_session_id:
            raise PacketError("of another session")

    def _negotiate(self, payload: bytes) -> None:
        """Read what a server of OpenVPN 2.6 says in its reset: type, length and value, several times."""
        while len(payload) >= 4:
            kind, length = int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big")
            value, payload = payload[4 : 4 + length], payload[4 + length :]
            if kind == _TLV_FLAGS and len(value) == 2:
                self._wants_wrapped_key = bool(int.from_bytes(value, "big") & _RESEND_WRAPPED_KEY)
