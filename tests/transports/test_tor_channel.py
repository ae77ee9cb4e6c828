"""Cells over a stream, and a circuit of one hop: what is passed over, and what ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from anyio.abc import ByteStream

from circumvent.net.errors import PeerError, Refusal
from circumvent.tor.cells import Cell, Command, Decoder, encode
from circumvent.tor.circuit import kdf_tor
from circumvent.transports.tor_channel import MOST_IGNORED, Channel, destroyed, open_hop
from tests.transports.tor_context import context

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio


class Scripted(ByteStream):
    """Gives what it was given, cell by cell, and keeps what was sent."""

    def __init__(self, *pieces: bytes, answer: Callable[[bytes], bytes] | None = None) -> None:
        self.pieces = list(pieces)
        self.sent = b""
        self.answer = answer
        self.closed = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if not self.pieces:
            raise anyio.EndOfStream
        return self.pieces.pop(0)[:max_bytes]

    async def send(self, item: bytes) -> None:
        self.sent += item
        if self.answer is not None:
            self.pieces.append(self.answer(item))

    async def send_eof(self) -> None:
        raise AssertionError

    async def aclose(self) -> None:
        self.closed = True


def channel(stream: Scripted, protocol: int = 5) -> Channel:
    found = Channel(stream)
    found.protocol = protocol
    return found


async def test_cells_that_were_not_asked_for_are_passed_over() -> None:
    padding, wanted = Cell(0, Command.VPADDING, b"x"), Cell(0, Command.CERTS, b"y")
    moves: list[int] = []
    under_test = channel(
        Scripted(encode(padding, 5), encode(padding, 5)[:3], encode(padding, 5)[3:] + encode(wanted, 5))
    )
    under_test.on_move = lambda: moves.append(1)
    assert await under_test.receive(Command.CERTS) == wanted
    assert len(moves) == 3
    await under_test.aclose()


async def test_nothing_but_padding_comes_to_an_end() -> None:
    flood = encode(Cell(0, Command.VPADDING, b""), 5) * (MOST_IGNORED + 1)
    with pytest.raises(PeerError, match="of no use"):
        await channel(Scripted(flood)).receive(Command.CERTS)


@pytest.mark.parametrize("protocol", [3, 4, 5])
async def test_a_hop_takes_the_id_of_whoever_opened_the_connection(protocol: int) -> None:
    def answer(sent: bytes) -> bytes:
        decoder = Decoder()
        decoder.protocol = protocol
        decoder.feed(sent)
        cell = decoder.next_cell()
        assert cell is not None
        assert cell.command == Command.CREATE_FAST
        assert cell.circuit >> (15 if protocol == 3 else 31) == 1
        proof = kdf_tor(cell.payload[:20] + bytes(20), 20)
        return encode(Cell(cell.circuit, Command.CREATED_FAST, bytes(20) + proof), protocol)

    stream = Scripted(answer=answer)
    hop = await open_hop(channel(stream, protocol), context())
    stream.answer = None
    await hop.destroy()
    assert stream.sent.endswith(bytes(509))


async def test_a_circuit_that_is_refused() -> None:
    def answer(sent: bytes) -> bytes:
        return sent[:4] + bytes((Command.DESTROY, 5)) + bytes(508)

    with pytest.raises(PeerError, match="reason 5"):
        await open_hop(channel(Scripted(answer=answer)), context())


def test_what_a_destroy_cell_says() -> None:
    error = destroyed(Cell(1, Command.DESTROY, b"\x0b"))
    assert error.error == "proxy_protocol_error"
    assert not isinstance(error, Refusal), "a relay that is full says so to everybody"
