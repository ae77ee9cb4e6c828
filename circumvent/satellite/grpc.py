"""One gRPC call without I/O: a message out, a message back, over HTTP/2 on a bare connection; and its form for browsers.

gRPC over HTTP/2 (grpc/grpc, doc/PROTOCOL-HTTP2.md) and gRPC-Web (doc/PROTOCOL-WEB.md), as far as a unary call needs them:
a message is a byte of flags, four of length, and itself; the status comes in trailers.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The most bytes of an answer, framing included.
LARGEST: Final = 512 << 10
#: ``grpc-status`` words that matter here (doc/statuscodes.md).
OK: Final = 0
UNIMPLEMENTED: Final = 12

_HEAD: Final = struct.Struct(">BI")
_COMPRESSED: Final = 0x01
_TRAILERS: Final = 0x80


class GrpcError(Exception):
    """The call failed: the peer does not speak gRPC, or its ``status`` is not OK (``None``: there was none)."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


def frame(message: bytes) -> bytes:
    """Return a message with its prefix."""
    return _HEAD.pack(0, len(message)) + message


def unframe(data: bytes) -> bytes:
    """Return the one message in the body of a unary answer.

    :raises GrpcError: when there is none, more than one, or one that is compressed.
    """
    if len(data) < _HEAD.size:
        raise GrpcError("the answer holds no message")
    flags, size = _HEAD.unpack_from(data)
    if flags & _COMPRESSED:
        raise GrpcError("the answer is compressed, which was not offered")
    if flags or len(data) != _HEAD.size + size:
        raise GrpcError("the answer is not one message")
    return data[_HEAD.size :]


class UnaryCall:
    """One call on a fresh connection. Send what :meth:`start` and :meth:`feed` return until :attr:`done`."""

    def __init__(self, authority: str, path: str, message: bytes) -> None:
        """Prepare; ``path`` is ``/package.Service/Method``."""
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding=None)
        )
        self._authority = authority
        self._path = path
        self._message = message
        self._body = bytearray()
        self._status: int | None = None
        self._headed = False
        self.done = False

    def start(self) -> bytes:
        """Return the first bytes: preface, settings, the request."""
        self._h2.initiate_connection()
        self._h2.send_headers(
            1,
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":path", self._path),
                (":authority", self._authority),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
            ],
        )
        self._h2.send_data(1, frame(self._message), end_stream=True)
        return self._h2.data_to_send()

    def feed(self, data: bytes) -> bytes:
        """Take in what came; return what is to be sent.

        :raises GrpcError: when the peer does not speak gRPC, or says no.
        """
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError as exc:
            raise GrpcError("the answer is no HTTP/2") from exc
        for event in events:
            self._take(event)
        return self._h2.data_to_send()

    def goodbye(self) -> bytes:
        """Return the last bytes: GOAWAY without an error."""
        try:
            self._h2.close_connection()
        except h2.exceptions.ProtocolError:
            return b""
        return self._h2.data_to_send()

    def result(self) -> bytes:
        """Return the message that came back.

        :raises GrpcError: when there is none.
        """
        if not self.done:
            raise GrpcError("the connection ended before the answer did")
        if self._status != OK:
            raise GrpcError("the call was turned down", self._status)
        return unframe(bytes(self._body))

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self._take_head(_text(event.headers))
        elif isinstance(event, h2.events.TrailersReceived):
            self._status = _status(_text(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            self._body += event.data
            if len(self._body) > LARGEST:
                raise GrpcError("the answer is too large")
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.done = True
        elif isinstance(event, h2.events.StreamReset):
            raise GrpcError("the call was reset")
        elif isinstance(event, h2.events.ConnectionTerminated) and not self.done:
            raise GrpcError("the connection was ended by the peer")

    def _take_head(self, headers: list[tuple[str, str]]) -> None:
        given = dict(headers)
        if given.get(":status") != "200" or not given.get("content-type", "").startswith("application/grpc"):
            raise GrpcError("something answers HTTP/2 here, and it is no gRPC")
        self._status = _status(headers)


def web_headers() -> tuple[tuple[str, str], ...]:
    """Return the headers of a gRPC-Web request."""
    return (
        ("content-type", "application/grpc-web+proto"),
        ("accept", "application/grpc-web+proto"),
        ("x-grpc-web", "1"),
    )


def read_web(body: bytes, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return the message in a gRPC-Web answer.

    :raises GrpcError: when there is none, or the status is not OK.
    """
    status = _status(headers)
    message: bytes | None = None
    at = 0
    while at + _HEAD.size <= len(body):
        flags, size = _HEAD.unpack_from(body, at)
        at += _HEAD.size
        part = body[at : at + size]
        if len(part) != size:
            raise GrpcError("the answer was cut short")
        at += size
        if flags & _TRAILERS:
            status = _status(_trailers(part))
        elif flags & _COMPRESSED or message is not None:
            raise GrpcError("the answer is not one message")
        else:
            message = part
    if at != len(body):
        raise GrpcError("the answer was cut short")
    if status != OK:
        raise GrpcError("the call was turned down", status)
    if message is None:
        raise GrpcError("the answer holds no message")
    return message


def _text(headers: Iterable[Sequence[bytes | str]]) -> list[tuple[str, str]]:
    """Return headers as text; h2 gives them as bytes, lest it trip over those that are no text."""
    pairs = ((one if isinstance(one, str) else one.decode("latin-1") for one in pair[:2]) for pair in headers)
    return [(name.lower(), value) for name, value in pairs]


def _trailers(part: bytes) -> list[tuple[str, str]]:
    lines = part.decode("ascii", "replace").split("\r\n")
    pairs = [line.partition(":") for line in lines if ":" in line]
    return [(name.strip().lower(), value.strip()) for name, _, value in pairs]


def _status(headers: Iterable[tuple[str, str]]) -> int | None:
    given = next((value for name, value in headers if name == "grpc-status"), None)
    return (
        int(given) if given is not None and given.isascii() and given.isdigit() and len(given) < 4 else None
    )
