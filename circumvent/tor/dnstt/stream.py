"""dnstt as a byte stream: smux in Noise in KCP in DNS messages, over any way to a resolver.

A resolver answers and never speaks first, so the server can only say something when there is a question to answer. As
dnstt's client does, a question without data (a poll) follows every answer that brought something; without one, after 500 ms,
then twice as long each time, 10 s at most.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.tor.dnstt.noise import KEY_BYTES, Noise
from circumvent.tor.errors import TorError, WrongIdentityError
from circumvent.tor.turbotunnel.kcp import Kcp
from circumvent.tor.turbotunnel.stream import TurboStream

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from circumvent.tor.dnstt.questions import Encoder

# Specification (dnstt's client).
FIRST_POLL: Final = 0.5  #: seconds
LONGEST_POLL: Final = 10.0
MOST_POLLS: Final = 16
WINDOW: Final = 64  #: segments

# Ours.
#: Bytes that may wait to be acknowledged before :meth:`DnsttStream.send` waits too.
MOST_WAITING: Final = 4096


class ResolverLink(Protocol):
    """DNS messages to a resolver and back, matched by nobody: what is lost is lost."""

    async def send(self, message: bytes) -> None:
        """Send one message; errors are the system's or the peer's."""

    async def receive(self) -> bytes:
        """Wait for the next message; errors as for :meth:`send`."""

    async def aclose(self) -> None:
        """Close; never raises."""


class DnsttStream(TurboStream):
    """One stream through a dnstt server; :meth:`run` must run beside it."""

    def __init__(
        self,
        link: ResolverLink,
        encoder: Encoder,
        *,
        server_key: bytes,
        chance: random.Random,
        now: Callable[[], float],
    ) -> None:
        """Begin; nothing is sent before :meth:`run`."""
        self._link = link
        self._encoder = encoder
        kcp = Kcp(chance.randrange(1, 1 << 32), packet_bytes=encoder.packet_bytes, window=WINDOW)
        super().__init__(kcp, now=now, most_waiting=MOST_WAITING)
        self._noise = Noise(server_key, chance.randbytes(KEY_BYTES))
        self._kcp.send(self._noise.hello())
        self._polls = 0
        self._poll_after = FIRST_POLL
        #: Messages of the resolver that held nothing for us: errors, cut ones, other people's.
        self.strays = 0
        #: Bytes of the longest answer.
        self.longest = 0
        #: Called at each answer of the server's, also one that brings nothing new.
        self.on_heard: Callable[[], None] | None = None

    async def shake_hands(self) -> None:
        """Wait until the server has proved that it holds its key.

        :raises PeerError: when another one answers.
        """
        while not self._noise.open:
            await self._wait()

    @property
    def _established(self) -> bool:
        return self._noise.open

    async def _send_packet(self, packet: bytes) -> None:
        await self._link.send(self._encoder.question(packet))

    async def _hang_up(self) -> None:
        await self._link.aclose()

    async def _read(self) -> None:
        while True:
            message = await self._link.receive()
            try:
                packets = self._encoder.packets(message)
            except TorError:
                self.strays += 1
                continue
            self.longest = max(self.longest, len(message))
            if self.on_heard is not None:
                self.on_heard()
            for packet in packets:
                self._take(packet)
            if packets:
                self._polls = min(self._polls + 1, MOST_POLLS)
                self._flow(self._kcp.take())
                self._work.set()
                self._tell()

    def _take(self, packet: bytes) -> None:
        """Give KCP a packet. Anybody can forge a DNS answer: what is none of ours is passed over, as by dnstt."""
        try:
            self._kcp.feed(packet, self._now())
        except TorError:
            self.strays += 1

    async def _write(self) -> None:
        while True:
            self._work = anyio.Event()
            packets = self._kcp.packets(self._now())
            polls = max(self._polls - len(packets), 0)
            self._polls = 0
            for packet in (*packets, *[b""] * polls):
                await self._send_packet(packet)
            if packets or polls:
                self._poll_after = FIRST_POLL
            due = self._kcp.next_due(self._now())
            with anyio.move_on_after(min(self._poll_after, math.inf if due is None else due)) as scope:
                await self._work.wait()
            if scope.cancelled_caught and (due is None or self._poll_after <= due):
                self._polls = max(self._polls, 1)
                await self._link.send(self._encoder.question())
                self._polls -= 1
                self._poll_after = min(self._poll_after * 2, LONGEST_POLL)

    def _flow(self, data: bytes) -> None:
        """Move bytes through the layers, up and down."""
        said = self._noise.feed(data)
        if not self._noise.open:
            return
        self._smux.feed(said)
        self._in += self._smux.take()
        if out := self._smux.take_out():
            self._kcp.send(self._noise.seal(out))

    def _translated(self, failure: Exception) -> Exception:
        if isinstance(failure, WrongIdentityError):
            return PeerError(failures.WRONG_KEY, str(failure))
        return super()._translated(failure)
