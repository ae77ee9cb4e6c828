"""Triggers on tunnels: the handshakes of OpenVPN and WireGuard, and the sizes of the first packets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.lab.blocking import Judgement
from circumvent.lab.dns import read_question
from circumvent.lab.flow import MOST_FIRST, UP
from circumvent.lab.packet import TCP, UDP
from circumvent.lab.rules.encrypted import looks_fully_encrypted

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight

#: P_CONTROL_HARD_RESET_CLIENT_V2 and _V3 (OpenVPN's ssl_pkt.h), key ID 0: the opcode is the upper five bits.
_OPENVPN_RESETS: Final = frozenset({7 << 3, 10 << 3})
#: Opcode, session ID, length of the acknowledgments, packet ID: a hard reset without an HMAC.
_OPENVPN_SHORTEST: Final = 14
#: With --tls-auth or --tls-crypt-v2 it grows by an HMAC and a wrapped key; no reset is longer.
_OPENVPN_LONGEST: Final = 1500
#: Message type, reserved zeros and length of a handshake initiation and response (WireGuard paper, section 5.4).
_WIREGUARD: Final = ((b"\x01\0\0\0", 148), (b"\x02\0\0\0", 92))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVpn:
    """The first packet of the client is OpenVPN's hard reset, over UDP or TCP.

    The opcode and its place are what OpenVPN is Open to VPN Fingerprinting (USENIX Security 2022) found to suffice.
    """

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Look at the first packet with data."""
        up = sight.flow.up
        if sight.packet.protocol not in (TCP, UDP) or up.fresh > 1:
            return Judgement.NEVER
        if sight.direction is not UP or not sight.fresh:
            return Judgement.NO
        message = sight.packet.payload
        if sight.packet.protocol == TCP:
            if int.from_bytes(message[:2]) != len(message) - 2:
                return Judgement.NEVER
            message = message[2:]
        if read_question(message) is not None:
            return Judgement.NEVER  # one of 128 questions begins with such an opcode: their ids are chance
        is_reset = _OPENVPN_SHORTEST <= len(message) <= _OPENVPN_LONGEST and message[0] in _OPENVPN_RESETS
        return Judgement.YES if is_reset else Judgement.NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class WireGuard:
    """A handshake initiation or response of WireGuard, by type, zeros and length, in either direction."""

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Look at a datagram."""
        if sight.packet.protocol != UDP:
            return Judgement.NEVER
        length = sight.packet.payload_length
        head = sight.packet.raw[sight.packet.body : sight.packet.body + 4]
        if (head, length) in _WIREGUARD:
            return Judgement.YES
        return Judgement.NEVER if sight.flow.up.fresh > 4 * MOST_FIRST else Judgement.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSizes:
    """The first data packets of the client have sizes within these bounds (least, most), in order.

    ``random_looking`` wants each to look fully encrypted, too. obfs4 opens with 141 to 8192 random bytes (obfs4-spec,
    section 4).
    """

    sizes: tuple[tuple[int, int], ...]
    random_looking: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.sizes) <= MOST_FIRST:
            raise ValueError(f"the sizes of 1 to {MOST_FIRST} packets")

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Compare what came so far."""
        first = sight.flow.up.first
        if sight.direction is not UP or not sight.fresh:
            return Judgement.NO
        for payload, (least, most) in zip(first, self.sizes, strict=False):
            if not least <= len(payload) <= most:
                return Judgement.NEVER
            if self.random_looking and not looks_fully_encrypted(payload):
                return Judgement.NEVER
        return Judgement.YES if len(first) >= len(self.sizes) else Judgement.NO
