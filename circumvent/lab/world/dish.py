"""A dish of the laboratory: gRPC over HTTP/2 on one port, gRPC-Web on the other, in one of the states that dishes have.

Its answers have the fields of recorded ones, written by a few lines of our own. That they are what the format wants is for
Google's protobuf library to say, that it serves gRPC for gRPC's own client (``tests/lab_world/test_dish.py``,
``tests/transports/test_starlink.py``). Both conversations are pure: bytes in, bytes out.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from circumvent.satellite.ask import GRPC_PORT, METHOD, WEB_PORT
from circumvent.satellite.protobuf import Message, ProtobufError, write_varint

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from circumvent.lab.world.listen import Listeners

    Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

#: Seconds of a dish's history: a ring of one reading each.
HISTORY: Final = 900
#: The longest request that is read, in bytes; real ones have some ten.
_LONGEST: Final = 64 * 1024
_PIECE: Final = 64 * 1024
#: Requests that it knows, by the number of their field; it has no others.
_REQUESTS: Final = {1004: "get_status", 1007: "get_history"}


class State(StrEnum):
    """How a dish is. What it says of itself follows from that; what its link carries is the wire's affair."""

    WELL = "well"
    NO_SKY = "no-sky"
    SEARCHING = "searching"
    STOWED = "stowed"
    THERMAL = "thermal"
    OBSTRUCTED = "obstructed"
    NO_GATEWAY = "no-gateway"
    JAMMING = "jamming"
    ACCOUNT_INACTIVE = "account-inactive"
    BLOCKED_COUNTRY = "blocked-country"
    OLD_FIRMWARE = "old-firmware"


def status_of(state: State) -> bytes:
    """Return what a dish in that state answers when it is asked for its status."""
    fields = {
        1003: _real(1003, _DROPS.get(state, 0.0)),
        1004: _message(1004, _real(1, 0.003), _real(4, 43_200.0)),
        1009: _real(1009, 31.5),
        1015: _message(1015, _number(1, 1), _number(2, 14)),
        1018: _number(1018, 1),
        1024: _number(1024, 1),
    }
    if state in _OUTAGES:
        fields[1014] = _message(1014, _number(1, _OUTAGES[state]), _number(3, 60_000_000_000))
    if state is State.STOWED:
        fields[1010] = _number(1010, 1)
    if state is State.THERMAL:
        fields[1005] = _message(1005, _number(2, 1))
    if state is State.OBSTRUCTED:
        fields[1004] = _message(1004, _real(1, 0.4), _real(4, 43_200.0), _number(5, 1))
    if state is State.JAMMING:
        fields[1015] = _message(1015, _number(3, 1))
    if state in _BANS:
        fields[1024] = _number(1024, _BANS[state])
    if state is State.OLD_FIRMWARE:
        fields = {1018: fields[1018]}
    return _message(2004, *(fields[number] for number in sorted(fields)))


def history_of(state: State) -> bytes | None:
    """Return what it answers when it is asked for its last minutes; ``None``: its firmware keeps none."""
    if state is State.OLD_FIRMWARE:
        return None
    share = _DROPS.get(state, 0.0)
    # Lost pings are spread over the ring as evenly as whole pings can be.
    drops = [float(int((at + 1) * share) - int(at * share)) for at in range(HISTORY)]
    latencies = [0.0 if lost else 31.5 for lost in drops]
    return _message(2006, _number(1, HISTORY), _reals(1001, drops), _reals(1002, latencies))


#: Codes of ``DishOutage.Cause``, of ``UtDisablementCode``, and the share of pings that are lost.
_OUTAGES: Final = {
    State.NO_SKY: 5,
    State.SEARCHING: 13,
    State.STOWED: 2,
    State.THERMAL: 3,
    State.OBSTRUCTED: 6,
    State.NO_GATEWAY: 8,
}
_BANS: Final = {State.ACCOUNT_INACTIVE: 2, State.BLOCKED_COUNTRY: 6}
_DROPS: Final = {
    **dict.fromkeys((State.NO_SKY, State.SEARCHING, State.STOWED, State.THERMAL), 1.0),
    **dict.fromkeys((State.OBSTRUCTED, State.NO_GATEWAY), 1.0),
    State.JAMMING: 0.83,
}


@dataclass
class Dish:
    """What it answers, and what it was asked. ``past``: ``None`` if it keeps no history."""

    answer: bytes
    past: bytes | None = None
    trailers: tuple[tuple[str, str], ...] = (("grpc-status", "0"),)
    content_type: str = "application/grpc"
    asked: list[str | None] = field(default_factory=list)

    @classmethod
    def in_state(cls, state: State) -> Dish:
        """Return a dish in that state."""
        return cls(answer=status_of(state), past=history_of(state))

    def reply(self, message: bytes) -> bytes | None:
        """Return what it says to a request; ``None``: nothing of that kind is known to it."""
        wanted = _requested(message)
        self.asked.append(wanted)
        return {"get_status": self.answer, "get_history": self.past}.get(wanted or "")

    def body(self, message: bytes) -> bytes | None:
        """Return that with its frame (grpc/grpc, doc/PROTOCOL-HTTP2.md)."""
        answer = self.reply(message)
        return None if answer is None else struct.pack(">BI", 0, len(answer)) + answer


