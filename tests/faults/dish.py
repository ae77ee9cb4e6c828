"""A dish of the tests' own: gRPC over HTTP/2 on one port, gRPC-Web on the other, in whatever state a test wants.

It writes its answers with Google's protobuf library (:mod:`tests.satellite.messages`); that it is a faithful server of gRPC
is for gRPC's own client to say (``tests/transports/test_starlink.py``).
"""

from __future__ import annotations

import re
import struct
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
import anyio.abc
import h2.config
import h2.connection
import h2.events

from circumvent.model.option import Endpoint, Option, Origin
from tests.satellite.messages import history, requested, status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from anyio.abc import ByteStream

#: Ports of a dish. Every test run has a network of its own, in which they are free.
GRPC_PORT: Final = 9200
WEB_PORT: Final = 9201
METHOD: Final = "/SpaceX.API.Device.Device/Handle"
_GONE: Final = (
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.IncompleteRead,
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
class Dish:
    """What it answers and what it was asked. ``web`` alone: firmware without gRPC; ``framed`` replaces a whole body."""

    answer: bytes = STATES["well"]
    past: bytes | None = field(default_factory=lambda: history([0.0] * 120))
    web: bool = False
    framed: bytes | None = None
    trailers: tuple[tuple[str, str], ...] = (("grpc-status", "0"),)
    content_type: str = "application/grpc"
    asked: list[str | None] = field(default_factory=list)

    def reply(self, message: bytes) -> bytes | None:
        """Return what it says to a request; ``None``: nothing of that kind is known to it."""
        wanted = requested(message)
        self.asked.append(wanted)
        return {"get_status": self.answer, "get_history": self.past}.get(wanted or "")

    def body(self, message: bytes) -> bytes | None:
        """Return that with its frame."""
        answer = self.reply(message)
        if self.framed is not None:
            return self.framed
        return None if answer is None else struct.pack(">BI", 0, len(answer)) + answer


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

    def handled(
        speak: Callable[[Dish, ByteStream], Awaitable[None]],
    ) -> Callable[[ByteStream], Awaitable[None]]:
        async def handle(stream: ByteStream) -> None:
            async with stream:
                with suppress(*_GONE):
                    await speak(dish, stream)

        return handle

    ports = {WEB_PORT: _speak_web} if dish.web else {WEB_PORT: _speak_web, GRPC_PORT: _speak_grpc}
    async with AsyncExitStack() as stack:
        listeners = [
            (await stack.enter_async_context(await _listen(address, port)), speak)
            for port, speak in ports.items()
        ]
        group = await stack.enter_async_context(anyio.create_task_group())
        for listener, speak in listeners:
            group.start_soon(listener.serve, handled(speak))
        yield dish
        group.cancel_scope.cancel()


async def _listen(address: str, port: int) -> anyio.abc.Listener[anyio.abc.SocketStream]:
    return await anyio.create_tcp_listener(local_host=address, local_port=port)


async def _speak_grpc(dish: Dish, stream: ByteStream) -> None:
    connection = h2.connection.H2Connection(
        h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
    )
    connection.initiate_connection()
    await stream.send(connection.data_to_send())
    bodies: dict[int, bytearray] = {}
    paths: dict[int, str] = {}
    while True:
        for event in connection.receive_data(await stream.receive()):
            if isinstance(event, h2.events.RequestReceived):
                paths[event.stream_id] = str(dict(event.headers)[":path"])  # type: ignore[index]  # text, as header_encoding wants it
                bodies[event.stream_id] = bytearray()
            elif isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id] += event.data
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                body = dish.body(bytes(bodies.pop(event.stream_id))[5:])
                await _answer(dish, connection, stream, event.stream_id, body, paths.pop(event.stream_id))
        data = connection.data_to_send()
        if data:
            await stream.send(data)


async def _answer(
    dish: Dish,
    connection: h2.connection.H2Connection,
    stream: ByteStream,
    number: int,
    body: bytes | None,
    path: str,
) -> None:
    head = [(":status", "200"), ("content-type", dish.content_type)]
    if body is None or path != METHOD:
        connection.send_headers(number, [*head, ("grpc-status", "12")], end_stream=True)
        return
    connection.send_headers(number, head)
    rest = body
    while rest:
        room = min(connection.local_flow_control_window(number), connection.max_outbound_frame_size)
        if not room:
            await stream.send(connection.data_to_send())
            connection.receive_data(await stream.receive())
            continue
        connection.send_data(number, rest[:room])
        rest = rest[room:]
        await stream.send(connection.data_to_send())
    connection.send_headers(number, list(dish.trailers), end_stream=True)


async def _speak_web(dish: Dish, stream: ByteStream) -> None:
    while True:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await stream.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: *(\d+)", head.lower())
        while len(body) < (int(found[1]) if found else 0):
            body += await stream.receive()
        told = dish.body(body[5:]) if head.startswith(b"POST " + METHOD.encode()) else None
        if told is None:
            await stream.send(b"HTTP/1.1 404 -\r\ncontent-length: 0\r\n\r\n")
            continue
        end = b"".join(f"{name}:{value}\r\n".encode() for name, value in dish.trailers)
        told += struct.pack(">BI", 0x80, len(end)) + end
        kind = b"content-type: application/grpc-web+proto\r\n"
        await stream.send(b"HTTP/1.1 200 -\r\n%bcontent-length: %d\r\n\r\n" % (kind, len(told)))
        await stream.send(told)
