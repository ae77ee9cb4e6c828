"""Packets over streams and sockets."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import ByteStream

from circumvent.net.clock import Clock
from circumvent.net.errors import PeerError
from circumvent.net.stream import Datagram
from circumvent.transports.openvpn_link import DatagramLink, StreamLink

pytestmark = pytest.mark.anyio


class Stream(ByteStream):
    """A stream that gives what a test has put in."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.sent = b""
        self.closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        await anyio.lowlevel.checkpoint()
        if not self.pieces:
            raise anyio.EndOfStream
        return self.pieces.pop(0)[:max_bytes]

    async def send(self, item: bytes) -> None:
        self.sent += item

    async def send_eof(self) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.closed = True


async def test_a_stream_is_cut_into_packets() -> None:
    stream = Stream(b"\0\x03@", b"bc\0\x01d\0", b"\x01e")
    link = StreamLink(stream, Clock())
    assert link.reliable
    assert [(await link.receive()).data for _ in range(3)] == [b"@bc", b"d", b"e"]
    with pytest.raises(anyio.EndOfStream):
        await link.receive()
    await link.send(b"xyz")
    assert stream.sent == b"\0\x03xyz"
    await link.aclose()
    assert stream.closed


async def test_a_stream_that_is_no_openvpn() -> None:
    for data in (
        b"\0\0\0\0",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\x15\x03\x01\0\x02\x02\x46",
        b"SSH-2.0-x\r\n",
    ):
        with pytest.raises(PeerError, match="no OpenVPN server"):
            await StreamLink(Stream(data), Clock()).receive()


async def test_a_datagram_is_a_packet() -> None:
    class Socket:
        def __init__(self) -> None:
            self.sent = [b""]
            self.closed = False

        async def send(self, data: bytes) -> None:
            self.sent.append(data)

        async def receive(self) -> Datagram:
            return Datagram(b"abc", 1.0)

        async def aclose(self) -> None:
            self.closed = True

    socket = Socket()
    link = DatagramLink(socket)
    assert not link.reliable
    await link.send(b"x")
    assert socket.sent == [b"", b"x"]
    assert (await link.receive()).arrived == 1.0
    await link.aclose()
    assert socket.closed
