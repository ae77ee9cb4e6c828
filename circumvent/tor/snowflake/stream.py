"""Snowflake as a byte stream: smux in KCP in packets of one data channel (Turbo Tunnel).

A session begins with a token and an id of the client's choice, by which the server would know it again behind another proxy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from circumvent.tor.snowflake.encapsulation import Decapsulator, encapsulate
from circumvent.tor.turbotunnel.kcp import Kcp
from circumvent.tor.turbotunnel.stream import TurboStream

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

# Specification (snowflake's client).
TOKEN: Final = bytes.fromhex("1293605d278175f5")
ID_BYTES: Final = 8
PACKET_BYTES: Final = 1400
KEEP_ALIVE: Final = 10.0  #: seconds

# Ours.
#: Segments that either side lets fly; the client's 65535 would be 90 MB that a stranger may fill.
WINDOW: Final = 2048
#: Bytes that may wait to be acknowledged before :meth:`~SnowflakeStream.send` waits too.
MOST_WAITING: Final = 64 * 1024


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


class SnowflakeStream(TurboStream):
    """One stream through one proxy to a snowflake server; :meth:`run` must run beside it."""

    def __init__(self, channel: Messages, *, chance: random.Random, now: Callable[[], float]) -> None:
        """Begin; nothing is sent before :meth:`run`."""
        self._channel = channel
        self._id = chance.randbytes(ID_BYTES)
        kcp = Kcp(chance.randrange(1, 1 << 32), packet_bytes=PACKET_BYTES, window=WINDOW)
        super().__init__(kcp, now=now, most_waiting=MOST_WAITING)
        self._packets = Decapsulator()
        self._begun = False

    @property
    def _established(self) -> bool:
        return self._begun

    async def _send_packet(self, packet: bytes) -> None:
        await self._channel.send(encapsulate(packet))

    async def _hang_up(self) -> None:
        await self._channel.aclose()

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
                await self._send_packet(packet)
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
