"""STUN transactions over UDP, TCP or TLS (RFC 8489, sections 6.2 and 6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.stream import Datagram
from circumvent.net.stun import Class, Deframer, Message, StunError, decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.net.stream import ByteStream, DatagramStream
    from circumvent.net.trace import OpenStep, Trace

#: RFC 8489, section 6.2.1: the first wait before a request is sent again, in seconds; it doubles each time.
RTO: Final = 0.5


class Link(Protocol):
    """A way to one STUN server. ``reliable`` ones need no repetition."""

    reliable: bool

    def expect_channel(self, channel: int) -> None:
        """Take ChannelData of this channel for a frame from now on."""

    async def send(self, frame: bytes) -> None:
        """Send one message or one ChannelData.

        :raises OSError: as the system raises it.
        """

    async def receive(self) -> Datagram:
        """Wait for the next frame.

        :raises OSError: as the system raises it.
        :raises anyio.EndOfStream: when a stream ended.
        :raises PeerError: when a stream holds something else than STUN.
        """

    async def aclose(self) -> None:
        """Close; never raises."""


class DatagramLink:
    """STUN over UDP."""

    reliable = False

    def __init__(self, datagrams: DatagramStream) -> None:
        """Take over an open socket."""
        self._datagrams = datagrams

    def expect_channel(self, channel: int) -> None:
        """Do nothing: a datagram is a frame, whatever it holds."""

    async def send(self, frame: bytes) -> None:
        """Send one frame in one datagram."""
        await self._datagrams.send(frame)

    async def receive(self) -> Datagram:
        """Wait for the next datagram, whatever it holds."""
        return await self._datagrams.receive()

    async def aclose(self) -> None:
        """Close the socket."""
        await self._datagrams.aclose()


class StreamLink:
    """STUN over TCP or TLS."""

    reliable = True

    def __init__(self, stream: ByteStream, trace: Trace) -> None:
        """Take over an open stream."""
        self._stream = stream
        self._trace = trace
        self._deframer = Deframer()
        self._frames: list[Datagram] = []

    def expect_channel(self, channel: int) -> None:
        """Take ChannelData of this channel for a frame from now on."""
        self._deframer.channel = channel

    async def send(self, frame: bytes) -> None:
        """Send one frame."""
        await self._stream.send(frame)

    async def receive(self) -> Datagram:
        """Wait for the next whole frame."""
        while not self._frames:
            data = await self._stream.receive()
            arrived = self._trace.clock.now()
            try:
                self._frames += [Datagram(frame, arrived) for frame in self._deframer.feed(data)]
            except StunError as exc:
                raise PeerError(failures.WRONG_ANSWER, f"the answer is no STUN: {exc}") from exc
        return self._frames.pop(0)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a request: when it arrived (clock seconds) and, if sent once only, the round trip."""

    message: Message
    arrived: float
    round_trip: float | None


async def transact(
    link: Link,
    request: bytes,
    trace: Trace,
    step: OpenStep,
    *,
    accept: Callable[[Message], bool] = lambda _: True,
) -> Answer:
    """Send a request, again as often as datagrams need, until its answer is here or the step's limit ends it.

    Whatever is not an answer to this very transaction, or is not accepted (wrong integrity), is to be thrown away
    without a word (RFC 8489, sections 6.3.3 and 9.2.5); ``step.detail`` counts it as ``ignored``. How often the
    request went out is ``sent`` there.

    :raises OSError: as the system raises it.
    :raises anyio.EndOfStream: when a stream ended.
    :raises PeerError: when a stream holds something else than STUN.
    """
    wait = RTO
    started = trace.clock.now()
    sent = 0
    while True:
        await link.send(request)
        sent += 1
        step.detail["sent"] = sent
        with anyio.move_on_after(None if link.reliable else wait):
            while True:
                frame = await link.receive()
                message = _answer_to(request, frame.data)
                if message is not None and accept(message):
                    seconds = frame.arrived - started
                    return Answer(
                        message=message, arrived=frame.arrived, round_trip=seconds if sent == 1 else None
                    )
                ignored = step.detail.get("ignored", 0)
                step.detail["ignored"] = (ignored if isinstance(ignored, int) else 0) + 1
        wait *= 2


def _answer_to(request: bytes, data: bytes) -> Message | None:
    """Return the message if it answers ``request``: same transaction, same method, success or error."""
    try:
        message = decode(data)
        asked = decode(request)
    except StunError:
        return None
    same = (message.transaction_id, message.method) == (asked.transaction_id, asked.method)
    return message if same and message.kind in {Class.SUCCESS, Class.ERROR} else None
