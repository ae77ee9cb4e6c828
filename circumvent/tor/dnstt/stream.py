"""dnstt as a byte stream: smux in Noise in KCP in DNS messages, over any way to a resolver.

A resolver answers and never speaks first, so the server can only say something when there is a question to answer. As
dnstt's client does, a question without data (a poll) follows every answer that brought something; without one, after 500 ms,
then twice as long each time, 10 s at most.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

import anyio
from anyio import lowlevel
from anyio.abc import ByteStream

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.tor.dnstt.noise import KEY_BYTES, Noise
from circumvent.tor.errors import TorError, WrongIdentityError
from circumvent.tor.turbotunnel.kcp import DeadLinkError, Kcp
from circumvent.tor.turbotunnel.smux import Smux

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from circumvent.tor.dnstt.questions import Encoder

# Specification (dnstt's client).
FIRST_POLL: Final = 0.5  #: seconds
LONGEST_POLL: Final = 10.0
MOST_POLLS: Final = 16
WINDOW: Final = 64  #: segments

# Ours.
#: Bytes that may wait to be acknowledged before :meth:`DnsttStream.send` waits too.
MOST_WAITING: Final = 4096
#: Seconds that the goodbye may take.
_GOODBYE: Final = 0.1
_GONE: Final = (
    OSError, ValueError, PeerError, anyio.BrokenResourceError, anyio.BusyResourceError, anyio.ClosedResourceError
)  # fmt: skip


class ResolverLink(Protocol):
    """DNS messages to a resolver and back, matched by nobody: what is lost is lost."""

    async def send(self, message: bytes) -> None:
        """Send one message; errors are the system's or the peer's."""

    async def receive(self) -> bytes:
        """Wait for the next message; errors as for :meth:`send`."""

    async def aclose(self) -> None:
        """Close; never raises."""


class DnsttStream(ByteStream):
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
        self._now = now
        self._kcp = Kcp(chance.randrange(1, 1 << 32), packet_bytes=encoder.packet_bytes, window=WINDOW)
        self._noise = Noise(server_key, chance.randbytes(KEY_BYTES))
        self._smux = Smux()
        self._kcp.send(self._noise.hello())
        self._in = bytearray()
        self._failure: Exception | None = None
        self._polls = 0
        self._poll_after = FIRST_POLL
        self._work = anyio.Event()
        self._news = anyio.Event()
        #: Messages of the resolver that held nothing for us: errors, cut ones, other people's.
        self.strays = 0
        #: Bytes of the longest answer.
        self.longest = 0
        #: Called at each answer of the server's, also one that brings nothing new.
        self.on_heard: Callable[[], None] | None = None

    async def run(self) -> None:
        """Send and receive until cancelled, or until something is wrong, which :meth:`receive` and :meth:`send` raise."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._guarded, self._read, group.cancel_scope)
                group.start_soon(self._guarded, self._write, group.cancel_scope)
        finally:
            self._tell()

    async def shake_hands(self) -> None:
        """Wait until the server has proved that it holds its key.

        :raises PeerError: when another one answers.
        """
        while not self._noise.open:
            await self._wait()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes.

        :raises anyio.EndOfStream: when the server has ended the stream.
        :raises PeerError: when what comes is not dnstt's.
        """
        while not self._in:
            if self._smux.ended:
                raise anyio.EndOfStream
            await self._wait()
        data = bytes(self._in[:max_bytes])
        del self._in[:max_bytes]
        return data

    async def send(self, item: bytes) -> None:
        """Send, waiting while much is not yet acknowledged; errors as for :meth:`receive`."""
        self._smux.send(item)
        self._flow(b"")
        self._work.set()
        await lowlevel.checkpoint()
        while self._kcp.unacknowledged > MOST_WAITING:
            await self._wait()

    async def send_eof(self) -> None:
        """Do nothing: the stream ends as a whole."""

    async def aclose(self) -> None:
        """End the stream, without waiting for an acknowledgement, and close the link; never raises."""
        with anyio.CancelScope(shield=True):
            if self._noise.open and self._failure is None:
                self._failure = anyio.ClosedResourceError()
                self._smux.finish()
                with anyio.move_on_after(_GOODBYE):
                    try:
                        self._flow(b"")
                        for packet in self._kcp.packets(self._now()):
                            await self._link.send(self._encoder.question(packet))
                    except _GONE:
                        pass  # nobody is there to hear it
            await self._link.aclose()

    async def _guarded(self, loop: Callable[[], Awaitable[None]], scope: anyio.CancelScope) -> None:
        try:
            await loop()
        except Exception as exc:  # noqa: BLE001 - it concerns whoever uses the stream, and is raised there
            self._failure = self._failure or _translated(exc)
            scope.cancel()

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
                await self._link.send(self._encoder.question(packet))
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

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()


def _translated(failure: Exception) -> Exception:
    """Say in the words of the record what a layer found wrong."""
    match failure:
        case DeadLinkError():
            return TimeoutError()
        case WrongIdentityError():
            return PeerError(failures.WRONG_KEY, str(failure))
        case TorError():
            return PeerError(failures.WRONG_ANSWER, str(failure))
    return failure
