"""Triggers on plain HTTP: the Host of a request, or a word in its head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.lab.blocking import Judgement
from circumvent.lab.flow import UP
from circumvent.lab.http import Request, could_be_request, read_request
from circumvent.lab.names import Names  # noqa: TC001 - scenario files are read by the types of fields

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight
    from circumvent.lab.stream import Stream


_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request to one of ``hosts``, or with one of ``keywords`` in its head (case does not matter); any if both empty.

    ``reassemble``: the TCP stream is put together; else each segment is read alone.
    """

    hosts: Names | None = None
    keywords: tuple[str, ...] = ()
    reassemble: bool = True
    handshake_needed: bool = True

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Read the request as far as it came."""
        flow, stream = sight.flow, sight.flow.up.stream
        if stream is None:
            return Judgement.NEVER
        if sight.direction is not UP or not sight.packet.payload_length:
            return Judgement.NO
        grown = _grown(sight, stream)
        if not sight.fresh and not (self.reassemble and grown):
            return Judgement.NO
        if self.handshake_needed and not flow.answered:
            return Judgement.NO
        if self.reassemble and stream.data and not could_be_request(bytes(stream.data[:8])):
            return Judgement.NEVER
        # A kept connection carries further requests: where the stream is no longer kept, each segment is read.
        data = bytes(stream.data) if self.reassemble and not stream.full else sight.packet.payload
        return Judgement.YES if self._means(data) else Judgement.NO

    def _means(self, data: bytes) -> bool:
        if self.hosts is None and not self.keywords:
            return could_be_request(data)
        if any(word.lower().encode() in data.lower() for word in self.keywords):
            return could_be_request(data)
        return self.hosts is not None and any(
            request.host is not None and request.host in self.hosts for request in _requests(data)
        )


def _grown(sight: Sight, stream: Stream) -> bool:
    """Tell whether this packet has made the stream longer: also one that came too late, and closed a gap."""
    packets, length, grown = sight.flow.readings.get("http", (0, 0, False))
    if packets != sight.flow.up.packets:  # else another rule has looked at this packet
        grown = len(stream.data) != length
        sight.flow.readings["http"] = (sight.flow.up.packets, len(stream.data), grown)
    return bool(grown)


def _requests(data: bytes) -> list[Request]:
    """Return the requests in ``data``: pipelined or one after the other, without bodies."""
    *whole, rest = data.split(_END)
    read = [read_request(part) for part in (*(head + _END for head in whole), rest)]
    return [request for request in read if request is not None]
