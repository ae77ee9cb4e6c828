"""What a censor does to a condemned packet or flow. Pure; see :class:`circumvent.lab.blocking.Action`.

Forged packets carry the sequence numbers that make their receiver believe them: for whoever sent the packet at hand
that is what the packet acknowledges, for the other end it is where the packet ends (or where it begins, if it is
dropped), which is the one number that RFC 5961 section 3.2 still accepts for a reset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.lab import icmp
from circumvent.lab.flow import DOWN, UP, Direction
from circumvent.lab.packet import (
    ACK,
    FIN,
    HOP_LIMIT,
    PSH,
    RST,
    SYN,
    TCP,
    Packet,
    build_tcp,
    rewritten,
)
from circumvent.lab.rule import DROPPED, Verdict

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight

BOTH: Final = (UP, DOWN)
#: The longest body of a block page: what fits one segment on any path (RFC 8200 section 5: 1280 bytes).
LONGEST_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Let packets vanish in the given directions, after letting ``spare`` packets pass."""

    directions: tuple[Direction, ...] = BOTH
    spare: int = 0

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Drop the packet."""
        return DROPPED if sight.direction in self.directions and count >= self.spare else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose:
    """Let each packet vanish with a probability."""

    fraction: float
    directions: tuple[Direction, ...] = BOTH

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Throw the dice."""
        if sight.direction in self.directions and memory.random.random() < self.fraction:
            return DROPPED
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Hold packets back for ``seconds``."""

    seconds: float
    directions: tuple[Direction, ...] = BOTH

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Delay the packet."""
        return Verdict(delay=self.seconds) if sight.direction in self.directions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Leave a word on the flow, for the scopes of later rules."""

    word: str

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Mark the flow, once."""
        return None if self.word in sight.flow.marks else Verdict(mark=self.word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Forge resets to one end or both; to a SYN the answer is RST/ACK, as from a closed port.

    ``drop`` stops the packet as well (a censor in the path); without it packets go on beside the resets. ``copies``
    are sent of each; ``payload``, ``window``, ``identification`` and ``hop_limit`` are the finger marks of a device.
    """

    to_client: bool = True
    to_server: bool = False
    drop: bool = False
    copies: int = 1
    payload: bytes = b""
    window: int = 0
    identification: int = 0
    hop_limit: int = HOP_LIMIT

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Answer with resets; never to a reset."""
        packet = sight.packet
        if packet.protocol != TCP or packet.flags & RST or packet.fragment is not None:
            return DROPPED if self.drop else None
        back = (self._forge(packet, to_sender=True),) * self.copies
        onward = (self._forge(packet, to_sender=False),) * self.copies
        client, server = (back, onward) if sight.direction is UP else (onward, back)
        return Verdict(
            drop=self.drop,
            to_client=client if self.to_client else (),
            to_server=server if self.to_server else (),
        )

    def _forge(self, packet: Packet, *, to_sender: bool) -> bytes:
        taken = packet.payload_length + bool(packet.flags & SYN) + bool(packet.flags & FIN)
        if to_sender:
            sequence, acknowledgment = (
                packet.acknowledgment if packet.flags & ACK else 0,
                packet.sequence + taken,
            )
        else:
            sequence, acknowledgment = packet.sequence + (0 if self.drop else taken), packet.acknowledgment
        return build_tcp(
            packet.receiver if to_sender else packet.sender,
            packet.sender if to_sender else packet.receiver,
            sequence=sequence,
            acknowledgment=acknowledgment,
            flags=RST | ACK,
            window=self.window,
            payload=self.payload,
            hop_limit=self.hop_limit,
            identification=self.identification,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnIntoReset:
    """Change the packet itself into RST/ACK: what Russian devices make of a SYN/ACK (TSPU, IMC 2022)."""

    directions: tuple[Direction, ...] = (DOWN,)

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Change it."""
        packet = sight.packet
        if sight.direction not in self.directions or packet.protocol != TCP or packet.fragment is not None:
            return None
        return Verdict(replace=rewritten(packet, flags=RST | ACK, payload=b""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Forge a FIN to the client, as if the server had closed; packets of the flow go no further."""

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Answer with FIN."""
        return conclude(sight, b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Answer a request in the server's place with an HTTP response, and close; packets go no further.

    ``headers`` are further header lines, for example ``Location: http://10.10.34.35/``.
    """

    status: str = "403 Forbidden"
    headers: tuple[str, ...] = ()
    body: str = "<html><body>This site is blocked.</body></html>"

    def __post_init__(self) -> None:
        if len(self._response()) > LONGEST_PAGE:
            raise ValueError(f"a block page has at most {LONGEST_PAGE} bytes, headers included")

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Answer data of the client with the page, everything after with the end of the connection."""
        return conclude(sight, self._response())

    def _response(self) -> bytes:
        body = self.body.encode()
        lines = [
            f"HTTP/1.1 {self.status}",
            "Content-Type: text/html; charset=utf-8",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *self.headers,
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def conclude(
    sight: Sight, response: bytes, *, hop_limit: int = HOP_LIMIT, identification: int = 0
) -> Verdict:
    """Answer data with ``response`` and FIN in the server's name, a FIN with its acknowledgment; stop everything."""
    packet = sight.packet
    if sight.direction is DOWN or packet.protocol != TCP or packet.flags & RST or packet.fragment is not None:
        return DROPPED
    if packet.payload_length:
        flags = ACK | FIN | (PSH if response else 0)
    elif packet.flags & FIN:
        flags, response = ACK, b""
    else:
        return DROPPED
    reply = build_tcp(
        packet.receiver,
        packet.sender,
        sequence=packet.acknowledgment,
        acknowledgment=packet.sequence + packet.payload_length + bool(packet.flags & FIN),
        flags=flags,
        window=64240,
        payload=response,
        hop_limit=hop_limit,
        identification=identification,
    )
    return Verdict(drop=True, to_client=(reply,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer as a host without such a service does: RST/ACK for TCP, ICMP port unreachable for the rest."""

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:
        """Refuse what the client sends; what the world sends is dropped."""
        if sight.direction is DOWN:
            return DROPPED
        if sight.packet.protocol == TCP:
            return Reset(drop=True).act(sight, memory, count)
        return Deny(why=icmp.Unreachable.PORT).act(sight, memory, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """Drop, and say by ICMP that the destination cannot be reached, in the destination's own name."""

    why: icmp.Unreachable = icmp.Unreachable.PROHIBITED

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Answer what the client sends; what the world sends is dropped in silence."""
        packet = sight.packet
        if sight.direction is DOWN or icmp.is_error(packet) or (packet.fragment and packet.fragment.offset):
            return DROPPED
        return Verdict(drop=True, to_client=(icmp.unreachable(packet, packet.destination, self.why),))
