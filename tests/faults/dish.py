"""The laboratory's dish (:mod:`circumvent.lab.world.dish`) with faults, in whatever state a test wants, on sockets of anyio.

Here its answers are written by Google's protobuf library (:mod:`tests.satellite.messages`); that it is a faithful server
of gRPC is for gRPC's own client to say (``tests/transports/test_starlink.py``).
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
import anyio.abc

from circumvent.lab.world import dish as lab
from circumvent.lab.world.dish import Grpc, GrpcWeb
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.satellite.ask import GRPC_PORT, METHOD, WEB_PORT
from tests.satellite.messages import history, requested, status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from anyio.abc import ByteStream

__all__ = ["GRPC_PORT", "METHOD", "WEB_PORT"]

_GONE: Final = (
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.IncompleteRead,
    ValueError,
    OSError,
)

#: The states of a dish, as what it answers when asked for its status.
STATES: Final[dict[str, bytes]] = {
    "well": status(),
    "no sky": status(outage={"cause": 5}),
    "searching": status(outage={"cause": 13}),
    "stowed": status(stow_requested=True, outage={"cause": 2}),
    "thermal": status(outage={"cause": 3}, alerts={"thermal_shutdown": True}),
    "obstructed": status(
        outage={"cause": 6},
        obstruction_stats={"fraction_obstructed": 0.4, "valid_s": 43_200.0, "currently_obstructed": True},
    ),
    "no gateway": status(outage={"cause": 8}, pop_ping_drop_rate=1.0),
    "jamming": status(pop_ping_drop_rate=0.83, gps_stats={"gps_valid": False, "gps_sats": 0}),
    "account inactive": status(disablement_code=2),
    "blocked country": status(disablement_code=6),
    "missing fields": status(
        pop_ping_drop_rate=None, gps_stats=None, obstruction_stats=None, pop_ping_latency_ms=None
    ),
    "nothing but its name": bytes([0xA2, 0x7D, 0x00]),  # field 2004, empty
}
LOST: Final = history([1.0] * 83 + [0.0] * 37)


@dataclass
class Dish(lab.Dish):
    """One that is well unless a test says otherwise. ``web`` alone: firmware without gRPC; ``framed`` replaces a whole body.

    Requests are read by Google's library too.
    """

    answer: bytes = STATES["well"]
    past: bytes | None = field(default_factory=lambda: history([0.0] * 120))
    web: bool = False
    framed: bytes | None = None

    def reply(self, message: bytes) -> bytes | None:
        """Return what it says to a request; ``None``: nothing of that kind is known to it."""
        wanted = requested(message)
        self.asked.append(wanted)
        return {"get_status": self.answer, "get_history": self.past}.get(wanted or "")

    def body(self, message: bytes) -> bytes | None:
        """Return that with its frame."""
        answer = super().body(message)
        return answer if self.framed is None else self.framed


def dish_option(address: str = "127.0.0.1") -> Option:
    """Return the option for the dish at an address."""
    return Option(
        id="starlink-test",
        kind="starlink",
        label="dish",
        endpoint=Endpoint(host=address, port=GRPC_PORT),
        origin=Origin(source="argument"),
    )


@asynccontextmanager
async def serving(dish: Dish, address: str = "127.0.0.1") -> AsyncIterator[Dish]:
    """Serve a dish on its usual ports until the block ends."""

    def handled(make: Callable[[Dish], Grpc | GrpcWeb]) -> Callable[[ByteStream], Awaitable[None]]:
        async def handle(stream: ByteStream) -> None:
            async with stream:
                with suppress(*_GONE):
                    await _speak(make(dish), stream)

        return handle

    ports: dict[int, type[Grpc | GrpcWeb]] = {WEB_PORT: GrpcWeb}
    if not dish.web:
        ports[GRPC_PORT] = Grpc
    async with AsyncExitStack() as stack:
        listeners = [
            (await stack.enter_async_context(await _listen(address, port)), make)
            for port, make in ports.items()
        ]
        group = await stack.enter_async_context(anyio.create_task_group())
        for listener, make in listeners:
            group.start_soon(listener.serve, handled(make))
        yield dish
        group.cancel_scope.cancel()


async def _listen(address: str, port: int) -> anyio.abc.Listener[anyio.abc.SocketStream]:
    return await anyio.create_tcp_listener(local_host=address, local_port=port)


async def _speak(conversation: Grpc | GrpcWeb, stream: ByteStream) -> None:
    if first := conversation.start():
        await stream.send(first)
    while True:
        if answer := conversation.feed(await stream.receive()):
            await stream.send(answer)
