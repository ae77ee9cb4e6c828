"""The two interfaces that everything stands on: byte streams and datagram sockets.

A byte stream is :class:`anyio.abc.ByteStream`, so that layers compose (TLS in SOCKS in TLS). Streams of ours keep
errors as the system raised them: ``ConnectionResetError`` for an RST, :class:`anyio.EndOfStream` for an orderly
end (a FIN on a socket, a close_notify in TLS), ``ssl.SSLEOFError`` for a FIN inside TLS without close_notify.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from anyio.abc import ByteStream

if TYPE_CHECKING:
    from circumvent.model.option import Endpoint
    from circumvent.net.trace import Trace

__all__ = ["ByteStream", "Datagram", "DatagramStream", "Dialer"]


@dataclass(frozen=True, slots=True)
class Datagram:
    """A datagram and the clock second at which it arrived (the kernel's stamp where there is one)."""

    data: bytes
    arrived: float


class DatagramStream(Protocol):
    """Datagrams to and from one peer."""

    async def send(self, data: bytes) -> None:
        """Send one datagram.

        :raises OSError: as the system raises it, ``ConnectionRefusedError`` after an ICMP port unreachable.
        """

    async def receive(self) -> Datagram:
        """Wait for the next datagram.

        :raises OSError: as for :meth:`send`.
        """

    async def aclose(self) -> None:
        """Close; never raises."""


class Dialer(Protocol):
    """Opens streams and datagram sockets to an endpoint: directly, or through another option."""

    async def stream(self, endpoint: Endpoint, trace: Trace) -> ByteStream:
        """Open a byte stream, with ``resolve`` and ``connect`` (or ``proxy_handshake``) steps in ``trace``.

        :raises StepFailed: when a step failed.
        :raises CannotTry: when nothing may be sent (private address, private name, no route).
        """

    async def datagram(self, endpoint: Endpoint, trace: Trace) -> DatagramStream:
        """Open a datagram socket to one peer, with the same steps and errors."""
