"""One bidirectional QUIC stream as a byte stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import anyio
from aioquic.quic.events import StopSendingReceived, StreamDataReceived, StreamReset
from anyio.abc import ByteStream

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.net.aioquic_adapter import ClientConnection

#: Bytes given to the state machine at once, and bytes that may wait there for the peer's acknowledgement.
PIECE: Final = 16 << 10
UNSENT: Final = 128 << 10


class Connection(Protocol):
    """What a stream needs of its connection (:class:`circumvent.net.quic.QuicLink`)."""

    quic: ClientConnection
    arrived: float

    async def wait(self, ready: Callable[[], bool]) -> None:
        """Send what is due, and drive the connection until ``ready()``."""

    def forget(self, number: int) -> None:
        """Feed this stream no more."""


class QuicStream(ByteStream):
    """A stream of a :class:`Connection`, which makes it (``QuicLink.open_stream``).

    Sending respects the peer's flow control; an end of file in one direction leaves the other open.
    """

    def __init__(self, link: Connection, number: int) -> None:
        self._link = link
        self._number = number
        self._buffer = bytearray()
        self._ended = False
        self._sent_end = False
        self._closed = False
        self._reset: int | None = None
        self._stopped: int | None = None
        #: The clock second at which the first byte arrived, ``None`` before.
        self.first_byte: float | None = None

    def feed(self, event: StreamDataReceived | StreamReset | StopSendingReceived) -> None:
        """Take in what happened to the stream; the link calls it."""
        if isinstance(event, StreamDataReceived):
            if self.first_byte is None and event.data:
                self.first_byte = self._link.arrived
            self._buffer += event.data
            self._ended = self._ended or event.end_stream
        elif isinstance(event, StreamReset):
            self._reset = event.error_code
        else:
            self._stopped = event.error_code

    @property
    def reset_code(self) -> int | None:
        """Return the application error code with which the peer reset the stream, ``None`` if it did not."""
        return self._reset

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Wait for bytes.

        :raises EndOfStream: at the peer's FIN.
        :raises PeerError: when the peer reset the stream or the connection ended.
        """
        self._check_open()
        await self._link.wait(lambda: bool(self._buffer or self._ended or self._reset is not None))
        if self._buffer:
            data = bytes(self._buffer[:max_bytes])
            del self._buffer[:max_bytes]
            return data
        if self._reset is not None:
            raise PeerError(failures.CONNECTION_RESET, f"stream reset with code {self._reset:#x}")
        raise anyio.EndOfStream

    async def send(self, item: bytes) -> None:
        """Send bytes, no faster than the peer takes them.

        :raises PeerError: when the peer wants no more of them or the connection ended.
        """
        for start in range(0, len(item), PIECE):
            self._check_open()
            await self._link.wait(self._may_send)
            if self._stopped is not None:
                raise PeerError(failures.CONNECTION_RESET, f"stream stopped with code {self._stopped:#x}")
            self._link.quic.aioquic.send_stream_data(self._number, item[start : start + PIECE])
        await self._link.wait(lambda: True)

    async def send_eof(self) -> None:
        """Send a FIN."""
        self._check_open()
        await self.finish(b"")

    async def finish(self, item: bytes) -> None:
        """Send bytes and the FIN in one frame where they fit (DNS over QUIC wants that, RFC 9250 section 4.2)."""
        head = len(item) - len(item) % PIECE if len(item) > PIECE else 0
        if head:
            await self.send(item[:head])
        if not self._sent_end and self._stopped is None:
            self._sent_end = True
            self._link.quic.aioquic.send_stream_data(self._number, item[head:], end_stream=True)
        await self._link.wait(lambda: True)

    async def aclose(self, code: int = 0) -> None:
        """Give the stream up; what is still open is cancelled with an application error code."""
        if self._closed:
            return
        self._closed = True
        self._link.forget(self._number)
        if not (self._ended and self._sent_end):
            self._link.quic.cancel(self._number, code)

    def _may_send(self) -> bool:
        return self._stopped is not None or self._link.quic.unsent(self._number) < UNSENT

    def _check_open(self) -> None:
        if self._closed:
            raise anyio.ClosedResourceError
