"""The trigger on traffic that looks like nothing: fully encrypted from its first byte.

The rules of the Chinese filter as measured in "How the Great Firewall of China Detects and Blocks Fully Encrypted
Traffic" (Wu et al., USENIX Security 2023, algorithm 1). The first data packet of the client is let through if any
exemption holds; else the connection is blocked with a probability of 26.3 %, towards chosen address ranges only, and the
3-tuple for 180 seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.lab.blocking import Judgement
from circumvent.lab.flow import UP
from circumvent.lab.packet import TCP

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight

#: Mean set bits of a byte: exempt at or below the first, at or above the second.
POPCOUNT: Final = (3.4, 4.6)
#: Exempt if the first so many bytes are printable.
PRINTABLE_PREFIX: Final = 6
#: Exempt if more than this share of all bytes is printable.
PRINTABLE_FRACTION: Final = 0.5
#: Exempt if more than so many bytes in a row are printable.
PRINTABLE_RUN: Final = 20
#: With what probability a connection that is not exempt was blocked, and for how many seconds its 3-tuple.
PROBABILITY: Final = 0.263
PENALTY: Final = 180.0

_PRINTABLE: Final = bytes(range(0x20, 0x7F))
_RUN: Final = re.compile(rb"[\x20-\x7e]{%d,}" % (PRINTABLE_RUN + 1))
_TLS: Final = re.compile(rb"[\x16\x17]\x03[\x00-\x09]")
_HTTP: Final = (b"GET ", b"PUT ", b"POST ", b"HEAD ")


def looks_fully_encrypted(payload: bytes) -> bool:
    """Tell whether no exemption holds for the first payload of a connection."""
    if not payload:
        return False
    bits = int.from_bytes(payload).bit_count() / len(payload)
    printable = len(payload) - len(payload.translate(None, _PRINTABLE))
    prefix = payload[:PRINTABLE_PREFIX]
    exempt = (
        bits <= POPCOUNT[0]
        or bits >= POPCOUNT[1]
        or (len(prefix) == PRINTABLE_PREFIX and not prefix.translate(None, _PRINTABLE))
        or printable / len(payload) > PRINTABLE_FRACTION
        or _RUN.search(payload) is not None
        or _TLS.match(payload) is not None
        or payload.startswith(_HTTP)
    )
    return not exempt


@dataclass(frozen=True, slots=True, kw_only=True)
class FullyEncrypted:
    """The client's first data packet is exempt from nothing; later ones are not looked at."""

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Look at the first packet with data."""
        if sight.packet.protocol != TCP or sight.flow.up.fresh > 1:
            return Judgement.NEVER
        if sight.direction is not UP or not sight.fresh:
            return Judgement.NO
        return Judgement.YES if looks_fully_encrypted(sight.packet.payload) else Judgement.NEVER
