"""Triggers on QUIC: by version and size of an Initial, and by what its ClientHello says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.lab.blocking import Judgement
from circumvent.lab.flow import MOST_FIRST, UP
from circumvent.lab.packet import UDP
from circumvent.lab.quic_initial import CryptoStream, long_header_version
from circumvent.lab.rules.tls import ANY_HELLO, HelloWanted
from circumvent.lab.tls import read_hello

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicVersion:
    """A datagram of the client begins with a long header of one of ``versions`` (any, if empty).

    ``at_least`` is the shortest datagram that counts: Russian devices want 1001 bytes (TSPU, IMC 2022).
    """

    versions: tuple[int, ...] = ()
    at_least: int = 0

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Read five bytes."""
        if sight.packet.protocol != UDP:
            return Judgement.NEVER
        if sight.direction is not UP:
            return Judgement.NO
        if sight.packet.payload_length >= self.at_least:
            version = long_header_version(sight.packet.payload[:7])
            if version is not None and (version in self.versions or (not self.versions and version)):
                return Judgement.YES
        return Judgement.NEVER if sight.flow.up.fresh > MOST_FIRST else Judgement.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicClientHello:
    """The ClientHello in the client's Initials.

    ``reassemble``: CRYPTO frames of several datagrams are put together; without it each datagram is read alone, as the
    Chinese filter does (Exposing and Circumventing SNI-based QUIC Censorship, USENIX Security 2025). ``capacity`` is
    how many datagrams with Initials it can open in a second: more pass unread, as there at busy hours.
    """

    wanted: HelloWanted = ANY_HELLO
    reassemble: bool = True
    capacity: int | None = None

    def judge(self, sight: Sight, memory: Memory) -> Judgement:
        """Open the Initials of a datagram."""
        if sight.packet.protocol != UDP:
            return Judgement.NEVER
        if sight.direction is not UP:
            return Judgement.NO
        if self.capacity is not None and self._exhausted(sight, memory):
            return Judgement.NO
        stream = CryptoStream()
        if self.reassemble:
            stream = sight.flow.readings.setdefault("quic", stream)
        if _opened(stream, sight):
            hello = read_hello(stream.message(), "q")
            judgement = Judgement.NO if hello is None else self.wanted.judge(hello)
            if judgement is not Judgement.NO:
                return judgement
        return Judgement.NEVER if sight.flow.up.fresh > MOST_FIRST else Judgement.NO

    def _exhausted(self, sight: Sight, memory: Memory) -> bool:
        """Count a datagram with Initials against what can be opened in this second."""
        if long_header_version(sight.packet.payload[:7]) is None:
            return False
        second, count = memory.table.get("opened", (0, 0))
        now = int(sight.now)
        count = count + 1 if second == now else 1
        memory.keep("opened", (now, count))
        return self.capacity is not None and count > self.capacity


def _opened(stream: CryptoStream, sight: Sight) -> bool:
    """Add the datagram, once for all rules that share the stream."""
    counted = (sight.flow.up.packets, id(stream))
    last, brought = sight.flow.readings.get("quic-last", (None, False))
    if last != counted:
        brought = stream.add(sight.packet.payload)
        sight.flow.readings["quic-last"] = (counted, brought)
    return bool(brought)
