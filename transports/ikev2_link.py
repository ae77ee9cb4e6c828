"""Datagrams of IKE, and of ESP beside them (RFC 3948); exchanges with repetition (RFC 7296, section 2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.message import Payload
from circumvent.vpn.ikev2.numbers import PORT, Exchange, Kind, Notify, Protocol
from circumvent.vpn.ikev2.payloads import Notification, deletes, pack_delete_ike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.net.stream import DatagramStream
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.vpn.ikev2.message import Message
    from circumvent.vpn.ikev2.sa import IkeSa

#: Four zero bytes where ESP has its SPI (RFC 3948, section 2.2).
MARKER: Final = bytes(4)
#: Seconds before a request is sent again, and the longest such wait: RFC 7296, section 2.4, leaves both open. Once a
#: round trip is known, the first wait is twice that.
FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A datagram without the marker: IKE or ESP, and when it arrived (clock seconds)."""

    data: bytes
    arrived: float
    ike: bool


class IkeLink:
    """A socket to one port of the peer. On every port but 500 IKE has a marker in front, and ESP may come too."""

    def __init__(self, datagrams: DatagramStream, port: int) -> None:
        """Take over an open socket."""
        self._datagrams = datagrams
        self.port = port
        self._marker = b"" if port == PORT else MARKER

    async def send(self, message: bytes) -> None:
        """Send one IKE message; errors are the socket's."""
        await self._datagrams.send(self._marker + message)

    async def send_esp(self, packet: bytes) -> None:
        """Send one ESP packet; errors are the socket's."""
        await self._datagrams.send(packet)

    async def receive(self) -> Frame:
        """Wait for the next datagram that is no keepalive; errors are the socket's."""
        while True:
            datagram = await self._datagrams.receive()
            data = datagram.data
            if not self._marker:
                return Frame(data, datagram.arrived, ike=True)
            if data.startswith(MARKER):
                return Frame(data[len(MARKER) :], datagram.arrived, ike=True)
            if len(data) > len(MARKER):  # RFC 3948, section 2.3: a keepalive is one byte
                return Frame(data, datagram.arrived, ike=False)

    async def aclose(self) -> None:
        """Close the socket; never raises."""
        await self._datagrams.aclose()


class Repeater:
    """When to send a request again, and what the answer says about the round trip."""

    def __init__(self, trace: Trace, step: OpenStep) -> None:
        self._trace = trace
        self._step = step
        known = trace.timeouts.round_trip
        self._wait = FIRST_WAIT if known is None else max(2 * known, FIRST_WAIT)
        self._began = trace.clock.now()
        self._sent = 0

    def next_wait(self) -> float:
        """Note that the request goes out now; return how long to wait before the next time, in seconds."""
        self._sent += 1
        sent = self._step.detail.get("sent", 0)
        self._step.detail["sent"] = (sent if isinstance(sent, int) else 0) + 1
        wait = self._wait
        self._wait = max(min(2 * self._wait, LONGEST_WAIT), self._wait)
        return wait

    def answered(self, arrived: float) -> None:
        """Note an answer. After a repetition nobody knows to which request it belongs, nor how long it took."""
        if self._sent == 1:
            self._trace.round_trip(max(arrived - self._began, 0.0))

    def ignored(self) -> None:
        """Count a datagram that can't be meant for us."""
        before = self._step.detail.get("ignored", 0)
        self._step.detail["ignored"] = (before if isinstance(before, int) else 0) + 1


class Conversation:
    """Exchanges under the keys of an IKE SA."""

    def __init__(self, link: IkeLink, sa: IkeSa, trace: Trace) -> None:
        """Speak over ``link``, which stays the caller's."""
        self.link = link
        self.sa = sa
        self._trace = trace
        #: Both are authenticated.
        self.established = False
        #: The peer has ended the SA, or we have.
        self.ended = False

    async def ask(self, exchange: int, payloads: Sequence[Payload], step: OpenStep) -> Message:
        """Send a request, again as often as datagrams need, and return the answer to it.

        :raises TimeoutError: when the time limit of a handshake step runs out before that.
        :raises OSError: as the system raises it.
        """
        message_id, datagrams = self.sa.request(exchange, payloads)
        repeater = Repeater(self._trace, step)
        limit = self._trace.timeouts.limit if self._trace.limit is None else self._trace.limit
        if len(datagrams) > 1:
            step.detail["fragments_sent"] = len(datagrams)
        with anyio.fail_after(limit):
            while True:
                wait = repeater.next_wait()
                for datagram in datagrams:
                    await self.link.send(datagram)
                with anyio.move_on_after(wait):
                    return await self._answer(message_id, repeater)

    async def _answer(self, message_id: int, repeater: Repeater) -> Message:
        while True:
            frame = await self.link.receive()
            try:
                message = self.opened(frame)
            except IkeError:  # anybody can send datagrams (RFC 7296, section 2.21.4)
                repeater.ignored()
                continue
            if message is None:
                continue
            if not message.header.is_response:
                await self.respond(message)
            elif message.header.message_id == message_id:
                repeater.answered(frame.arrived)
                return message

    def opened(self, frame: Frame) -> Message | None:
        """Return the message of a datagram; ``None`` while fragments of it are missing.

        :raises IkeError: when it is nothing of this SA.
        """
        if not frame.ike:
            raise IkeError("no message of IKE")
        return self.sa.open(frame.data)

    async def respond(self, request: Message) -> None:
        """Answer a request of the peer's: a sign of life, an end; anything else is declined."""
        payloads: list[Payload] = []
        if request.header.exchange == Exchange.CREATE_CHILD_SA:
            # Section 1.3: we are gone before keys grow old.
            payloads.append(Payload(Kind.NOTIFY, Notification(Notify.NO_ADDITIONAL_SAS).pack()))
        for body in request.all(Kind.DELETE):
            try:
                self.ended = self.ended or deletes(body) in (Protocol.IKE, Protocol.ESP)
            except IkeError:
                continue
        for datagram in self.sa.response(request.header, payloads):
            await self.link.send(datagram)

    async def goodbye(self) -> None:
        """End the SA without waiting for the answer; never raises.

        One that is established is deleted (section 1.4.1). Before that it is given up with AUTHENTICATION_FAILED (section
        2.21.2), so that no half-open SA of ours counts against this address at the peer.
        """
        if self.ended:
            return
        self.ended = True
        last = Payload(Kind.NOTIFY, Notification(Notify.AUTHENTICATION_FAILED).pack())
        if self.established:
            last = Payload(Kind.DELETE, pack_delete_ike())
        _, datagrams = self.sa.request(Exchange.INFORMATIONAL, [last])
        with anyio.CancelScope(shield=True), anyio.move_on_after(0.1):
            try:
                for datagram in datagrams:
                    await self.link.send(datagram)
            except (OSError, anyio.ClosedResourceError):
                return  # the socket is gone; the peer finds out by itself
