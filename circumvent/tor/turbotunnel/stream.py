"""A byte stream over the two layers: what dnstt and snowflake have in common; how packets travel is theirs."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Final

import anyio
from anyio import lowlevel
from anyio.abc import ByteStream

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.tor.errors import TorError
from circumvent.tor.turbotunnel.kcp import DeadLinkError
from circumvent.tor.turbotunnel.smux import Smux

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from circumvent.tor.turbotunnel.kcp import Kcp

#: Seconds that the goodbye may take.
_GOODBYE: Final = 0.1


class TurboStream(ByteStream):
    """smux in KCP; :meth:`run` must run beside it.

    Whoever derives from it reads and writes packets (:meth:`_read`, :meth:`_write`, until cancelled), and moves bytes between
    the layers (:meth:`_flow`).
    """

    def __init__(self, kcp: Kcp, *, now: Callable[[], float], most_waiting: int) -> None:
        """Begin; ``most_waiting`` bytes may wait to be acknowledged before :meth:`send` waits too."""
        self._kcp = kcp
        self._smux = Smux()
        self._now = now
        self._most_waiting = most_waiting
        self._in = bytearray()
        self._failure: Exception | None = None
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

        :raises anyio.EndOfStream: when the server has ended the stream, or what carries it is gone.
        :raises PeerError: when what comes is none of the server's.
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
        while self._kcp.unacknowledged > self._most_waiting:
            await self._wait()

    async def send_eof(self) -> None:
        """Do nothing: the stream ends as a whole."""

    async def aclose(self) -> None:
        """End the stream, without waiting for an acknowledgement, and close what carries it; never raises."""
        with anyio.CancelScope(shield=True):
            if self._established and self._failure is None:
                self._failure = anyio.ClosedResourceError()
                self._smux.finish()
                with anyio.move_on_after(_GOODBYE):
                    try:
                        self._flow(b"")
                        for packet in self._kcp.packets(self._now()):
                            await self._send_packet(packet)
                    except Exception:  # noqa: BLE001, S110 - nobody is there to hear it
                        pass
            await self._hang_up()

    @property
    @abstractmethod
    def _established(self) -> bool:
        """Tell whether there is somebody to say goodbye to."""

    @abstractmethod
    async def _read(self) -> None:
        """Take in packets."""

    @abstractmethod
    async def _write(self) -> None:
        """Send what is due, when it is due or :attr:`_work` is set."""

    @abstractmethod
    async def _send_packet(self, packet: bytes) -> None:
        """Send one packet of KCP."""

    @abstractmethod
    async def _hang_up(self) -> None:
        """Close what carries the packets; never raises."""

    @abstractmethod
    def _flow(self, data: bytes) -> None:
        """Move bytes through the layers, up and down."""

    def _translated(self, failure: Exception) -> Exception:
        """Say in the words of the record what a layer found wrong."""
        match failure:
            case DeadLinkError():
                return TimeoutError()
            case TorError():
                return PeerError(failures.WRONG_ANSWER, str(failure))
        return failure

    async def _guarded(self, loop: Callable[[], Awaitable[None]], scope: anyio.CancelScope) -> None:
        try:
            await loop()
        except Exception as exc:  # noqa: BLE001 - it concerns whoever uses the stream, and is raised there
            self._failure = self._failure or self._translated(exc)
            scope.cancel()

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()
