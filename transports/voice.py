"""What STUN and TURN share: the way to the server, refusals, and packets paced like a voice call."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.option import VoiceSettings
from circumvent.net.errors import NetError, PeerError, Refusal
from circumvent.net.stun import StunError
from circumvent.net.stun_link import DatagramLink, Link, StreamLink
from circumvent.transports.tls_option import open_tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.option import Option
    from circumvent.model.record import Json
    from circumvent.net.stun import Message
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.transport import Context

#: A second of a call: a packet every 20 ms (RFC 3551, section 4.2).
PACKETS: Final = 50
INTERVAL: Final = 0.020
#: A call with more loss than this share is no call.
WORST_LOSS: Final = 0.10
#: How long late packets are waited for after the last one went out: in round trips, and bounds in seconds.
_LATE_ROUND_TRIPS: Final = 4.0
_LATE_SHORTEST: Final = 0.5
_LATE_LONGEST: Final = 2.0
#: Well-formed refusals of credentials or of what was asked: RFC 8489, section 14.8; RFC 8656, section 19.
_REFUSALS: Final = {
    401: "the credentials were not accepted",
    403: "forbidden",
    441: "the allocation belongs to other credentials",
    486: "the allocation quota of this user is used up",
}


def is_authenticated(option: Option) -> bool:
    """Tell whether the server has proved its identity by the time it answers (TLS; STUN itself proves none)."""
    return settings_of(option).transport == "tls"


def settings_of(option: Option) -> VoiceSettings:
    """Return the option's settings, or the default ones (UDP)."""
    return option.settings if isinstance(option.settings, VoiceSettings) else VoiceSettings()


async def open_link(option: Option, context: Context) -> Link:
    """Open the way to the server that the option names: UDP, TCP, or TLS over TCP.

    :raises StepFailed: when a step failed.
    :raises CannotTry: when nothing was sent.
    """
    transport = settings_of(option).transport
    if transport == "udp":
        return DatagramLink(await context.dialer.datagram(option.endpoint, context.trace))
    if transport == "tls":
        return StreamLink(await open_tls(option, context, ()), context.trace)
    return StreamLink(await context.dialer.stream(option.endpoint, context.trace), context.trace)


def refusal(message: Message, step: OpenStep, *, authenticated: bool) -> NetError:
    """Return what to raise for an error response; the code goes into ``step.detail``."""
    try:
        code = message.error_code
    except StunError:
        code = None
    if code is None:
        return PeerError(failures.WRONG_ANSWER, "an error response without an error code")
    step.detail["error_code"] = code
    if code in _REFUSALS:
        step.detail["authenticated"] = authenticated
        return Refusal(failures.AUTH_REJECTED, f"{_REFUSALS[code]} ({code})", authenticated=authenticated)
    return PeerError(failures.PROXY_PROTOCOL_ERROR, f"error {code}")


@dataclass(slots=True)
class Call:
    """What became of the packets of a call: when each left and when it came back (clock seconds)."""

    left: list[float] = field(default_factory=list)
    came: dict[int, float] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """Return how many packets did not come back."""
        return len(self.left) - len(self.came)

    @property
    def round_trips(self) -> list[float]:
        """Return the round trips in seconds, in the order of sending."""
        return [self.came[number] - self.left[number] for number in sorted(self.came)]

    def jitter(self) -> float:
        """Return the interarrival jitter in seconds (RFC 3550, section 6.4.1 and appendix A.8)."""
        jitter = 0.0
        before: float | None = None
        for number in sorted(self.came, key=lambda number: (self.came[number], number)):
            transit = self.came[number] - self.left[number]
            if before is not None:
                jitter += (abs(transit - before) - jitter) / 16
            before = transit
        return jitter

    def detail(self) -> dict[str, Json]:
        """Return the figures of the call: counts, and milliseconds where the name says so."""
        figures: dict[str, Json] = {"sent": len(self.left), "lost": self.lost}
        if trips := sorted(self.round_trips):
            figures |= {
                "jitter_ms": _milliseconds(self.jitter()),
                "min_ms": _milliseconds(trips[0]),
                "median_ms": _milliseconds(statistics.median_low(trips)),
                "p95_ms": _milliseconds(trips[min(len(trips) * 95 // 100, len(trips) - 1)]),
                "max_ms": _milliseconds(trips[-1]),
            }
        return figures

    def require_few_lost(self) -> None:
        """Raise when too much was lost for a call.

        :raises PeerError: ``packet_loss``.
        """
        if self.lost > WORST_LOSS * len(self.left):
            raise PeerError(failures.PACKET_LOSS, f"{self.lost} of {len(self.left)} packets were lost")


async def paced_call(
    link: Link, trace: Trace, packets: list[bytes], number_of: Callable[[bytes], int | None], step: OpenStep
) -> Call:
    """Send ``packets``, one every 20 ms, and note which come back; ``number_of`` tells which one a frame is.

    Nothing is repeated. The figures stand in ``step.detail`` on every way out.

    :raises OSError: as the system raises it.
    :raises anyio.EndOfStream: when a stream ended.
    :raises PeerError: when a stream holds something else than STUN.
    """
    call = Call()
    started = trace.clock.now()
    try:
        while len(call.came) < len(packets):
            now = trace.clock.now()
            if len(call.left) < len(packets):
                due = started + INTERVAL * len(call.left)
                if now >= due:
                    call.left.append(now)
                    await link.send(packets[len(call.left) - 1])
                    continue
            else:
                due = call.left[-1] + _patience(call)
                if now >= due:
                    break
            with anyio.move_on_after(due - now):
                frame = await link.receive()
                number = number_of(frame.data)
                if number is not None and number < len(call.left):
                    call.came.setdefault(number, frame.arrived)
    finally:
        step.detail.update(call.detail())
    return call


def _patience(call: Call) -> float:
    longest = max(call.round_trips, default=_LATE_LONGEST)
    return min(max(_LATE_ROUND_TRIPS * longest, _LATE_SHORTEST), _LATE_LONGEST)


def _milliseconds(seconds: float) -> float:
    return round(max(seconds, 0.0) * 1000, 3)
