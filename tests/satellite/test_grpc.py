"""One gRPC call without I/O: whatever comes, it is a message or a stated error. Whole calls: tests/transports/test_starlink.py."""

from __future__ import annotations

import struct
from contextlib import suppress

import h2.config
import h2.connection
import h2.events
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.satellite.grpc import LARGEST, GrpcError, UnaryCall, frame, read_web, unframe

GRPC = [(":status", "200"), ("content-type", "application/grpc")]
OK = [("grpc-status", "0")]


def call() -> UnaryCall:
    return UnaryCall("dish:9200", "/a.B/C", b"ask")


def answered(
    head: list[tuple[str, str]], body: bytes, trailers: list[tuple[str, str]] | None
) -> tuple[UnaryCall, bytes]:
    """Let a server of h2 answer a call; return the call and what the server read."""
    client, asked = call(), b""
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    server.initiate_connection()
    for event in server.receive_data(client.start()):
        if isinstance(event, h2.events.DataReceived):
            asked += event.data
    server.send_headers(1, head)
    server.send_data(1, body, end_stream=trailers is None)
    if trailers is not None:
        server.send_headers(1, trailers, end_stream=True)
    client.feed(server.data_to_send())
    return client, asked


def test_a_call() -> None:
    client, asked = answered(GRPC, frame(b"answer"), OK)
    assert unframe(asked) == b"ask"
    assert client.done
    assert client.result() == b"answer"
    assert client.goodbye()


@pytest.mark.parametrize(
    ("trailers", "status"), [([("grpc-status", "12")], 12), ([("grpc-status", "x")], None), (None, None)]
)
def test_a_status_that_is_not_ok(trailers: list[tuple[str, str]] | None, status: int | None) -> None:
    client, _ = answered(GRPC, frame(b"answer"), trailers)
    with pytest.raises(GrpcError) as caught:
        client.result()
    assert caught.value.status == status


def test_another_service_over_http2() -> None:
    with pytest.raises(GrpcError, match="no gRPC"):
        answered([(":status", "200"), ("content-type", "text/html")], b"<html>", None)


def test_before_the_end_there_is_no_result() -> None:
    with pytest.raises(GrpcError, match="ended before"):
        call().result()


def test_headers_that_are_no_text_are_no_defect() -> None:
    server = h2.connection.H2Connection(
        h2.config.H2Configuration(client_side=False, header_encoding=None, validate_outbound_headers=False)
    )
    client = call()
    server.receive_data(client.start())
    server.send_headers(
        1, [(b":status", b"200"), (b"content-type", b"application/grpc"), (b"x", b"\xff\xfe")]
    )
    client.feed(server.data_to_send())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\0",
        frame(b"a") + frame(b"b"),
        struct.pack(">BI", 1, 1) + b"z",
        struct.pack(">BI", 0, LARGEST) + b"short",
    ],
)
def test_what_is_not_one_message(data: bytes) -> None:
    with pytest.raises(GrpcError):
        unframe(data)


def trailer(text: bytes) -> bytes:
    return struct.pack(">BI", 0x80, len(text)) + text


def test_grpc_web() -> None:
    end = trailer(b"grpc-status: 0\r\ngrpc-message:\r\n")
    assert read_web(frame(b"answer") + end) == b"answer"
    assert read_web(frame(b"answer"), [("grpc-status", "0")]) == b"answer"
    for broken in (b"", end, frame(b"a"), frame(b"a")[:-1], frame(b"a") * 2 + end, end + b"\0\0"):
        with pytest.raises(GrpcError):
            read_web(broken)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_stated_error(data: bytes) -> None:
    for read in (unframe, read_web):
        with suppress(GrpcError):
            assert isinstance(read(data), bytes)
    client = call()
    client.start()
    try:
        client.feed(data)
    except GrpcError:
        return
    assert not client.done


@given(st.binary(max_size=500))
def test_a_frame_is_read_as_it_was_written(message: bytes) -> None:
    assert unframe(frame(message)) == message
    assert read_web(frame(message) + trailer(b"grpc-status:0\r\n")) == message
