"""Triggers on protocols: an allow-list condemns what it does not recognise, a deny-list what it does.

Iran's filter looks at the first two packets with data on ports 53, 80 and 443 and lets DNS, HTTP and TLS pass
(Detecting and Evading Censorship-in-Depth: A Case Study of Iran's Protocol Filter, FOCI 2020). There a flow stays
condemned for 60 seconds after its last packet: ``Blocking(lasts=60, renew=True)`` and ``Drop(directions=(UP,))``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.lab.blocking import Judgement
from circumvent.lab.dns import read_question
from circumvent.lab.flow import MOST_FIRST, UP
from circumvent.lab.http import METHODS
from circumvent.lab.packet import TCP
from circumvent.lab.quic_initial import long_header_version

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight

#: What :func:`recognise` can say.
KNOWN: Final = ("dns", "http", "tls", "quic", "ssh", "stun", "ike", "l2tp")
#: RFC 8489 section 5; a message has a header of 20 bytes.
_STUN_COOKIE: Final = b"\x21\x12\xa4\x42"
#: IKE_SA_INIT (RFC 7296 section 3.1): no responder SPI, version 2.0, exchange type 34. With NAT traversal four zero bytes
#: come before (RFC 3948 section 2.2).
_IKE_INITIAL: Final = (bytes(8), b"\x20\x22")
#: A control message with length and sequence numbers, version 2 (RFC 2661 section 3.1).
_L2TP_CONTROL: Final = b"\xc8\x02"


def recognise(payload: bytes, *, stream: bool) -> str | None:
    """Name the protocol that a first payload belongs to; ``stream`` tells TCP from UDP."""
    if stream:
        if payload[:1] == b"\x16" and payload[1:2] == b"\x03":
            return "tls"
        if payload.upper().startswith(METHODS):
            return "http"
        if payload.startswith(b"SSH-"):
            return "ssh"
        length = int.from_bytes(payload[:2])
        return "dns" if length and read_question(payload[2 : 2 + length]) else None
    return _recognise_datagram(payload)


def _recognise_datagram(payload: bytes) -> str | None:
    if read_question(payload) is not None:
        return "dns"
    if len(payload) >= 20 and payload[4:8] == _STUN_COOKIE and payload[0] < 0x40:
        return "stun"
    message = payload[4:] if payload[:4] == bytes(4) else payload
    if len(message) >= 28 and (message[8:16], message[17:19]) == _IKE_INITIAL:
        return "ike"
    if payload[:2] == _L2TP_CONTROL and int.from_bytes(payload[2:4]) == len(payload):
        return "l2tp"
    return "quic" if long_header_version(payload[:7]) else None


def _check(names: tuple[str, ...]) -> None:
    if unknown := set(names) - set(KNOWN):
        raise ValueError(f"protocols that are not recognised: {sorted(unknown)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The client's first packet with data belongs to one of ``protocols``.

    STUN is how calls of WhatsApp, Viber and others begin, which Morocco blocked in 2016; IKE and L2TP are VPNs.
    """

    protocols: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(self.protocols)

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Look at the first packet with data."""
        if sight.flow.up.fresh > 1:
            return Judgement.NEVER
        if sight.direction is not UP or not sight.fresh:
            return Judgement.NO
        name = recognise(sight.packet.payload, stream=sight.packet.protocol == TCP)
        return Judgement.YES if name in self.protocols else Judgement.NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecognised:
    """None of the first ``packets`` with data from the client belongs to an ``allowed`` protocol."""

    allowed: tuple[str, ...] = ("dns", "http", "tls")
    packets: int = 2

    def __post_init__(self) -> None:
        _check(self.allowed)
        if not 1 <= self.packets <= MOST_FIRST:
            raise ValueError(f"1 to {MOST_FIRST} packets are looked at")

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Look at the first packets."""
        if sight.direction is not UP or not sight.fresh:
            return Judgement.NO
        first = sight.flow.up.first[: self.packets]
        if any(recognise(each, stream=sight.packet.protocol == TCP) in self.allowed for each in first):
            return Judgement.NEVER
        return Judgement.YES if len(first) >= self.packets else Judgement.NO