class Grpc:
    """A dish's side of one connection of gRPC over HTTP/2. Send what :meth:`start` and :meth:`feed` return."""

    def __init__(self, dish: Dish) -> None:
        """Answer as ``dish``."""
        self._dish = dish
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self._requests: dict[int, tuple[str, bytearray]] = {}
        self._waiting: dict[int, bytes] = {}

    def start(self) -> bytes:
        """Return the first bytes."""
        self._h2.initiate_connection()
        return self._h2.data_to_send()

    def feed(self, data: bytes) -> bytes:
        """Take in what came; return what is to be sent.

        :raises ValueError: when the peer does not speak HTTP/2, or says too much.
        """
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except h2.exceptions.ProtocolError as exc:
            raise ValueError("no HTTP/2") from exc
        for number in tuple(self._waiting):
            self._go_on(number)
        return self._h2.data_to_send()

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=int(number), headers=list(fields)):
                paths = [str(value) for name, value in fields if str(name) == ":path"]
                self._requests[number] = (paths[0] if paths else "", bytearray())
            case h2.events.DataReceived(stream_id=int(number), data=bytes(data)):
                if number in self._requests:
                    self._requests[number][1].extend(data)
                    if len(self._requests[number][1]) > _LONGEST:
                        raise ValueError("a request that is none of a dish's")
                self._h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
            case h2.events.StreamEnded(stream_id=int(number)):
                if number in self._requests:
                    self._answer(number, *self._requests.pop(number))
            case h2.events.StreamReset(stream_id=int(number)):
                self._requests.pop(number, None)
                self._waiting.pop(number, None)
            case _:
                pass

    def _answer(self, number: int, path: str, request: bytearray) -> None:
        head = [(":status", "200"), ("content-type", self._dish.content_type)]
        body = self._dish.body(bytes(request[5:])) if path == METHOD else None
        if body is None:
            self._h2.send_headers(number, [*head, ("grpc-status", "12")], end_stream=True)
            return
        self._h2.send_headers(number, head)
        self._waiting[number] = body

    def _go_on(self, number: int) -> None:
        """Send as much of an answer as the peer has room for, and its trailers after the last piece."""
        rest = self._waiting[number]
        while rest:
            room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
            if room <= 0:
                self._waiting[number] = rest
                return
            self._h2.send_data(number, rest[:room])
            rest = rest[room:]
        del self._waiting[number]
        self._h2.send_headers(number, list(self._dish.trailers), end_stream=True)


class GrpcWeb:
    """A dish's side of one connection of gRPC-Web over HTTP/1.1 (grpc/grpc, doc/PROTOCOL-WEB.md)."""

    def __init__(self, dish: Dish) -> None:
        """Answer as ``dish``."""
        self._dish = dish
        self._data = b""

    def start(self) -> bytes:
        """Return nothing: the client begins."""
        return b""

    def feed(self, data: bytes) -> bytes:
        """Take in what came; return what is to be sent.

        :raises ValueError: when a request is too long.
        """
        self._data += data
        if len(self._data) > _LONGEST:
            raise ValueError("a request that is none of a dish's")
        head, end, body = self._data.partition(b"\r\n\r\n")
        found = re.search(rb"content-length: *(\d{1,9})", head.lower())
        length = int(found[1]) if found else 0
        if not end or len(body) < length:
            return b""
        self._data = body[length:]
        told = self._dish.body(body[5:length]) if head.startswith(b"POST " + METHOD.encode()) else None
        if told is None:
            return b"HTTP/1.1 404 -\r\ncontent-length: 0\r\n\r\n"
        last = b"".join(f"{name}:{value}\r\n".encode() for name, value in self._dish.trailers)
        told += struct.pack(">BI", 0x80, len(last)) + last
        kind = b"content-type: application/grpc-web+proto\r\n"
        return b"HTTP/1.1 200 -\r\n%bcontent-length: %d\r\n\r\n%b" % (kind, len(told), told)


async def serve_dish(listeners: Listeners, addresses: Sequence[str], dish: Dish) -> None:
    """Serve a dish on its usual ports.

    :raises OSError: when a port cannot be had.
    """
    await listeners.tcp(addresses, GRPC_PORT, _server(lambda: Grpc(dish)))
    await listeners.tcp(addresses, WEB_PORT, _server(lambda: GrpcWeb(dish)))


def _server(make: Callable[[], Grpc | GrpcWeb]) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = make()
        writer.write(conversation.start())
        while data := await reader.read(_PIECE):
            writer.write(conversation.feed(data))
            await writer.drain()

    return serve


def _requested(message: bytes) -> str | None:
    """Return the name of what a request asks for; ``None``: it is none, or one that this dish does not know."""
    try:
        fields = Message(message)
    except ProtobufError:
        return None
    return next((name for number, name in _REQUESTS.items() if number in fields), None)


def _number(field_number: int, value: int) -> bytes:
    return write_varint(field_number << 3) + write_varint(value)


def _real(field_number: int, value: float) -> bytes:
    return write_varint(field_number << 3 | 5) + struct.pack("<f", value)


def _reals(field_number: int, values: Iterable[float]) -> bytes:
    packed = b"".join(struct.pack("<f", value) for value in values)
    return write_varint(field_number << 3 | 2) + write_varint(len(packed)) + packed


def _message(field_number: int, *fields: bytes) -> bytes:
    inner = b"".join(fields)
    return write_varint(field_number << 3 | 2) + write_varint(len(inner)) + inner
