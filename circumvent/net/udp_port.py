"""A UDP port of our own that talks to several peers.

What a NAT does with one port towards two servers can only be seen from one port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
from anyio import lowlevel

from circumvent.net.sock import bound_udp, sockaddr
from circumvent.net.stream import Datagram

if TYPE_CHECKING:
    from circumvent.net.sock import Source
    from circumvent.net.trace import Trace

_LARGEST_DATAGRAM: Final = 65_535


class UdpPort:
    """Datagrams to and from any peer of one address family."""

    def __init__(self, address: str, *, trace: Trace, source: Source | None = None) -> None:
        """Open a port at the address from which packets to ``address`` leave.

        :raises OSError: if there is no route, or as the system raises it.
        """
        self._socket: Final = bound_udp(address, source)
        self._trace = trace
        #: Our own address.
        self.address: str = self._socket.getsockname()[0]

    def towards(self, address: str, port: int) -> PortLink:
        """Return the way to one peer, for one task at a time; what others send meanwhile is lost."""
        return PortLink(self, sockaddr(address, port)[:2])

    async def send(self, data: bytes, peer: tuple[str, int]) -> None:
        """Send one datagram.

        :raises OSError: as the system raises it.
        """
        await lowlevel.checkpoint()
        self._trace.first_packet()
        while True:
            try:
                self._socket.sendto(data, peer)
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            else:
                self._trace.bytes_sent += len(data)
                return

    async def receive(self) -> tuple[Datagram, tuple[str, int]]:
        """Wait for the next datagram, and say whose it is.

        :raises OSError: as the system raises it.
        """
        await lowlevel.checkpoint()
        while True:
            try:
                data, peer = self._socket.recvfrom(_LARGEST_DATAGRAM)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
            else:
                self._trace.bytes_received += len(data)
                return Datagram(data, self._trace.clock.now()), peer[:2]

    def close(self) -> None:
        """Close at once; never raises."""
        if self._socket.fileno() >= 0:
            anyio.notify_closing(self._socket)
            self._socket.close()


class PortLink:
    """A :class:`~circumvent.net.stun_link.Link` to one peer of a port; made by :meth:`UdpPort.towards`."""

    reliable = False

    def __init__(self, port: UdpPort, peer: tuple[str, int]) -> None:
        """Talk to ``peer`` from ``port``."""
        self._port = port
        self._peer = peer

    def expect_channel(self, channel: int) -> None:
        """Do nothing: a datagram is a frame, whatever it holds."""

    async def send(self, frame: bytes) -> None:
        """Send one frame in one datagram."""
        await self._port.send(frame, self._peer)

    async def receive(self) -> Datagram:
        """Wait for the peer's next datagram."""
        while True:
            datagram, peer = await self._port.receive()
            if peer == self._peer:
                return datagram

    async def aclose(self) -> None:
        """Do nothing: the port is closed by whoever opened it."""
