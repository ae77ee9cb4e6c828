"""The trigger of a protocol allow-list: what is not recognised is condemned.

Iran's filter looks at the first two packets with data on ports 53, 80 and 443 and lets DNS, HTTP and TLS pass
(Detecting and Evading Censorship-in-Depth: A Case Study of Iran's Protocol Filter, FOCI 2020). There a flow stays
condemned for 60 seconds after its last packet: ``Blocking(lasts=60, renew=True)`` and ``Drop(directions=(UP,))``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.lab.blocking import Judgement
from circumvent.lab.dns import read_question
from circumvent.lab.flow import MOST_FIRST, UP
from circumvent.lab.http import METHODS
from circumvent.lab.packet import TCP
from circumvent.lab.quic_initial import long_header_version

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight

#: What :func:`recognise` can say.
KNOWN = ("dns", "http", "tls", "quic", "ssh")


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
    if read_question(payload) is not None:
        return "dns"
    return "quic" if long_header_version(payload[:7]) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecognised:
    """None of the first ``packets`` with data from the client belongs to an ``allowed`` protocol."""

    allowed: tuple[str, ...] = ("dns", "http", "tls")
    packets: int = 2

    def __post_init__(self) -> None:
        if unknown := set(self.allowed) - set(KNOWN):
            raise ValueError(f"protocols that are not recognised: {sorted(unknown)}")
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
