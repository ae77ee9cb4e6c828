"""A line with something wrong with it, between a transport and a real server: a dialer that loses, delays, cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from circumvent.net.stream import Datagram

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from circumvent.model.option import Endpoint
    from circumvent.net.stream import ByteStream, DatagramStream, Dialer
    from circumvent.net.trace import Trace


class BadLine:
    """A dialer whose datagrams meet a fate, each way."""

    def __init__(
        self,
        dialer: Dialer,
        *,
        out: Callable[[bytes], float | None] = lambda _: 0.0,
        back: Callable[[bytes], float | None] = lambda _: 0.0,
    ) -> None:
        self._dialer = dialer
        self._out = out
        self._back = back

    async def stream(self, endpoint: Endpoint, trace: Trace) -> ByteStream:
        """Open a stream; nothing is wrong with those."""
        return await self._dialer.stream(endpoint, trace)

    async def datagram(self, endpoint: Endpoint, trace: Trace) -> DatagramStream:
        """Open a datagram socket."""
        return _BadDatagrams(await self._dialer.datagram(endpoint, trace), self._out, self._back)


class _BadDatagrams:
    def __init__(
        self,
        datagrams: DatagramStream,
        out: Callable[[bytes], float | None],
        back: Callable[[bytes], float | None],
    ) -> None:
        self._datagrams = datagrams
        self._out = out
        self._back = back
        self._waiting: list[tuple[float, Datagram]] = []

    async def send(self, data: bytes) -> None:
        if self._out(data) is not None:
            await self._datagrams.send(data)

    async def receive(self) -> Datagram:
        """Wait for a datagram, and until its time has come; those that came meanwhile keep their order."""
        while True:
            if self._waiting:
                due, datagram = self._waiting[0]
                with anyio.move_on_after(max(due - anyio.current_time(), 0)):
                    await self._take()
                if anyio.current_time() >= due:
                    self._waiting.pop(0)
                    late = anyio.current_time() - due
                    return Datagram(datagram.data, datagram.arrived + max(late, 0))
            else:
                await self._take()

    async def _take(self) -> None:
        datagram = await self._datagrams.receive()
        delay = self._back(datagram.data)
        if delay is not None:
            moved = Datagram(datagram.data, datagram.arrived + delay)
            self._waiting.append((anyio.current_time() + delay, moved))

    async def aclose(self) -> None:
        await self._datagrams.aclose()


class Rebinding:
    """A dialer behind an address translation that forgets: after so many packets they come from another port."""

    def __init__(self, dialer: Dialer, *, after: int) -> None:
        self._dialer = dialer
        self._after = after
        #: How many ports there have been.
        self.ports = 0

    async def stream(self, endpoint: Endpoint, trace: Trace) -> ByteStream:
        """Open a stream; a stream does not survive this."""
        return await self._dialer.stream(endpoint, trace)

    async def datagram(self, endpoint: Endpoint, trace: Trace) -> DatagramStream:
        """Open a datagram socket."""

        async def renew() -> DatagramStream:
            self.ports += 1
            return await self._dialer.datagram(endpoint, trace)

        return _RebindingDatagrams(await renew(), renew, self._after)


class _RebindingDatagrams:
    def __init__(
        self, datagrams: DatagramStream, renew: Callable[[], Awaitable[DatagramStream]], after: int
    ) -> None:
        self._datagrams = datagrams
        self._renew = renew
        self._left = after
        self._old: list[DatagramStream] = []

    async def send(self, data: bytes) -> None:
        self._left -= 1
        if self._left == 0:
            self._old.append(self._datagrams)
            self._datagrams = await self._renew()
        await self._datagrams.send(data)

    async def receive(self) -> Datagram:
        """Wait on the port that is ours now; what still comes to the old one is lost."""
        while True:
            with anyio.move_on_after(0.02):
                return await self._datagrams.receive()

    async def aclose(self) -> None:
        for datagrams in (self._datagrams, *self._old):
            await datagrams.aclose()
