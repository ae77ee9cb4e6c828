"""Snowflake as a byte stream: smux in KCP in packets of one data channel (Turbo Tunnel).

A session begins with a token and an id of the client's choice, by which the server would know it again behind another proxy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

import anyio
from anyio import lowlevel
from anyio.abc import ByteStream

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.tor.errors import TorError
from circumvent.tor.snowflake.encapsulation import Decapsulator, encapsulate
from circumvent.tor.turbotunnel.kcp import DeadLinkError, Kcp
from circumvent.tor.turbotunnel.smux import Smux

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

# Specification (snowflake's client).
TOKEN: Final = bytes.fromhex("1293605d278175f5")
ID_BYTES: Final = 8
PACKET_BYTES: Final = 1400
KEEP_ALIVE: Final = 10.0  #: seconds

# Ours.
#: Segments that either side lets fly; the client's 65535 would be 90 MB that a stranger may fill.
WINDOW: Final = 2048
#: Bytes that may wait to be acknowledged before :meth:`SnowflakeStream.send` waits too.
MOST_WAITING: Final = 64 * 1024
#: Seconds that the goodbye may take.
_GOODBYE: Final = 0.1


class Messages(Protocol):
    """A data channel: whole messages, in order."""

    async def send(self, message: bytes) -> None:
        """Send one message.

        :raises anyio.EndOfStream: when the channel is closed.
        """

    async def receive(self) -> bytes:
        """Wait for the next message; errors as for :meth:`send`."""

    async def aclose(self) -> None:
        """Close; never raises."""


class SnowflakeStream(ByteStream):
    """One stream through one proxy to a snowflake server; :meth:`run` must run beside it."""

    def __init__(self, channel: Messages, *, chance: random.Random, now: Callable[[], float]) -> None:
        """Begin; nothing is sent before :meth:`run`."""
        self._channel = channel
        self._now = now
        self._id = chance.randbytes(ID_BYTES)
        self._kcp = Kcp(chance.randrange(1, 1 << 32), packet_bytes=PACKET_BYTES, window=WINDOW)
        self._smux = Smux()
        self._packets = Decapsulator()
        self._in = bytearray()
        self._failure: Exception | None = None
        self._begun = False
        self._work = anyio.Event()
        self._news = anyio.Event()

    async def run(self) -> None:
        """Send and receive until cancelled, or until something is wrong, which :meth:`receive` and :meth:`send` raise."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._guarded, self._read, group.cancel_scope)
                group.start_soon(self._guarded, self._write, group.cancel_scope)
        finally:
            self._tell()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes.

        :raises anyio.EndOfStream: when the server has ended the stream, or the proxy is gone.
        :raises PeerError: when what comes is not snowflake's.
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
        """End the stream, without waiting for an acknowledgement, and close the channel; never raises."""
        with anyio.CancelScope(shield=True):
            if self._begun and self._failure is None:
                self._failure = anyio.ClosedResourceError()
                self._smux.finish()
                with anyio.move_on_after(_GOODBYE):
                    try:
                        self._flow(b"")
                        for packet in self._kcp.packets(self._now()):
                            await self._channel.send(encapsulate(packet))
                    except Exception:  # noqa: BLE001, S110 - nobody is there to hear it
                        pass
            await self._channel.aclose()

    async def _guarded(self, loop: Callable[[], Awaitable[None]], scope: anyio.CancelScope) -> None:
        try:
            await loop()
        except Exception as exc:  # noqa: BLE001 - it concerns whoever uses the stream, and is raised there
            self._failure = self._failure or _translated(exc)
            scope.cancel()

    async def _read(self) -> None:
        while True:
            for packet in self._packets.feed(await self._channel.receive()):
                self._kcp.feed(packet, self._now())
            self._flow(self._kcp.take())
            self._work.set()
            self._tell()

    async def _write(self) -> None:
        await self._channel.send(TOKEN)
        await self._channel.send(self._id)
        self._begun = True
        self._flow(b"")
        quiet_until = self._now() + KEEP_ALIVE
        while True:
            self._work = anyio.Event()
            for packet in self._kcp.packets(self._now()):
                await self._channel.send(encapsulate(packet))
            due = self._kcp.next_due(self._now())
            rest = max(quiet_until - self._now(), 0.0)
            with anyio.move_on_after(min(rest, math.inf if due is None else due)):
                await self._work.wait()
            if self._now() >= quiet_until:
                quiet_until = self._now() + KEEP_ALIVE
                self._smux.keep_alive()
                self._flow(b"")

    def _flow(self, data: bytes) -> None:
        """Move bytes through the layers, up and down."""
        self._smux.feed(data)
        self._in += self._smux.take()
        if out := self._smux.take_out():
            self._kcp.send(out)

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
        case TorError():
            return PeerError(failures.WRONG_ANSWER, str(failure))
    return failure
